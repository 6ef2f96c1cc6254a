"""Probes of a representation: identity leakage, known factors, generated images."""
