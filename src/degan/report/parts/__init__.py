"""Figures and tables of the report, by topic; each is a pure function of the files that were read.

Every module lists in ``ENTRIES`` what it adds to which section, see :mod:`degan.report.entries`.
"""
