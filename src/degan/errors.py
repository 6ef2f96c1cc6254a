"""The exceptions that mistakes of a user raise."""


class DeganError(Exception):
    """A fault that the user can correct: one sentence with what is wrong, where, and what to do.

    The command line prints it after ``degan:`` and exits with code 2, without a traceback. For
    several photos it becomes a row of the results, and the other photos are still read. Any other
    exception is a bug in degan.
    """


class DeganTypeError(DeganError, TypeError):
    """An argument of a wrong type, also a :class:`TypeError`; the sentence names the type."""
