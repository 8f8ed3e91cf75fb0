"""What gets installed is whole: every template, style, catalog and data file travels with its package."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, tracked, within


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The files of a wheel that is built from the tracked files alone."""
    source = tmp_path_factory.mktemp("source")
    for path in tracked():
        if within(path, "shared", "services", "local") or path.parent == ROOT:
            target = source / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(path)
    out = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(out),
        ".",
    ]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (built,) = out.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        return set(archive.namelist())


def test_every_file_of_the_packages_is_in_the_wheel(wheel: set[str]) -> None:
    ours = {str(path.relative_to(ROOT)) for path in tracked() if within(path, "shared", "services", "local")}
    assert len(ours) > 100
    assert ours - wheel == set()


def test_nothing_else_is_in_it(wheel: set[str]) -> None:
    strangers = {name for name in wheel if Path(name).parts[0] not in {"shared", "services", "local"}}
    assert all(".dist-info/" in name for name in strangers)
