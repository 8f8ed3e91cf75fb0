"""The logs below a failed journey tell its reason, however much else was written."""

import json
from pathlib import Path

from tests.logs import logs

FRAMES = [
    {"filename": "/house/services/tickets/presence.py", "lineno": 42, "name": "set_intent"},
    {"filename": "/python/lib/site-packages/asyncpg/connection.py", "lineno": 7, "name": "between"},
    {"filename": "/python/lib/site-packages/asyncpg/protocol.py", "lineno": 9, "name": "query"},
]


def line(event: str, level: str = "info", **more: object) -> str:
    return json.dumps(
        {"event": event, "level": level, "logger": "shared.web", "timestamp": "2026-01-05T09:00:00.123456Z", **more}
    )


def broken(value: str) -> str:
    raised = {"exc_type": "DBAPIError", "exc_value": value, "frames": FRAMES, "exceptions": []}
    return line("request.failed", "error", exception=[raised], request_id=value)


def test_an_error_is_told_whatever_was_written_after_it(tmp_path: Path) -> None:
    lines = [broken("the connection is closed"), *(line(f"answered {number}") for number in range(5000))]
    (tmp_path / "a-web.log").write_text("\n".join(lines))
    (tmp_path / "redis.log").write_text("1:M 05 Jan 2026 09:00:00.000 * Ready to accept connections unix\n" * 5000)
    said = logs(tmp_path, longest=3000)
    assert len(said) <= 3000
    assert said.splitlines()[:5] == [
        "--- a-web.log: 1 different errors",
        "09:00:00.123 error shared.web: request.failed request_id=the connection is closed",
        "  DBAPIError: the connection is closed",
        "    services/tickets/presence.py:42 in set_intent",
        "    site-packages/asyncpg/protocol.py:9 in query",
    ]
    assert "--- redis.log: 0 different errors" in said
    assert "answered 4999\n--- the end of redis.log\n" in said  # each file ends as it ends, none crowds another out


def test_an_error_that_comes_again_and_again_is_told_once(tmp_path: Path) -> None:
    lines = [broken("ticket 1"), *(broken(f"delivery {number}") for number in range(100))]
    (tmp_path / "worker.log").write_text("\n".join(lines))
    said = logs(tmp_path)
    assert "--- worker.log: 2 different errors" in said
    assert "  DBAPIError: delivery 99\n" in said
    assert "(100 such)" in said
    assert said.index("delivery 99") < said.index("ticket 1")


def test_what_no_service_wrote_is_read_too(tmp_path: Path) -> None:
    fallen = ["Traceback (most recent call last):", '  File "a.py", line 1, in <module>', "ImportError: no b"]
    (tmp_path / "inbox.log").write_text("\n".join(["starting", *fallen, "starting again"]))
    (tmp_path / "postgres.log").write_text(
        "2026-01-05 UTC [7] ERROR:  deadlock detected\n2026-01-05 UTC [7] LOG:  checkpoint\n"
    )
    said = logs(tmp_path).splitlines()
    assert said[:4] == ["--- inbox.log: 1 different errors", *fallen]
    assert said[4:6] == ["--- postgres.log: 1 different errors", "2026-01-05 UTC [7] ERROR:  deadlock detected"]
