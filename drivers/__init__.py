"""Hardware: the lines that carry bytes, and the probes that speak on them."""
