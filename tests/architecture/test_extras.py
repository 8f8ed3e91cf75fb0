"""The inbox and the tickets service run from their own extra alone, in an environment that has nothing else.

The environment is fresh without installing anything again: the closure of an extra's requirements, as the installed
distributions state them, is linked into an empty folder, and a Python without site-packages imports from there.
"""

import subprocess
import sys
import tomllib
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.tree import ROOT

IMPORT_ALL = """
import importlib, pkgutil, sys
sys.path.insert(0, sys.argv[1])
names = []
for package in sys.argv[2].split(","):
    names.append(package)
    names += [m.name for m in pkgutil.walk_packages(importlib.import_module(package).__path__, package + ".")]
for name in names:
    importlib.import_module(name)
for absent in sys.argv[3].split(","):
    try:
        importlib.import_module(absent)
    except ModuleNotFoundError:
        continue
    sys.exit(f"{absent} is here")
print(len(names))
"""


def required(name: str) -> list[str]:
    """A distribution's requirements; our own from pyproject.toml, which an installation of yesterday may lag behind."""
    if name != "centralita":
        return distribution(name).requires or []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].items()
    return [*project["dependencies"], *(f'{each}; extra == "{extra}"' for extra, list_ in extras for each in list_)]


def closure(extra: str) -> dict[str, Distribution]:
    """Everything that `pip install centralita[extra]` brings, by canonical name."""
    found: dict[str, Distribution] = {}
    done: set[tuple[str, str]] = set()
    waiting = [("centralita", ""), ("centralita", extra)]
    while waiting:
        name, wanted = waiting.pop()
        if (name, wanted) in done:
            continue
        done.add((name, wanted))
        found[name] = distribution(name)
        for text in required(name):
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": wanted}):
                waiting += [(canonicalize_name(requirement.name), e) for e in {"", *requirement.extras}]
    del found["centralita"]
    return found


def link(distributions: dict[str, Distribution], target: Path) -> None:
    """Put the files of these distributions, and of no other, into the folder."""
    owners: dict[str, set[str]] = {}
    for name, package in distributions.items():
        for file in package.files or []:
            if file.parts[0] not in {"..", "__pycache__"}:
                owners.setdefault(file.parts[0], set()).add(name)
    site = {name: Path(str(found.locate_file(""))) for name, found in distributions.items()}
    for top, names in owners.items():
        if len(names) == 1:
            (target / top).symlink_to(site[next(iter(names))] / top)
            continue
        # A namespace shared by several distributions: link what lies inside it.
        (target / top).mkdir()
        for name in names:
            inner = {file.parts[1] for file in distributions[name].files or [] if file.parts[0] == top}
            for part in inner - {"__pycache__"}:
                (target / top / part).symlink_to(site[name] / top / part)
    for ours in ("shared", "services"):
        (target / ours).symlink_to(ROOT / ours)


@pytest.mark.parametrize(
    ("extra", "packages", "absent"),
    [
        ("inbox", ["services.inbox", "shared.models"], ["torch", "whisper", "av", "numpy", "fastapi", "jinja2"]),
        ("tickets", ["services.tickets", "shared.models"], ["torch", "whisper", "av", "imapclient", "aiosmtplib"]),
    ],
)
def test_a_service_needs_only_its_extra(extra: str, packages: list[str], absent: list[str], tmp_path: Path) -> None:
    distributions = closure(extra)
    assert not set(absent) & set(distributions)
    link(distributions, tmp_path)
    command = [sys.executable, "-I", "-S", "-B", "-c", IMPORT_ALL, str(tmp_path), ",".join(packages), ",".join(absent)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) > 10


def test_the_environment_really_is_closed(tmp_path: Path) -> None:
    """Without this the test above could pass by importing from the environment that runs it."""
    link({"structlog": distribution("structlog")}, tmp_path)
    program = "import sys; sys.path.insert(0, sys.argv[1]); import structlog; import sqlalchemy"
    command = [sys.executable, "-I", "-S", "-B", "-c", program, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert "No module named 'sqlalchemy'" in done.stderr


def test_every_requirement_is_pinned() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "pin"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
