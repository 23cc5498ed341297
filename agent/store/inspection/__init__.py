"""Looking into the ring buffer from outside, while the gateway writes it: read-only, in short steps."""
