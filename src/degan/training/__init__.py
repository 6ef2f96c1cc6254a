"""Training: stage 1 (the GAN) and stage 2 (the classifier), into a run directory."""
