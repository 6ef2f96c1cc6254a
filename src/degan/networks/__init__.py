"""The networks of DE-GAN. ``forward`` keeps no state; images are float (N, C, H, W) in [-1, 1]."""
