"""The contract of every target, and what Asterisk's folder layout asks for on top."""

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.voicemail.greetings import push as push_module
from services.voicemail.greetings.asterisk import AsteriskTarget
from services.voicemail.greetings.folder import FolderTarget
from services.voicemail.greetings.freeswitch import FreeSwitchTarget
from services.voicemail.greetings.push import PushTarget
from services.voicemail.greetings.targets import PublishError, Target
from shared.greeting_targets import AsteriskFolder, FreeSwitchMailboxes, GreetingFolder, GreetingPush
from tests.voicemail.greetings.phones import ModVoicemail, Store, serving

OLD = b"old greeting " * 40_000
NEW = b"new greeting " * 50_000


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def playing(target: Target, language: str) -> str | None:
    found = target.playing(language)
    return found.sha256 if found is not None else None


@pytest.fixture
def mailbox(tmp_path: Path) -> Path:
    folder = tmp_path / "voicemail" / "default" / "1000"
    folder.parent.mkdir(parents=True)
    return folder


def asterisk(mailbox: Path, **values: object) -> AsteriskTarget:
    given = {"name": "pbx", "line": "main", "path": mailbox} | values
    return AsteriskTarget(AsteriskFolder.model_validate(given))


def freeswitch(server: ModVoicemail, **values: object) -> FreeSwitchTarget:
    given = {
        "kind": "freeswitch", "name": "fs", "line": "main", "port": server.server_address[1], "password": "ClueCon",
        "domain": "center.example", "mailboxes": {"en": "1000", "es": "2000"}, "path": server.storage,
    }  # fmt: skip
    return FreeSwitchTarget(FreeSwitchMailboxes.model_validate(given | values))


def push(store: Store, **values: object) -> PushTarget:
    given = {
        "kind": "http", "name": "cloud", "line": "main", "url": store.address + "/{line}/{language}.wav",
        "headers": {"Authorization": "Bearer secret"},
    }  # fmt: skip
    return PushTarget(GreetingPush.model_validate(given | values))


@pytest.fixture
def voicemail(tmp_path: Path) -> Iterator[ModVoicemail]:
    storage = tmp_path / "storage"
    storage.mkdir()
    server = ModVoicemail(storage)
    with serving(server):
        yield server


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(push_module, "PAUSES_S", (0.01, 0.01))
    server = Store()
    with serving(server):
        yield server


@pytest.fixture(params=["asterisk", "freeswitch", "folder", "http", "http form"])
def target(request: pytest.FixtureRequest, mailbox: Path, tmp_path: Path) -> Target:
    if request.param == "asterisk":
        return asterisk(mailbox)
    if request.param == "freeswitch":
        return freeswitch(request.getfixturevalue("voicemail"))
    if request.param == "folder":
        return FolderTarget(GreetingFolder(name="connect", line="main", path=tmp_path))
    store = request.getfixturevalue("store")
    return push(store) if request.param == "http" else push(store, method="POST", field="file")


class TestContract:
    @pytest.mark.parametrize("language", ["en", "es"])
    def test_plays_what_was_published_last(self, target: Target, language: str) -> None:
        assert target.playing(language) is None
        target.publish(language, OLD)
        assert playing(target, language) == sha(OLD)
        target.publish(language, NEW)
        target.publish(language, NEW)
        assert playing(target, language) == sha(NEW)

    def test_languages_do_not_touch_each_other(self, target: Target) -> None:
        target.publish("en", OLD)
        target.publish("es", NEW)
        assert (playing(target, "en"), playing(target, "es")) == (sha(OLD), sha(NEW))

    def test_says_which_format_it_takes(self, target: Target) -> None:
        assert (target.format.rate, target.format.codec) in ((8_000, "pcm"), (8_000, "mulaw"))

    def test_an_emergency_comes_and_goes(self, target: Target) -> None:
        for override, content in ((False, OLD), (True, NEW), (False, OLD)):
            for language in target.languages(["en", "es"]):
                target.publish(language, content, override=override)
            for language in ("en", "es"):
                found = target.playing(language)
                assert found is not None
                assert (found.content, found.override) == (content, override and target.overrides)


class TestFreeSwitch:
    def test_the_usual_greeting_stays_in_its_slot_during_an_emergency(self, voicemail: ModVoicemail) -> None:
        target = freeswitch(voicemail)
        target.publish("en", OLD)
        target.publish("en", NEW, override=True)
        assert voicemail.chosen["1000"].endswith("1000/greeting_9.wav")
        assert (voicemail.storage / "1000" / "greeting_1.wav").read_bytes() == OLD
        assert {path.name for path in (voicemail.storage / "1000").iterdir()} == {"greeting_1.wav", "greeting_9.wav"}

    @pytest.mark.parametrize("fault", ["refuse", "swallow"])
    def test_a_hand_over_that_fails_keeps_the_old_greeting(self, voicemail: ModVoicemail, fault: str) -> None:
        target = freeswitch(voicemail)
        target.publish("en", OLD)
        setattr(voicemail, fault, "-ERR no reply\n")
        with pytest.raises(PublishError, match="no reply" if fault == "refuse" else "reads back"):
            target.publish("en", NEW)
        assert playing(target, "en") == sha(OLD)
        assert [path.name for path in (voicemail.storage / "1000").iterdir()] == ["greeting_1.wav"]

    def test_what_is_recorded_at_the_phone_is_seen(self, voicemail: ModVoicemail) -> None:
        target = freeswitch(voicemail)
        target.publish("en", OLD)
        (voicemail.storage / "1000" / "greeting_1.wav").write_bytes(NEW)  # in place, as mod_voicemail does
        assert playing(target, "en") == sha(NEW)
        voicemail.chosen["1000"] = str(voicemail.storage / "1000" / "greeting_3.wav")
        assert playing(target, "en") is None

    def test_wrong_passwords_and_closed_doors_are_said(self, voicemail: ModVoicemail) -> None:
        with pytest.raises(PublishError, match="invalid") as raised:
            freeswitch(voicemail, password="wrong").playing("en")
        assert "password" in raised.value.hint
        with pytest.raises(PublishError):
            freeswitch(voicemail, port=1).playing("en")

    def test_a_language_without_a_mailbox_is_left_out(self, voicemail: ModVoicemail) -> None:
        assert freeswitch(voicemail, mailboxes={"en": "1000"}).languages(["en", "es"]) == ["en"]


class TestPush:
    def test_a_busy_system_is_asked_again_under_the_same_key(self, store: Store) -> None:
        target = push(store)
        store.faults = [404, 503, 429]
        target.publish("en", NEW)
        sent = [key for method, _path, key in store.seen if method == "PUT"]
        assert len(sent) == 3
        assert len(set(sent)) == 1
        assert store.files == {"/main/en.wav": NEW}

    def test_what_reads_back_differently_is_put_back(self, store: Store) -> None:
        target = push(store)
        target.publish("en", OLD)
        store.damage = True
        with pytest.raises(PublishError, match="reads back"):
            target.publish("en", NEW)
        assert store.files == {"/main/en.wav": OLD}

    def test_a_refusal_says_so_without_the_key(self, store: Store) -> None:
        target = push(store, headers={"Authorization": "Bearer stale"})
        with pytest.raises(PublishError, match="401") as raised:
            target.publish("en", NEW)
        assert "stale" not in str(raised.value)
        assert len(store.seen) == 1  # asking again would not help

    def test_a_system_that_is_away_is_said(self) -> None:
        target = PushTarget(GreetingPush(name="cloud", line="main", url="http://127.0.0.1:1/{language}"))
        with pytest.raises(PublishError, match="does not answer"):
            target.playing("en")


def files(mailbox: Path) -> set[str]:
    return {str(path.relative_to(mailbox)) for path in mailbox.rglob("*") if path.is_file()}


def test_the_layout_is_what_asterisk_looks_for(mailbox: Path) -> None:
    target = asterisk(mailbox)
    target.publish("es", NEW)
    assert files(mailbox) == {"es/unavail.wav"}
    target.publish("en", OLD)
    # The fallback language also stands where no language folder is asked for.
    assert files(mailbox) == {"es/unavail.wav", "en/unavail.wav", "unavail.wav"}
    assert (mailbox / "unavail.wav").read_bytes() == OLD
    for path in mailbox.rglob("*.wav"):
        assert path.stat().st_mode & 0o777 == 0o644
    assert (mailbox / "es").stat().st_mode & 0o777 == 0o755


def test_the_fallback_language_and_the_name_are_the_settings(mailbox: Path) -> None:
    target = asterisk(mailbox, fallback_language="es", greeting="busy")
    target.publish("en", OLD)
    target.publish("es", NEW)
    assert files(mailbox) == {"es/busy.wav", "en/busy.wav", "busy.wav"}
    assert (mailbox / "busy.wav").read_bytes() == NEW


def test_sibling_formats_are_removed_and_nothing_else(mailbox: Path) -> None:
    for folder in (mailbox, mailbox / "en", mailbox / "INBOX"):
        folder.mkdir()
        for extension in ("gsm", "WAV", "ulaw", "wav49", "g722", "sln16"):
            (folder / f"unavail.{extension}").write_bytes(b"of before")
    others = ["busy.gsm", "greet.wav", "unavail.tmp", "INBOX/msg0000.txt", "INBOX/msg0000.wav"]
    for name in others:
        (mailbox / name).write_bytes(b"not ours")
    target = asterisk(mailbox)
    assert target.playing("en") is None
    target.publish("en", NEW)
    left = files(mailbox)
    assert {name for name in left if "unavail" in name and not name.startswith("INBOX/")} == {
        "unavail.wav", "en/unavail.wav", "unavail.tmp",
    }  # fmt: skip
    assert set(others) <= left
    assert playing(target, "en") == sha(NEW)
    # Somebody records at the phone in another format: what is heard is no longer one thing.
    (mailbox / "en" / "unavail.gsm").write_bytes(b"recorded at the phone")
    assert target.playing("en") is None


def test_a_reader_sees_the_old_or_the_new_greeting_and_never_half(mailbox: Path) -> None:
    target = asterisk(mailbox)
    target.publish("en", OLD)
    path, seen, stop = mailbox / "en" / "unavail.wav", set(), threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.add(sha(path.read_bytes()))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        until = time.monotonic() + 0.6
        while time.monotonic() < until:
            target.publish("en", NEW)
            target.publish("en", OLD)
    finally:
        stop.set()
        reader.join()
    assert seen == {sha(OLD), sha(NEW)}


def test_a_call_that_plays_keeps_its_greeting(mailbox: Path) -> None:
    target = asterisk(mailbox)
    target.publish("en", OLD)
    with (mailbox / "en" / "unavail.wav").open("rb") as playing:
        first = playing.read(1000)
        target.publish("en", NEW)
        assert first + playing.read() == OLD


@contextmanager
def unprivileged() -> Iterator[None]:
    """As a user to whom folder permissions apply; root may write anywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def reachable(path: Path) -> None:
    """Let another user walk to a folder that pytest made private."""
    for folder in path.parents:
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o755)


@pytest.mark.parametrize("locked", [".", "en"])
def test_a_folder_that_may_not_be_written_keeps_the_old_greeting(mailbox: Path, locked: str) -> None:
    reachable(mailbox)
    target = asterisk(mailbox)
    target.publish("en", OLD)
    for folder in (mailbox, mailbox / "en"):
        folder.chmod(0o777)
    (mailbox / locked).chmod(0o555)
    with unprivileged(), pytest.raises(PublishError, match="Permission denied") as raised:
        target.publish("en", NEW)
    assert "may write" in raised.value.hint
    (mailbox / locked).chmod(0o777)
    # Both places or neither: one was writable.
    assert (mailbox / "unavail.wav").read_bytes() == (mailbox / "en" / "unavail.wav").read_bytes() == OLD
    assert files(mailbox) == {"unavail.wav", "en/unavail.wav"}
    with unprivileged():
        target.publish("en", NEW)
    assert playing(target, "en") == sha(NEW)


def test_a_disk_that_fills_up_keeps_the_old_greeting(mailbox: Path) -> None:
    import resource

    target = asterisk(mailbox)
    target.publish("en", OLD)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(PublishError):
            target.publish("en", NEW)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert playing(target, "en") == sha(OLD)
    assert files(mailbox) == {"unavail.wav", "en/unavail.wav"}


def test_bytes_that_read_back_differently_are_taken_back(mailbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network folder that swallows a write: what it says back is what counts."""
    from services.voicemail.greetings import files as module

    target = asterisk(mailbox)
    target.publish("en", OLD)
    (mailbox / "en" / "unavail.gsm").write_bytes(b"of before")
    monkeypatch.setattr(module, "sha256", lambda path: sha(path.read_bytes()[:-1]))
    with pytest.raises(PublishError, match="reads back"):
        target.publish("en", NEW)
    monkeypatch.undo()
    assert (mailbox / "en" / "unavail.wav").read_bytes() == (mailbox / "unavail.wav").read_bytes() == OLD
    assert files(mailbox) == {"unavail.wav", "en/unavail.wav", "en/unavail.gsm"}


def test_a_first_greeting_that_fails_leaves_nothing_behind(mailbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from services.voicemail.greetings import files as module

    monkeypatch.setattr(module, "sha256", lambda path: "other")
    with pytest.raises(PublishError, match="reads back"):
        asterisk(mailbox).publish("en", NEW)
    assert files(mailbox) == set()


def test_a_folder_that_is_not_mounted_is_no_place_to_publish(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="There is no folder") as raised:
        asterisk(tmp_path / "voicemail" / "default" / "1000").publish("en", NEW)
    assert "mounted" in raised.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_temporary_greeting_recorded_at_the_phone_is_heard_until_ours_is_published(mailbox: Path) -> None:
    target = asterisk(mailbox)
    target.publish("en", OLD)
    target.publish("es", OLD)
    (mailbox / "temp.gsm").write_bytes(b"back on monday")
    assert target.playing("en") is None
    for language in ("en", "es"):
        theirs = target.found(language)
        assert theirs is not None
        assert (theirs.content, theirs.name) == (b"back on monday", "temp.gsm")
    target.publish("en", NEW)
    assert (playing(target, "en"), playing(target, "es")) == (sha(NEW), sha(OLD))
    assert not (mailbox / "temp.gsm").exists()


def test_an_emergency_goes_where_asterisk_plays_it_instead_of_everything(mailbox: Path) -> None:
    target = asterisk(mailbox)
    assert target.languages(["en", "es"]) == ["es", "en"]  # the file without a folder is the switch: it comes last
    for language in ("es", "en"):
        target.publish(language, OLD)
    target.publish("es", OLD, override=True)
    assert not target._switched()  # nothing changes for anybody yet
    target.publish("en", NEW, override=True)
    assert files(mailbox) == {
        "es/unavail.wav", "en/unavail.wav", "unavail.wav", "es/temp.wav", "en/temp.wav", "temp.wav",
    }  # fmt: skip
    assert (playing(target, "en"), playing(target, "es")) == (sha(NEW), sha(OLD))
    assert all(found is not None and found.override for found in map(target.playing, ("en", "es")))
    assert (mailbox / "unavail.wav").read_bytes() == OLD
    for language in ("es", "en"):
        target.publish(language, OLD)
    assert files(mailbox) == {"es/unavail.wav", "en/unavail.wav", "unavail.wav"}
    assert (playing(target, "en"), playing(target, "es")) == (sha(OLD), sha(OLD))


def test_leftovers_of_a_killed_process_are_cleared(mailbox: Path) -> None:
    target = asterisk(mailbox)
    target.publish("en", OLD)
    stale, fresh = mailbox / ".unavail.0123456789ab.new", mailbox / ".unavail.ba9876543210.new"
    for path in (stale, fresh):
        path.write_bytes(b"half")
    os.utime(stale, (1, 1))
    target.publish("en", NEW)
    assert (stale.exists(), fresh.exists()) == (False, True)
