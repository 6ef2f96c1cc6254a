"""HTML pages: ``degan report`` on run directories, ``degan look`` on a data set."""
