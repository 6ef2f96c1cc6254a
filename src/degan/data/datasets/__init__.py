"""Adapters, one module for each data set: files on disk -> recordings of photos with labels.

The name of a module is the name of its data set on the command line. Its ``ADAPTER`` is a
:class:`degan.data.adapter.Adapter`; :mod:`degan.data.adapters` finds it.
"""
