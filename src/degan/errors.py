"""The exceptions that mistakes of a user raise, and how names from files appear in messages."""


def shown(text: str, encoding: str = "utf-8") -> str:
    r"""Return a text from a file or a command line as one line that any terminal can print.

    A name may hold control characters that move the cursor or change colours, line breaks, marks
    that reverse the reading direction, and bytes that are no UTF-8. All of these become escapes,
    such as ``\x1b`` or ``\u202e``. A second call changes nothing.

    Args:
        text: name of a file, a class, a person or a column, or a sentence with such names.
        encoding: encoding of the terminal; other characters that it lacks become escapes too.
    """
    if not text.isprintable():
        text = "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)
    return text.encode(encoding, "backslashreplace").decode(encoding)


class DeganError(Exception):
    """A fault that the user can correct: one sentence with what is wrong, where, and what to do.

    The command line prints it after ``degan:`` and exits with code 2, without a traceback. For
    several photos it becomes a row of the results, and the other photos are still read. Any other
    exception is a bug in degan.

    Args:
        sentence: the sentence; names in it are escaped by :func:`shown`.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(shown(sentence))


class DeganTypeError(DeganError, TypeError):
    """An argument of a wrong type, also a :class:`TypeError`; the sentence names the type."""
