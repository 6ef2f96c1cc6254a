"""``python -m degan`` is the command ``degan``."""

from degan.cli import main

main()
