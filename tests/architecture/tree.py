"""The files of the project as git tracks them, for the tests that read the source."""

import subprocess
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MIGRATIONS = ROOT / "shared" / "migrations" / "versions"


@lru_cache
def tracked() -> tuple[Path, ...]:
    """Every tracked file that is there."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = tuple(ROOT / name for name in listed.split("\0") if name)
    assert len(paths) > 50, "git lists next to nothing: is this a checkout?"
    return tuple(path for path in paths if path.is_file())


def modules() -> tuple[Path, ...]:
    return tuple(path for path in tracked() if path.suffix == ".py")


def within(path: Path, *folders: str) -> bool:
    return path.relative_to(ROOT).parts[0] in folders
