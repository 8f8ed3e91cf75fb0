"""What the routes of the API share: identifiers, pages of lists, answers without a body."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

BIGINT = 2**63 - 1
Id = Annotated[int, Path(ge=1, le=BIGINT, description="Its number.")]
Number = Annotated[int, Field(ge=1, le=BIGINT)]
Cursor = Annotated[str | None, Query(max_length=300, description="`next` of the page before; none for the first.")]
Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]
NO_CONTENT = 204


class Body(BaseModel):
    """What is sent: unknown fields are refused, so that a misspelt one is not silently lost."""

    model_config = ConfigDict(extra="forbid")


class Reason(Body):
    reason: str = Field(min_length=1, max_length=500, examples=["I know this customer personally."])


class Assigned(BaseModel):
    """A ticket and the assignment that came of the action."""

    ticket_id: int
    assignment_id: int
    state: str


def link_next(request: Request, response: Response, cursor: str | None) -> None:
    """RFC 8288: where the next page is."""
    if cursor is not None:
        query = [(key, value) for key, value in request.query_params.multi_items() if key != "cursor"]
        response.headers["Link"] = f'<{request.url.path}?{urlencode([*query, ("cursor", cursor)])}>; rel="next"'
