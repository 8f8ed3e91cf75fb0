"""A phone system that is killed at any step, and a reader that is: nothing is paired wrongly, no lock stays ours."""

import asyncio
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import select

from services.voicemail import asterisk
from services.voicemail.spool import SpoolWatch
from shared.blobs import Blobs
from shared.database import Database
from shared.models import Recording
from shared.settings import AsteriskSpool, Settings
from tests.architecture.tree import ROOT
from tests.servers import spool_writer

WRITER = Path(spool_writer.__file__)
# Reads messages for ever, as the worker does, in a process of its own.
READER = """
import sys; from pathlib import Path; from services.voicemail import asterisk
print("reading", flush=True)
while True:
    for found in asterisk.scan(Path(sys.argv[1])):
        try: asterisk.read(found, max_bytes=10**7)
        except asterisk.Moved: pass
"""


async def test_statement_3_and_5_a_phone_system_killed_at_any_step(
    database: Database, blobs: Blobs, settings: Settings, tmp_path: Path
) -> None:
    """Each message whose .txt stands is taken in once, with its own sound; one without .txt is not."""
    spool = tmp_path / "spool"
    inbox = spool / "default" / "1000" / "INBOX"
    chance = random.Random(4)
    watch = SpoolWatch(
        database, blobs, settings.model_copy(update={"spool_scan_s": 0.05}), AsteriskSpool(name="pbx", path=spool)
    )
    inbox.mkdir(parents=True)
    scanning = asyncio.create_task(watch.run())
    left: set[int] = set()
    for attempt in range(6):
        writer = await asyncio.create_subprocess_exec(
            sys.executable, str(WRITER), str(spool), str(attempt * 10), "10", stdout=asyncio.subprocess.PIPE
        )
        await asyncio.sleep(chance.uniform(0.06, 0.2))
        if writer.returncode is None:
            writer.send_signal(signal.SIGKILL)
        said, _ = await writer.communicate()
        left |= {int(line) for line in said.split()}
        (inbox / ".lock").unlink(missing_ok=True)  # Asterisk itself, when it starts again
        if attempt % 3 == 2:
            await asyncio.to_thread(spool_writer.delete_first, spool / "default" / "1000", 0.002)
    await asyncio.sleep(0.5)
    scanning.cancel()
    await asyncio.gather(scanning, return_exceptions=True)
    await watch.scan_once()

    standing = {int(asterisk.parse(path.read_text()).msg_id[-8:]) for path in inbox.glob("msg*.txt")}
    async with database.transaction() as session:
        recordings = list(await session.scalars(select(Recording)))
    taken = [int(recording.source_id[-8:]) for recording in recordings]
    assert len(taken) == len(set(taken))
    assert standing <= set(taken)
    assert left, "the writers were killed before they left anything"
    for recording in recordings:
        number = int(recording.source_id[-8:])
        assert await blobs.get(recording.blob or "") == spool_writer.wav(number)
        assert recording.caller_id == f"+1415555{number:04d}"
    assert not (inbox / ".lock").exists()


def test_statement_5_a_killed_reader_leaves_no_lock_and_holds_up_no_caller(tmp_path: Path) -> None:
    mailbox = tmp_path / "default" / "1000"
    for folder in ("INBOX", "Urgent", "tmp"):
        (mailbox / folder).mkdir(parents=True)
    for number in range(20):
        spool_writer.leave(mailbox, number, 0.0)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    for _ in range(3):
        reader = subprocess.Popen([sys.executable, "-c", READER, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT)
        assert reader.stdout is not None
        assert reader.stdout.readline()
        time.sleep(0.05)
        reader.kill()
        reader.communicate()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    spool_writer.leave(mailbox, 20, 0.0)  # takes the lock at once
    assert len(list((mailbox / "INBOX").glob("*.txt"))) == 21
