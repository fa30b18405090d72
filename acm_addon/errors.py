"""The one error that reaches a user, with what to do about it."""


class AcmError(Exception):
    """A failure that the user can understand and act on.

    ``message`` is one line; ``hint`` is what to try, or None.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
