"""Byte ranges of a file by RFC 9110 §14, where the framework's own answer does not keep to it."""

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import FileResponse
from starlette.types import Receive, Scope, Send

_SPEC = re.compile(r"(\d*)-(\d*)")


def answerable(asked: str, size: int) -> str | None:
    """The Range header with what can be answered of a file of `size` bytes; None: as if there were none.

    §14.2: an unknown unit is ignored, and so is a header that makes no sense; §15.5.17: 416 only when no range at all
    can be satisfied, so that of several those beyond the end are left out.
    """
    unit, equals, specs = asked.partition("=")
    if not equals or unit.lower() != "bytes":
        return None
    good, valid = [], False
    for spec in specs.split(","):
        found = _SPEC.fullmatch(spec.strip())
        if spec.strip() == "":
            continue
        if found is None or found.groups() == ("", ""):
            return None
        first, last = found.groups()
        if first and last and int(last) < int(first):
            return None
        valid = True
        if int(first) < size if first else int(last) > 0 and size > 0:
            good.append(found.group())
    if not valid:
        return None
    return "bytes=" + ",".join(good) if good else f"bytes={size}-"


class RangedFile(FileResponse):
    """A file of which a client may ask for parts, to seek in it and to go on where it stopped."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Headers(scope=scope).get("range")
        if asked is not None and self.stat_result is not None:
            wanted = answerable(asked, self.stat_result.st_size) if scope["method"] == "GET" else None
            scope = dict(scope, headers=list(scope["headers"]))
            headers = MutableHeaders(scope=scope)
            if wanted is None:
                del headers["range"]
            else:
                headers["range"] = wanted
        await super().__call__(scope, receive, send)
