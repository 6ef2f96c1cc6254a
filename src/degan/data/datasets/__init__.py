"""One adapter a data set: what is on disk -> :class:`degan.data.sample.Source` records."""
