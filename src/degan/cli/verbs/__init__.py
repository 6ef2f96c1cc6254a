"""The verbs of ``degan``, a module a verb or group of verbs; :mod:`degan.cli.app` finds them.

A module has ``app`` (a Typer application with its verbs), ``PANEL`` (its group in the help) and, if
a stopped command can be continued, ``continues(words)``.
"""
