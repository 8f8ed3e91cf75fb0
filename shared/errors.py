"""Errors that people can cause. Each carries its HTTP status and a message key that the catalogs translate."""


class CentralitaError(Exception):
    """`message` is an English sentence with {placeholders}; it is the key in the catalogs."""

    status = 500
    slug = "internal"

    def __init__(self, message: str, **values: object) -> None:
        self.message = message
        self.values = values
        super().__init__(message.format(**values) if values else message)

    def extension(self) -> dict[str, object]:
        """What a program needs beside the sentence: further members of the problem document (RFC 9457, 3.2)."""
        return {}


class Invalid(CentralitaError):
    """What was sent cannot be used; `field` says which part of it."""

    status = 400
    slug = "invalid"

    def __init__(self, message: str, *, field: str | None = None, **values: object) -> None:
        super().__init__(message, **values)
        self.field = field


class NotSignedIn(CentralitaError):
    status = 401
    slug = "not-signed-in"


class Forbidden(CentralitaError):
    status = 403
    slug = "forbidden"


class NotFound(CentralitaError):
    status = 404
    slug = "not-found"


class Conflict(CentralitaError):
    """Somebody else was quicker, or the state has moved on: look again."""

    status = 409
    slug = "conflict"


class TooLarge(CentralitaError):
    status = 413
    slug = "too-large"


class UnsupportedMedia(CentralitaError):
    status = 415
    slug = "unsupported-media"


class TooMany(CentralitaError):
    """Throttled; `retry_after_s` says how long."""

    status = 429
    slug = "too-many-requests"

    def __init__(self, message: str, *, retry_after_s: int, **values: object) -> None:
        super().__init__(message, retry_after_s=retry_after_s, **values)
        self.retry_after_s = retry_after_s


class Unavailable(CentralitaError):
    """A part we need is down; nothing was lost, try again."""

    status = 503
    slug = "unavailable"
