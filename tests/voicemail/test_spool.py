"""A spool in Asterisk's layout: each whole message once, whatever the phone system does to it meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from local.speech import synthesis
from services.voicemail import asterisk, spool
from services.voicemail.spool import SpoolWatch
from shared.blobs import Blobs
from shared.database import Database
from shared.models import Problem, Recording, RecordingState
from shared.settings import AsteriskSpool, Settings
from tests.voicemail.conftest import eventually

TXT = """;
; Message Information file
;
[message]
origmailbox=1000
context=macro-vm
macrocontext=
exten=s
rdnis=unknown
priority=2
callerchan=PJSIP/trunk-00000012
callerid="JANE DOE" <4155550123>
origdate=Tue Nov 17 04:05:08 PM UTC 2026
origtime=1794931508
category=
msg_id={msg_id}
flag={flag}
duration=7
"""


def sound(number: int) -> bytes:
    """A short sound of its own for each message."""
    time = np.arange(1600) / 16_000
    return synthesis.wav((0.3 * np.sin(2 * np.pi * (200 + 50 * number) * time)).astype(np.float32))


class PhoneSystem:
    """Does to a mailbox what Asterisk does, in its order."""

    def __init__(self, root: Path, mailbox: str = "1000") -> None:
        self.mailbox = root / "default" / mailbox
        for folder in ("INBOX", "Urgent", "Old", "tmp"):
            (self.mailbox / folder).mkdir(parents=True)

    def audio(self, number: int, sounds_like: int, folder: str = "INBOX", suffix: str = "wav") -> Path:
        path = self.mailbox / folder / f"msg{number:04d}.{suffix}"
        path.write_bytes(sound(sounds_like))
        return path

    def txt(self, number: int, msg_id: str, folder: str = "INBOX", flag: str = "", text: str = TXT) -> Path:
        path = self.mailbox / folder / f"msg{number:04d}.txt"
        path.write_text(text.format(msg_id=msg_id, flag=flag), encoding="utf-8")
        return path

    def message(self, number: int, sounds_like: int, folder: str = "INBOX") -> None:
        self.audio(number, sounds_like, folder)
        self.txt(number, f"1794931508-{sounds_like:08d}", folder)

    def delete_first(self) -> None:
        """As Asterisk closes a mailbox: the later ones are renamed over the earlier ones, audio first."""
        inbox = self.mailbox / "INBOX"
        count = len(list(inbox.glob("*.txt")))
        for number in range(1, count):
            for suffix in ("wav", "txt"):
                (inbox / f"msg{number:04d}.{suffix}").replace(inbox / f"msg{number - 1:04d}.{suffix}")


@pytest.fixture
def phone(tmp_path: Path) -> PhoneSystem:
    return PhoneSystem(tmp_path / "spool")


@pytest.fixture
def watch(database: Database, blobs: Blobs, settings: Settings, tmp_path: Path, phone: PhoneSystem) -> SpoolWatch:
    place = AsteriskSpool(name="pbx", path=tmp_path / "spool", languages={"1000": "es"})
    return SpoolWatch(database, blobs, settings.model_copy(update={"spool_scan_s": 0.3}), place)


@pytest.fixture
def recordings(database: Database) -> Callable[[], Awaitable[list[Recording]]]:
    async def fetch() -> list[Recording]:
        async with database.transaction() as session:
            return list(await session.scalars(select(Recording).order_by(Recording.id)))

    return fetch


Recordings = Callable[[], Awaitable[list[Recording]]]


async def test_statement_3_a_message_is_taken_in_once_its_txt_is_there(
    phone: PhoneSystem, watch: SpoolWatch, recordings: Recordings, blobs: Blobs
) -> None:
    phone.audio(0, 1)
    assert await watch.scan_once() == 0
    phone.txt(0, "1794931508-00000001")
    assert await watch.scan_once() == 1
    assert await watch.scan_once() == 0
    [recording] = await recordings()
    assert recording.source_id == "pbx/default/1000/1794931508-00000001"
    assert (recording.caller_id, recording.caller_name) == ("+14155550123", "JANE DOE")
    assert (recording.mailbox, recording.menu_language, recording.urgent) == ("1000", "es", False)
    assert recording.called_at == datetime.fromtimestamp(1794931508, UTC)
    assert await blobs.get(recording.blob or "") == sound(1)


async def test_statement_5_urgent_messages_are_urgent_and_heard_ones_are_left_alone(
    phone: PhoneSystem, watch: SpoolWatch, recordings: Recordings
) -> None:
    phone.message(0, 1, "Urgent")
    phone.message(0, 2, "Old")
    assert await watch.scan_once() == 1
    assert [recording.urgent for recording in await recordings()] == [True]


async def test_statement_3_renumbering_makes_no_second_recording(
    phone: PhoneSystem, watch: SpoolWatch, recordings: Recordings, database: Database, blobs: Blobs, settings: Settings
) -> None:
    for number in range(4):
        phone.message(number, number + 1)
    assert await watch.scan_once() == 4
    phone.delete_first()
    assert await watch.scan_once() == 0
    phone.message(3, 9)
    assert await watch.scan_once() == 1
    # A restarted worker remembers nothing and still takes nothing twice.
    again = SpoolWatch(database, blobs, settings, watch._spool)
    assert await again.scan_once() == 0
    assert len(await recordings()) == 5


async def test_statement_3_renumbering_while_we_read_never_pairs_the_wrong_sound(
    phone: PhoneSystem, watch: SpoolWatch, recordings: Recordings, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worst moment: one message's sound has its new name, and its .txt still its old one."""
    inbox = phone.mailbox / "INBOX"
    phone.message(0, 1)
    phone.message(1, 2)
    read = asterisk.read
    moves = iter([lambda: (inbox / "msg0001.wav").replace(inbox / "msg0000.wav"),
                  lambda: (inbox / "msg0001.txt").replace(inbox / "msg0000.txt")])  # fmt: skip

    def read_while_it_moves(
        found: asterisk.Found, *, max_bytes: int, patient: bool = True
    ) -> asterisk.SpoolMessage | None:
        next(moves, lambda: None)()
        return read(found, max_bytes=max_bytes, patient=patient)

    monkeypatch.setattr(asterisk, "read", read_while_it_moves)
    for _ in range(4):
        await watch.scan_once()
    [recording] = await recordings()
    assert recording.source_id.endswith("00000002")
    assert await blobs.get(recording.blob or "") == sound(2)


async def test_a_busy_mailbox_pairs_every_message_rightly(
    phone: PhoneSystem, watch: SpoolWatch, recordings: Recordings, blobs: Blobs
) -> None:
    running = asyncio.create_task(watch.run())
    delivered = set()
    for number in range(8):
        count = len(list((phone.mailbox / "INBOX").glob("*.txt")))
        phone.message(count, number + 1)
        delivered.add(f"pbx/default/1000/1794931508-{number + 1:08d}")
        await asyncio.sleep(0.45 if number % 2 else 0.02)
        if number % 3 == 2 and count:
            await asyncio.to_thread(phone.delete_first)
    await asyncio.sleep(1.0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    standing = {f"pbx/default/1000/{asterisk.parse(path.read_text()).msg_id}"
                for path in (phone.mailbox / "INBOX").glob("*.txt")}  # fmt: skip
    taken = await recordings()
    assert standing <= {recording.source_id for recording in taken} <= delivered
    for recording in taken:
        assert await blobs.get(recording.blob or "") == sound(int(recording.source_id[-8:]))


async def test_a_new_message_is_noticed_at_once(phone: PhoneSystem, watch: SpoolWatch, recordings: Recordings) -> None:
    slow = SpoolWatch(
        watch._database, watch._blobs, watch._settings.model_copy(update={"spool_scan_s": 60}), watch._spool
    )
    running = asyncio.create_task(slow.run())
    await asyncio.sleep(1.0)
    phone.message(0, 1)
    await eventually(recordings, within_s=20)  # far less than a scan's pause
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_statement_5_nothing_is_ever_written_into_the_spool(phone: PhoneSystem, watch: SpoolWatch) -> None:
    phone.message(0, 1)
    before = sorted(phone.mailbox.rglob("*"))
    (phone.mailbox / "INBOX" / ".lock").write_text("")  # somebody else's lock does not hold us up
    assert await watch.scan_once() == 1
    (phone.mailbox / "INBOX" / ".lock").unlink()
    assert sorted(phone.mailbox.rglob("*")) == before


async def test_the_best_format_is_taken(
    phone: PhoneSystem, watch: SpoolWatch, recordings: Recordings, blobs: Blobs
) -> None:
    phone.audio(0, 3, suffix="gsm")
    phone.audio(0, 2, suffix="WAV")
    phone.audio(0, 1, suffix="wav")
    phone.txt(0, "1-1")
    await watch.scan_once()
    [recording] = await recordings()
    assert await blobs.get(recording.blob or "") == sound(1)


async def test_an_old_system_without_msg_id(phone: PhoneSystem, watch: SpoolWatch, recordings: Recordings) -> None:
    old = "".join(f"{line}\n" for line in TXT.splitlines() if not line.startswith(("msg_id", "flag")))
    for number in range(3):
        phone.audio(number, number + 1)
        phone.txt(number, "", text=old)
    assert await watch.scan_once() == 3
    phone.delete_first()
    watch._known.clear()
    assert await watch.scan_once() == 0
    assert len({recording.source_id for recording in await recordings()}) == 3


async def test_a_message_whose_sound_never_comes_is_a_ticket_all_the_same(
    phone: PhoneSystem, watch: SpoolWatch, recordings: Recordings, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone.txt(0, "1-1")
    assert await watch.scan_once() == 0
    monkeypatch.setattr(spool, "AS_IT_IS_AFTER_S", 0.0)
    assert await watch.scan_once() == 1
    [recording] = await recordings()
    assert (recording.state, recording.error) == (RecordingState.UNREADABLE, "The file is empty.")
    assert recording.caller_id == "+14155550123"


async def test_a_corrupt_message_holds_up_nobody(phone: PhoneSystem, watch: SpoolWatch, recordings: Recordings) -> None:
    phone.message(0, 1)
    (phone.mailbox / "INBOX" / "msg0000.wav").write_bytes(b"RIFF....broken")
    phone.message(1, 2)
    assert await watch.scan_once() == 2
    assert [recording.state for recording in await recordings()] == [RecordingState.UNREADABLE, RecordingState.RECEIVED]


async def test_a_missing_folder_is_a_problem_until_it_is_there(
    phone: PhoneSystem, watch: SpoolWatch, recordings: Recordings, database: Database, tmp_path: Path
) -> None:
    async def problems() -> list[str]:
        async with database.transaction() as session:
            return list(await session.scalars(select(Problem.key).where(Problem.resolved_at.is_(None))))

    (tmp_path / "spool").rename(tmp_path / "away")
    assert await watch.scan_once() == 0
    assert await problems() == ["spool:pbx"]
    (tmp_path / "away").rename(tmp_path / "spool")
    phone.message(0, 1)
    assert await watch.scan_once() == 1
    assert await problems() == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", asterisk.Information()),
        ("[message]\ncallerid=Unknown\norigtime=\nmsg_id\n", asterisk.Information(caller_id="Unknown")),
        ("; callerid=no\nCallerID = 4155550123\nflag=Urgent\nsomething new=1\n",
         asterisk.Information(caller_id="4155550123", flag="Urgent")),
        ('callerid="A=B" <1>\norigtime=99999999999999999999\n', asterisk.Information(caller_id='"A=B" <1>')),
        ("origtime=1306870328\nrdnis=7075550100",
         asterisk.Information(orig_time=datetime(2011, 5, 31, 19, 32, 8, tzinfo=UTC), rdnis="7075550100")),
    ],
)  # fmt: skip
def test_information_files_are_read_as_they_come(text: str, expected: asterisk.Information) -> None:
    assert asterisk.parse(text) == expected
