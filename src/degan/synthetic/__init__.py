"""Synthetic people: faces whose identity, expression, actions, pose and light are known exactly."""
