"""The verbs of ``degan``, one module per verb or group of verbs; :mod:`degan.cli.app` finds them.

Each module defines ``app``, a Typer application with its verbs, and ``PANEL``, their group in the
help. A module may define ``continues(words)``, which returns whether the same command continues the
stopped work; ``words`` are the command-line arguments after ``degan``.
"""
