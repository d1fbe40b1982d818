"""The NumPy networks: forward, backward, training loop. Arrays and functions in, a Trace out; no name, no file."""
