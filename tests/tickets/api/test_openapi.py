"""The documentation is complete, and the application keeps to it whatever it is sent."""

import asyncio
import os
import traceback
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import requests
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings

from shared.models import Role
from tests.tickets.api.conftest import Users

if TYPE_CHECKING:
    import schemathesis

    Case = schemathesis.Case[Any]
bounded = settings(
    max_examples=int(os.environ.get("SCHEMATHESIS_EXAMPLES", "5")),
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
# They would end the session that the other examples need.
NOT_TRIED = {"/api/v1/session", "/api/v1/me/sessions", "/api/v1/me/password"}


def test_every_operation_is_documented(app: FastAPI) -> None:
    document = app.openapi()
    for path, operations in document["paths"].items():
        assert path.startswith("/api/v1/"), path
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation.get("summary"), where
            assert operation.get("tags"), where
            problem = operation["responses"]["403"]["content"]["application/problem+json"]
            assert problem["schema"] == {"$ref": "#/components/schemas/Problem"}
            assert "HTTPValidationError" not in str(operation["responses"]), where
    described = {tag["name"] for tag in document["tags"]}
    used = {tag for operations in document["paths"].values() for each in operations.values() for tag in each["tags"]}
    assert used == described
    assert set(document["components"]["securitySchemes"]) == {"token", "session"}


@pytest.mark.timeout(150)  # every operation, many times
async def test_the_application_keeps_to_its_documentation(app: FastAPI, user: Users) -> None:
    # Here: it takes a second to import, and one module needs it.
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks as conformance

    wanted_of_all = [
        not_a_server_error,
        conformance.status_code_conformance,
        conformance.content_type_conformance,
        conformance.response_schema_conformance,
    ]
    me = await user(Role.ADMINISTRATOR)
    schema = schemathesis.openapi.from_dict(app.openapi())
    loop = asyncio.get_running_loop()

    def send(case: "Case") -> httpx.Response:
        """Through our client, so that the examples run in the application's own loop and with its session."""
        wanted = case.as_transport_kwargs(base_url="http://localhost:8000")
        made = requests.Request(
            wanted["method"],
            wanted["url"],
            params=wanted.get("params"),
            data=wanted.get("data"),
            json=wanted.get("json"),
        ).prepare()
        given = {k: v for k, v in wanted["headers"].items() if k.lower() not in ("authorization", "cookie")}
        headers = {**made.headers, **given, **me.http.headers, "Cookie": cookies}
        body = made.body if isinstance(made.body, (bytes, str)) else None
        request = httpx.Request(made.method or "", made.url or "", headers=headers, content=body)
        return asyncio.run_coroutine_threadsafe(me.http.send(request), loop).result(30)

    def check(case: "Case") -> None:
        case.validate_response(send(case), checks=wanted_of_all)

    def try_all() -> dict[str, str]:
        """What each operation was found to do wrong; empty when nothing."""
        found: dict[str, str] = {}
        for result in schema.get_all_operations():
            operation = result.ok()  # type: ignore[union-attr]  # a document that cannot be read fails here
            if operation.path in NOT_TRIED:
                continue
            try:
                bounded(given(case=operation.as_strategy())(check))()
                found[operation.label] = ""
            except (Exception, ExceptionGroup) as error:
                found[operation.label] = "".join(traceback.format_exception_only(error)) + str(
                    getattr(error, "exceptions", "")
                )
        return found

    cookies = "; ".join(f"{name}={value}" for name, value in me.http.cookies.items())
    found = await asyncio.to_thread(try_all)
    assert {label: wrong for label, wrong in found.items() if wrong} == {}
    assert len(found) > 50
