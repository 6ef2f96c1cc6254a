"""Ablation: how much each part of the method adds to the accuracy."""
