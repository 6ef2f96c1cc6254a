"""Evaluation: metrics as pure functions of arrays, and the protocols that compute the arrays."""
