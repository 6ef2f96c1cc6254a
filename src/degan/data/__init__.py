"""Data sets: from photos on disk to aligned crops, a manifest, folds and batches."""
