"""Probes of a representation: leaked identity, known factors, generated images."""
