"""The command ``degan``, which ``python -m degan`` is too."""

import sys

from degan.cli import signals, streams

__all__ = ["main"]


def main() -> None:
    """Load the command and run it; a signal or a closed stream never ends in a traceback."""
    signals.leave_at_once()
    if not streams.open_streams():
        sys.stderr.write("degan: standard output is closed; redirect it to a file or /dev/null\n")
        sys.exit(2)
    try:
        from degan.cli.app import main as command  # noqa: PLC0415
    except KeyboardInterrupt:
        sys.stderr.write("degan: stopped before anything was begun\n")
        sys.exit(signals.INTERRUPTED)
    exit_code = signals.interrupt()
    try:
        command()
    except SystemExit as stop:
        if stop.code == signals.INTERRUPTED:
            sys.exit(exit_code())
        raise
    except KeyboardInterrupt:  # between two statements of the command
        sys.exit(exit_code())
    finally:
        signals.end_silently()


if __name__ == "__main__":
    main()
