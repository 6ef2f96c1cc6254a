"""Adapters, one per data set: files on disk -> :class:`degan.data.sample.Source` records."""
