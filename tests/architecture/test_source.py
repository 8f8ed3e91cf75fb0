"""Rules that every file keeps: commits, purpose, size, no addresses of registries, no paths of one machine."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.tree import MIGRATIONS, ROOT, modules, tracked, within
from tests.conftest import LONG

LINES = 420  # «much over 400» is the rule


def savepoints(tree: ast.AST) -> set[str]:
    """Names that hold a savepoint: committing one releases it, and the transaction goes on."""
    return {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Await) and isinstance(node.value.value, ast.Call)
        for called in [node.value.value.func]
        if isinstance(called, ast.Attribute) and called.attr == "begin_nested"
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def commits(source: str) -> list[int]:
    """Lines that call something's commit(), savepoints apart."""
    tree = ast.parse(source)
    harmless = savepoints(tree)
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "commit"
        and not (isinstance(node.func.value, ast.Name) and node.func.value.id in harmless)
    ]


def test_the_commit_rule_sees_a_commit_and_not_a_savepoint() -> None:
    assert commits("async def f(session):\n    await session.commit()\n") == [2]
    assert commits("async def f(session):\n    point = await session.begin_nested()\n    await point.commit()\n") == []


def test_only_the_database_module_commits() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in modules()
        if within(path, "shared", "services", "local")
        and path != ROOT / "shared" / "database.py"
        and path.parent != MIGRATIONS.parent  # Alembic's own connection
        for line in commits(path.read_text())
    ]
    assert not found, "one request or job is one database.transaction(); these commit by themselves"


def test_every_module_opens_with_its_purpose() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in modules()
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert not silent


def test_no_module_is_two_rooms() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in tracked()
        if path.suffix in {".py", ".js"} and path.parent != MIGRATIONS
        if (count := len(path.read_text().splitlines())) > LINES
    }
    assert not long, f"over {LINES} lines: find the missing wall"


# Put together from parts, so that this file does not find itself.
REGISTRIES = (
    "pypi" + ".org",
    "python" + "hosted.org",
    "download.py" + "torch.org",
    "npm" + "js.org",
    "deb.deb" + "ian.org",
)
# «/work» alone is a page of ours.
MACHINE_PATH = re.compile(
    r"(?<![\w.~$}>-])/(?:(?:" + "ro" + "ot|op" + "t" + r")(?:/|\b(?![-\w]))|wo" + r"rk/(?:main|shared|\.))"
)


def texts() -> list[tuple[Path, str]]:
    found = []
    for path in tracked():
        try:
            found.append((path, path.read_text()))
        except UnicodeDecodeError:
            continue  # pictures, audio, the checkpoint
    return found


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("cd /ro" + "ot/x", True),
        ('"/wo' + 'rk/shared"', True),
        ("/op" + "t", True),
        ("https://example.org/wo" + "rk/1", False),
        ('"/wo' + 'rk"', False),
        ("services/tickets/op" + "t", False),
        ("/op" + "t-out", False),
    ],
)
def test_a_path_of_one_machine_is_known(text: str, is_one: bool) -> None:
    assert bool(MACHINE_PATH.search(text)) is is_one


def test_no_file_names_a_registry_or_a_path_of_one_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if any(host in line for host in REGISTRIES) or MACHINE_PATH.search(line)
    ]
    assert not found


def test_nobody_waits_in_a_way_that_may_miss_a_cancellation() -> None:
    """Before Python 3.12, asyncio.wait_for answers when the answer and a cancellation come together: a loop goes on."""
    ours = [path for path in modules() if within(path, "shared", "services", "local")]
    found = [str(path.relative_to(ROOT)) for path in ours if "asyncio.wait_for(" in path.read_text()]
    assert found == [], "use asyncio.timeout"


def test_the_modules_that_begin_first_are_there() -> None:
    assert [module for module in LONG if not (ROOT / "tests" / module).exists()] == []
