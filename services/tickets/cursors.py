"""Pages of lists that are read newest first: a cursor is the id that the page before ended with."""

import base64
import binascii

from shared.errors import Invalid


def encode(last_id: int) -> str:
    return base64.urlsafe_b64encode(str(last_id).encode()).decode().rstrip("=")


def decode(cursor: str) -> int:
    """Raises Invalid for a cursor that is not ours."""
    try:
        number = int(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii"))
    except (ValueError, binascii.Error):
        number = -1
    if not 0 <= number < 2**63:
        raise Invalid("This page link is not valid; start again from the first page.", field="cursor")
    return number
