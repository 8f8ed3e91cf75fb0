"""The lines to phone systems: they wake the scan, survive being cut, and tell the system only what is a ticket."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from services.voicemail import ami, asterisk_line, freeswitch, freeswitch_watch
from services.voicemail.asterisk import folders_with
from services.voicemail.asterisk_line import AsteriskLine
from services.voicemail.freeswitch_watch import FreeSwitchWatch
from services.voicemail.spool import SpoolWatch
from shared.blobs import Blobs
from shared.database import Database
from shared.models import Door, DoorState, Intake, IntakeOutcome, PhoneTask, Recording, RecordingSource, Ticket
from shared.settings import AsteriskSpool, FreeSwitch, Settings
from tests.servers import phone
from tests.voicemail.conftest import eventually
from tests.voicemail.test_spool import PhoneSystem, sound

BACK_OFF = (0.05, 0.05)


async def rows(database: Database, model: Any) -> list[Any]:
    async with database.transaction() as session:
        return list(await session.scalars(select(model)))


async def make_ticket(database: Database, recording_id: int) -> None:
    async with database.transaction() as session:
        ticket = Ticket(
            channel="voicemail",
            reply_token=f"t{recording_id}",
            queued_at=select(Recording.received_at).limit(1).scalar_subquery(),
        )
        session.add(ticket)
        await session.flush()
        session.add(Intake(recording_id=recording_id, outcome=IntakeOutcome.TICKETED, ticket_id=ticket.id))


@asynccontextmanager
async def running(*parts: Callable[[], Awaitable[None]]) -> Any:
    tasks = [asyncio.ensure_future(part()) for part in parts]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asterisk_line, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(freeswitch_watch, "TELL_EVERY_S", 0.05)
    monkeypatch.setattr(freeswitch_watch, "LOOK_S", 0.02)


async def _told(database: Database) -> bool:
    return all(task.next_attempt_at is None for task in await rows(database, PhoneTask))


async def test_asterisk_wakes_the_scan_and_moves_what_is_a_ticket(
    database: Database, blobs: Blobs, settings: Settings, tmp_path: Path
) -> None:
    system = PhoneSystem(tmp_path / "spool")
    asterisk = phone.Asterisk(tmp_path / "spool")
    async with phone.serving(asterisk) as port:
        spool = told_spool(tmp_path, port, "move")
        watch = SpoolWatch(database, blobs, settings.model_copy(update={"spool_scan_s": 60}), spool)
        watch._watch = asyncio.Event().wait  # type: ignore[assignment]  # no inotify: only the line wakes it
        line = AsteriskLine(database, spool, watch)
        async with running(watch.run, lambda: line.run(BACK_OFF)):
            await eventually(lambda: rows(database, Door))
            await eventually(lambda: _is(asterisk.connections == 1 and len(asterisk.actions) >= 2))
            await asyncio.sleep(0.3)  # the first scan is over
            system.message(0, 1)
            asterisk.tell("1000@default")
            await eventually(lambda: rows(database, Recording))
            [recording] = await rows(database, Recording)
            await asyncio.sleep(0.2)
            assert not [each for each in asterisk.actions if each["Action"] == "VoicemailMove"]  # no ticket stands yet
            await make_ticket(database, recording.id)
            await eventually(lambda: _is((system.mailbox / "Old" / "msg0000.wav").exists()))
            [move] = [each for each in asterisk.actions if each["Action"] == "VoicemailMove"]
            assert {key: move[key] for key in ("Context", "Mailbox", "Folder", "ID", "ToFolder")} == {
                "Context": "default", "Mailbox": "1000", "Folder": "INBOX", "ID": "1794931508-00000001",
                "ToFolder": "Old",
            }  # fmt: skip
            assert not list((system.mailbox / "INBOX").iterdir())
            assert "s3cret" not in str(asterisk.actions)

            await eventually(lambda: _told(database))
            asterisk.hang_up()  # and it comes back
            await eventually(lambda: _is(asterisk.connections >= 2))
            await eventually(lambda: _state(database, "ami:pbx", DoorState.OPEN))
    [task] = await rows(database, PhoneTask)
    assert (task.next_attempt_at, task.error) == (None, None)


async def test_a_message_that_is_gone_is_asked_for_again_later_and_a_wrong_secret_is_said(
    database: Database, blobs: Blobs, settings: Settings, tmp_path: Path
) -> None:
    system = PhoneSystem(tmp_path / "spool")
    asterisk = phone.Asterisk(tmp_path / "spool", secret="another")
    async with phone.serving(asterisk) as port:
        spool = told_spool(tmp_path, port, "move")
        watch = SpoolWatch(database, blobs, settings, spool)
        system.message(0, 1)
        await watch.scan_once()
        [recording] = await rows(database, Recording)
        await make_ticket(database, recording.id)
        for path in (system.mailbox / "INBOX").iterdir():
            path.unlink()
        line = AsteriskLine(database, spool, watch)
        async with running(lambda: line.run(BACK_OFF)):
            await eventually(lambda: _state(database, "ami:pbx", DoorState.FAILED))
            asterisk.secret = "s3cret"
            await eventually(lambda: _state(database, "ami:pbx", DoorState.OPEN))
            await eventually(lambda: _refused(database))
    [task] = await rows(database, PhoneTask)
    assert task.next_attempt_at is not None
    assert "Message move failed" in task.error


@pytest.mark.parametrize("after_ticket", ["move", "remove"])
async def test_what_asterisk_did_before_the_line_broke_is_done(
    database: Database, blobs: Blobs, settings: Settings, tmp_path: Path, after_ticket: str
) -> None:
    system = PhoneSystem(tmp_path / "spool")
    asterisk = phone.Asterisk(tmp_path / "spool", breaks=1)
    async with phone.serving(asterisk) as port:
        spool = told_spool(tmp_path, port, after_ticket)
        watch = SpoolWatch(database, blobs, settings, spool)
        system.message(0, 1)
        await watch.scan_once()
        [recording] = await rows(database, Recording)
        await make_ticket(database, recording.id)
        async with running(lambda: AsteriskLine(database, spool, watch).run(BACK_OFF)):
            await eventually(lambda: _told(database))
    asked = [each["Action"] for each in asterisk.actions if each["Action"].startswith("VoicemailRe")]
    assert asterisk.connections == 2
    assert asked[-1] == "VoicemailRefresh"  # the lamp goes out
    [task] = await rows(database, PhoneTask)
    assert (task.next_attempt_at, task.error) == (None, None)


def test_where_a_message_stands(tmp_path: Path) -> None:
    system = PhoneSystem(tmp_path)
    system.message(0, 1)
    assert folders_with(tmp_path, "default", "1000", "1794931508-00000001") == {"inbox"}
    assert folders_with(tmp_path, "default", "1000", "1794931508-00000002") == set()
    with pytest.raises(OSError, match="2000"):  # not mounted, or another's: nothing is said of it
        folders_with(tmp_path, "default", "2000", "1794931508-00000001")


def told_spool(folder: Path, port: int, after_ticket: str) -> AsteriskSpool:
    server = {"host": "127.0.0.1", "port": port, "username": "centralita", "secret": "s3cret"}
    given = {"name": "pbx", "path": folder / "spool", "after_ticket": after_ticket, "ami": server}
    return AsteriskSpool.model_validate(given)


def test_nothing_that_a_folder_is_called_begins_another_action() -> None:
    with pytest.raises(ValueError, match="line break"):
        ami.block({"Action": "VoicemailMove", "Mailbox": "1000\r\nAction: Originate"})
    assert freeswitch.read_command("1000", "pbx.example", "abc\n\napi shutdown") is None
    assert freeswitch.list_command("1000 xml", "pbx.example") is None


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    mailbox = tmp_path / "storage" / "pbx.example" / "1001"
    mailbox.mkdir(parents=True)
    return mailbox


def switch_of(storage: Path, **values: Any) -> FreeSwitch:
    given = {"name": "fs", "storage": storage.parent.parent, "storage_there": "/var/lib/fs/voicemail/default"}
    return FreeSwitch.model_validate(given | values)


async def test_freeswitch_tells_of_a_message_and_hears_that_it_is_read(
    database: Database, blobs: Blobs, settings: Settings, storage: Path
) -> None:
    system = phone.FreeSwitch()
    uuid = "5b0c5e2c-1d2a-4c58-9f6b-0a5d4c1f2e3d"
    async with phone.serving(system) as port:
        switch = switch_of(storage, host="127.0.0.1", port=port, password="ClueCon", mark_read=True)
        watch = FreeSwitchWatch(database, blobs, settings, switch)
        async with running(lambda: watch.run_line(BACK_OFF)):
            await eventually(lambda: _is(bool(system.writers)))
            assert system.commands[1] == "event plain CUSTOM vm::maintenance"
            system.fire(VM_Action="change-greeting", VM_Greeting_Path="/x.wav")
            (storage / f"msg_{uuid}.wav").write_bytes(sound(1))
            system.fire(
                VM_Action="leave-message", VM_User="1001", VM_Domain="pbx.example", VM_Caller_ID_Name="JANE DOE",
                VM_Caller_ID_Number="4155550123", VM_Flags="A_URGENT", VM_Folder="inbox", VM_UUID=uuid,
                VM_File_Path=f"/var/lib/fs/voicemail/default/pbx.example/1001/msg_{uuid}.wav", VM_Message_Len="4",
                VM_Timestamp="1794931508",
            )  # fmt: skip
            await eventually(lambda: rows(database, Recording))
            [recording] = await rows(database, Recording)
            assert recording.source is RecordingSource.FREESWITCH
            assert recording.source_id == f"fs/pbx.example/1001/{uuid}"
            assert (recording.caller_id, recording.caller_name, recording.mailbox, recording.urgent) == (
                "+14155550123", "JANE DOE", "1001", True,
            )  # fmt: skip
            await make_ticket(database, recording.id)
            await eventually(lambda: _is(f"api vm_read 1001@pbx.example read {uuid}" in system.commands))
            system.hang_up()
            await eventually(lambda: _is(system.connections >= 2))
        assert await watch.scan_once() == 0


async def test_the_scan_finds_what_no_event_told_of_and_waits_for_what_is_being_recorded(
    database: Database, blobs: Blobs, settings: Settings, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = FreeSwitchWatch(database, blobs, settings, switch_of(storage))
    (storage / "msg_aaaaaaaa-1111.wav").write_bytes(sound(1))
    (storage / "greeting_1.wav").write_bytes(sound(2))
    (storage / "msg_../evil.wav").parent.mkdir()
    assert await watch.scan_once() == 0  # somebody may still be speaking
    monkeypatch.setattr(freeswitch_watch, "QUIET_S", 0.0)
    assert await watch.scan_once() == 1
    assert await watch.scan_once() == 0
    assert await FreeSwitchWatch(database, blobs, settings, switch_of(storage)).scan_once() == 0
    [door] = await rows(database, Door)
    assert (door.name, door.state, door.messages) == ("freeswitch:fs", DoorState.OPEN, 1)


def test_paths_of_events_stay_in_the_storage(tmp_path: Path) -> None:
    there = "/var/lib/fs/voicemail/default"
    assert freeswitch.here(f"{there}/d/1/msg_x.wav", tmp_path, there) == tmp_path / "d/1/msg_x.wav"
    assert freeswitch.here(f"{there}/../../etc/passwd", tmp_path, there) is None
    assert freeswitch.here("/etc/passwd", tmp_path, there) is None


def test_what_a_list_says() -> None:
    said = freeswitch.of_list(
        "<voicemail><message><created_epoch>1794931508</created_epoch><read_epoch>0</read_epoch>"
        "<username>1001</username><domain>pbx.example</domain><path>/x/msg_u1u1u1u1.wav</path><uuid>u1u1u1u1</uuid>"
        "<cid-name>JANE DOE</cid-name><cid-number>4155550123</cid-number></message></voicemail>"
    )
    assert (said["u1u1u1u1"].name, said["u1u1u1u1"].number) == ("JANE DOE", "4155550123")
    assert freeswitch.of_list("-ERR no such user") == {}
    assert freeswitch.of_list('<!DOCTYPE x [<!ENTITY a "b">]><voicemail/>') == {}


async def _is(value: bool) -> bool:
    return value


async def _state(database: Database, name: str, state: DoorState) -> bool:
    return any(door.name == name and door.state is state for door in await rows(database, Door))


async def _refused(database: Database) -> bool:
    return any(task.error for task in await rows(database, PhoneTask))
