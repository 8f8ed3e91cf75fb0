"""What the documentation says about permissions, settings, paths and problems is what the code does."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.routing import BaseRoute

from services.tickets.app import create
from services.voicemail.app import make
from shared.models import Role
from shared.people import PERMISSIONS, Permission
from shared.settings import Settings
from tests.architecture.tree import ROOT

OPERATIONS = (ROOT / "docs/operations.md").read_text()
SECURITY = (ROOT / "docs/security.md").read_text()
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
# Of both applications, and the same in both; or closed by the proxy.
SHARED = ("/static", "/api/docs", "/api/openapi.json", "/api/problems", "/healthz", "/readyz", "/metrics")


def paths(app: FastAPI) -> set[str]:
    """An example of every path that is this application's own."""

    def all_of(routes: Iterable[BaseRoute]) -> Iterator[str]:
        for route in routes:
            included = getattr(route, "original_router", None)  # FastAPI keeps routers whole
            if included is not None:
                yield from all_of(included.routes)
            elif path := getattr(route, "path", ""):
                yield re.sub(r"\{[^}]+\}", "7", path)

    return {path for path in all_of(app.routes) if not path.startswith(SHARED)}


def port_of(path: str) -> str:
    """Where the proxy of the documentation sends a path: exact matches, then patterns in their order, then the rest."""
    rules = re.findall(r"^location (?:(=|~) )?(\S+)\s+\{ (.*?) \}$", OPERATIONS, re.MULTILINE)
    exact = [action for sign, pattern, action in rules if sign == "=" and pattern == path]
    patterns = [action for sign, pattern, action in rules if sign == "~" and re.search(pattern, path)]
    rest = [action for sign, pattern, action in rules if sign == "" and path.startswith(pattern)]
    found = re.search(r"127\.0\.0\.1:(\d+)", [*exact, *patterns, *rest][0])
    return found.group(1) if found else "closed"


def test_one_host_sends_every_path_to_the_application_that_has_it(settings: Settings) -> None:
    tickets, voicemail = paths(create(settings)), paths(make(settings))
    assert len(tickets) > 80
    assert "/api/v1/recordings/7" in voicemail
    assert "/api/v1/tickets/7/recordings/7/audio" in tickets
    assert {path for path in tickets if port_of(path) != "8000"} == set()
    assert {path for path in voicemail if port_of(path) != "8001"} == {"/"}  # one host has one start page


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/healthz"])
def test_what_asks_for_no_sign_in_is_closed(path: str) -> None:
    assert port_of(path) == "closed"


def test_the_table_of_permissions_is_the_one_in_force() -> None:
    told: dict[Permission, list[bool]] = {}
    for line in SECURITY.splitlines():
        if line.startswith("| `"):
            names, *marks = [cell.strip() for cell in line.strip().strip("|").split("|")]
            for name in re.findall(r"`([^`]+)`", names):
                told[Permission(name)] = [mark == "x" for mark in marks]
    assert told == {each: [each in PERMISSIONS[role] for role in Role] for each in Permission}


def test_settings_that_are_named_exist() -> None:
    text = "\n".join(document.read_text() for document in DOCUMENTS)
    table = OPERATIONS.partition("## Settings")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = set(re.findall(r"CENTRALITA_([A-Z0-9_]+)", text)) | set(re.findall(r"`([A-Z0-9_]+)`", "".join(cells)))
    assert len(named) > 25
    assert named - {name.upper() for name in Settings.model_fields} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_files_that_are_named_exist(document: Path) -> None:
    named = re.findall(r"`((?:shared|services|tests|local|scripts)/[\w./-]+\.\w+)`", document.read_text())
    assert [path for path in named if not (ROOT / path).exists()] == []
