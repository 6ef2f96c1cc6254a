"""Detect, align and track faces, and assign them to persons."""
