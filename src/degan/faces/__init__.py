"""Faces in an image: found, aligned, tracked, told apart by person."""
