"""Operating system services: files, processes, shipped assets, optional extras, progress."""
