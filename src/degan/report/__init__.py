"""Results on one page: what runs left on disk, and what is measured of their models for it."""
