"""Measurement: pure figures on arrays, and the protocols that produce the arrays."""
