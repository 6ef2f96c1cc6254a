"""The one exception that a user's own doing can cause."""


class DeganError(Exception):
    """A fault that the user can mend: one sentence that says what, where and what to do.

    The command line prints it after ``degan:`` and exits with code 2, without a traceback. A batch
    reports it as a row and goes on. Anything else that is raised is a bug in degan.
    """
