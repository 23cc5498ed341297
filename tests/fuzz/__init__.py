"""What reads bytes from a wire, fed with any bytes at all."""
