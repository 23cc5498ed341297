"""What the running gateway answers to commands that ask it over its socket."""
