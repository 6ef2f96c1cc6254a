"""The command ``degan``, which ``python -m degan`` is too."""

import sys

__all__ = ["main"]

_INTERRUPTED = 130  # what shells expect of a command that Ctrl-C ended


def main() -> None:
    """Load the command and run it; Ctrl-C while it loads ends in a sentence as later on."""
    try:
        from degan.cli.app import main as command  # noqa: PLC0415
    except KeyboardInterrupt:
        print("degan: stopped before anything was begun", file=sys.stderr)  # noqa: T201
        sys.exit(_INTERRUPTED)
    command()


if __name__ == "__main__":
    main()
