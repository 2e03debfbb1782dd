"""The five kinds of error; each transport maps a kind once (rpc/calls.py, http.py, handling.py)."""


class MachiError(Exception):
    """Something a caller can act on: `slug` is stable and free of personal data, `message` says what to do next."""

    def __init__(self, slug: str, message: str = "") -> None:
        super().__init__(message or slug)
        self.slug = slug
        self.message = message or slug


class Invalid(MachiError):
    """The request can never succeed as it is."""


class Missing(MachiError):
    """There is no such thing, or not for this caller's tenant."""


class Conflict(MachiError):
    """The state moved on; read again and decide again."""


class Denied(MachiError):
    """The caller may not do this."""


class Unavailable(MachiError):
    """Nothing is wrong with the request; try again later. The only kind that is retried."""
