"""The OpenAPI document: what the framework finds, and the problems that every operation may answer with."""

from typing import Any

from fastapi import FastAPI

from shared.web.errors import PROBLEM, SENTENCES

PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457), in the language of the reader: `Accept-Language`, else the person's.",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "Names the kind of problem; GET it for a description."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "A sentence for people."},
        "instance": {"type": "string"},
        "request_id": {"type": ["string", "null"], "description": "Find it in the logs."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {
                    "detail": {"type": "string"},
                    "pointer": {"type": "string", "description": "Where in the body, as a JSON Pointer fragment."},
                    "parameter": {"type": "string"},
                    "in": {"type": "string", "description": "query, path, header or cookie"},
                    "code": {"type": "string"},
                },
            },
        },
    },
    "example": {
        "type": "/api/problems/conflict",
        "title": "Conflict",
        "status": 409,
        "detail": "Somebody else was quicker: ticket 42 is no longer in the queue.",
        "instance": "/api/v1/tickets/42/take",
        "request_id": "0f9a6c1be2d34a57",
    },
}
UNSAFE = ("post", "put", "patch", "delete")


def _problem(status: int) -> dict[str, Any]:
    return {
        "description": SENTENCES[status],
        "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


class Application(FastAPI):
    """FastAPI whose documentation speaks of problems instead of the framework's own validation errors."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is not None:
            return self.openapi_schema
        document = super().openapi()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.pop("HTTPValidationError", None)
        schemas.pop("ValidationError", None)
        schemas["Problem"] = PROBLEM_SCHEMA
        for path, operations in document.get("paths", {}).items():
            for method, operation in operations.items():
                statuses = [400, 401, 403, 422, 429, 500, 503]
                if "{" in path:
                    statuses.append(404)
                if method in UNSAFE:
                    statuses += [404, 409, 413, 415]
                responses = operation.setdefault("responses", {})
                responses.pop("422", None)
                for status in sorted(set(statuses)):
                    responses.setdefault(str(status), _problem(status))
        return document
