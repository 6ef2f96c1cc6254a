"""Synthetic faces with known identity, expression, facial actions, pose and light."""
