"""The documentation of the API at /api/docs: Swagger UI from an installed package, started by our own script."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from shared.errors import CentralitaError, NotFound
from shared.web import static

router = APIRouter(include_in_schema=False)

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="{icon}" type="image/svg+xml">
<link rel="stylesheet" href="{css}">
</head>
<body>
<noscript><p><a href="/api/openapi.json">openapi.json</a></p></noscript>
<div id="swagger-ui"></div>
<script src="{script}"></script>
<script src="/api/docs.js"></script>
</body>
</html>
"""
# Swagger UI sends the session's cookie by itself; for unsafe methods it needs the session's CSRF token too.
SCRIPT = """"use strict";
let csrf = null;
async function withCsrf(request) {
  if (!["GET", "HEAD"].includes((request.method || "GET").toUpperCase()) && !request.headers.Authorization) {
    if (csrf === null) {
      const answer = await fetch("/api/v1/me");
      csrf = answer.ok ? (await answer.json()).csrf_token || "" : "";
    }
    request.headers["X-CSRF-Token"] = csrf;
  }
  return request;
}
SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  requestInterceptor: withCsrf,
});
"""


@router.get("/api/docs")
async def documentation(request: Request) -> HTMLResponse:
    return HTMLResponse(
        PAGE.format(
            title=request.app.title,
            icon=static.url("logo.svg"),
            css=static.url("swagger/swagger-ui.css"),
            script=static.url("swagger/swagger-ui-bundle.js"),
        )
    )


@router.get("/api/docs.js")
async def script() -> Response:
    return Response(SCRIPT, media_type="text/javascript")


def _kinds(kind: type[CentralitaError]) -> dict[str, type[CentralitaError]]:
    found = {kind.slug: kind}
    for child in kind.__subclasses__():
        found |= _kinds(child)
    return found


@router.get("/api/problems/{slug}")
async def problem_type(slug: Annotated[str, Path(max_length=60)]) -> JSONResponse:
    """What the `type` of a problem document points at."""
    kind = _kinds(CentralitaError).get(slug)
    if kind is None:
        raise NotFound("There is no such problem.")
    return JSONResponse({"type": f"/api/problems/{slug}", "status": kind.status, "description": (kind.__doc__ or slug)})
