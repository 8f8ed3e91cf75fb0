"""Asterisk's spool to the letter, as pure reading: names, folders, encodings, and what is half written."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from local.speech import synthesis
from services.voicemail import asterisk, audio
from tests.voicemail.test_spool import TXT, PhoneSystem

FULL = TXT.format(msg_id="1-1", flag="")


@pytest.fixture
def phone(tmp_path: Path) -> PhoneSystem:
    return PhoneSystem(tmp_path)


def found(phone: PhoneSystem) -> list[asterisk.Found]:
    return list(asterisk.scan(phone.mailbox.parent.parent))


def read(phone: PhoneSystem, *, patient: bool = True) -> asterisk.SpoolMessage | None:
    [message] = found(phone)
    return asterisk.read(message, max_bytes=10**7, patient=patient)


@pytest.mark.parametrize(
    "path",
    ["tmp/Xa81bc.txt", "tmp/msg0000.txt", "Old/msg0000.txt", "Deleted/msg0000.txt", "Cust1/msg0000.txt", "unavail.txt",
     "INBOX/msg12.txt", "INBOX/.msg0000.txt", "INBOX/msg0000.txt.swp", "INBOX/msg0000.wav", "INBOX/.lock-0a1b2c3d"],
)  # fmt: skip
def test_what_is_no_whole_new_message_is_none(phone: PhoneSystem, path: str) -> None:
    place = phone.mailbox / path
    place.parent.mkdir(exist_ok=True)
    place.write_text(FULL)
    assert found(phone) == []


def test_more_than_ten_thousand_messages(phone: PhoneSystem) -> None:
    phone.audio(12345, 1)
    phone.txt(12345, "1-1")
    assert read(phone) is not None


@pytest.mark.parametrize(
    ("suffixes", "taken"),
    [
        (("wav49", "gsm", "wav"), "wav"),
        (("WAV", "wav"), "wav"),
        (("gsm", "WAV", "ulaw"), "WAV"),
        (("wav16", "wav"), "wav16"),
        (("ulaw", "gsm"), "gsm"),
        (("alaw", "ulaw", "g722"), "g722"),
        (("al", "ul"), "ul"),
        (("txt2", "wav~"), None),
        (("Wav",), "Wav"),
    ],
)
def test_statement_4_of_several_formats_the_best_is_taken(
    phone: PhoneSystem, suffixes: tuple[str, ...], taken: str | None
) -> None:
    """Also on a disk that does not tell capitals apart and gives names back in others."""
    for suffix in suffixes:
        phone.audio(0, 1, suffix=suffix)
    phone.txt(0, "1-1")
    message = read(phone)
    assert (message.filename if message else None) == (f"msg0000.{taken}" if taken else None)


def test_names_in_capitals(phone: PhoneSystem) -> None:
    (phone.mailbox / "INBOX").rename(phone.mailbox / "inbox")
    (phone.mailbox / "inbox" / "MSG0000.TXT").write_text(FULL)
    (phone.mailbox / "inbox" / "MSG0000.WAV").write_bytes(b"RIFF")
    [message] = found(phone)
    assert message.folder == "INBOX"
    assert read(phone) is not None


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1", "cp1252"])
def test_names_in_the_telephone_companys_letters(phone: PhoneSystem, encoding: str) -> None:
    phone.audio(0, 1)
    place = phone.txt(0, "1-1")
    place.write_bytes(FULL.replace("JANE DOE", "JOSÉ PEÑA").encode(encoding))
    message = read(phone)
    assert message is not None
    assert message.information.caller_id == '"JOSÉ PEÑA" <4155550123>'


def test_statement_3_a_forwarded_message_is_not_read_before_its_txt_is_whole(phone: PhoneSystem) -> None:
    """Forwarding copies the .txt into its place instead of renaming it there."""
    phone.audio(0, 1)
    place = phone.txt(0, "1-1")
    place.write_text(FULL[: FULL.index("msg_id=") + 8])
    assert read(phone) is None
    assert read(phone, patient=False) is not None  # it has stood there for long: better than nothing
    place.write_text(FULL)
    message = read(phone)
    assert message is not None
    assert message.information.msg_id == "1-1"


def test_a_folder_that_cannot_be_read_holds_up_no_other(
    phone: PhoneSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone.message(0, 1)
    PhoneSystem(tmp_path, "2000").message(0, 2)
    real = Path.iterdir

    def refusing(path: Path) -> Iterator[Path]:
        if path.name == "1000":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(Path, "iterdir", refusing)
    unreadable: list[OSError] = []
    assert [each.mailbox for each in asterisk.scan(tmp_path, unreadable)] == ["2000"]
    assert [error.filename for error in unreadable] == [str(tmp_path / "default" / "1000")]


def test_a_mailbox_that_goes_while_it_is_listed_is_none(
    phone: PhoneSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone.message(0, 1)
    real = Path.iterdir

    def going(path: Path) -> Iterator[Path]:
        if path.name == "1000":
            raise FileNotFoundError(2, "gone", str(path))
        return real(path)

    monkeypatch.setattr(Path, "iterdir", going)
    unreadable: list[OSError] = []
    assert list(asterisk.scan(tmp_path, unreadable)) == []
    assert unreadable == []


def test_the_key_without_msg_id_is_all_that_tells_calls_apart(phone: PhoneSystem) -> None:
    """(context, mailbox, time, caller, duration, sound): renumbering keeps it, another sound changes it."""
    old = "".join(f"{line}\n" for line in FULL.splitlines() if not line.startswith(("msg_id", "flag", "rdnis")))
    phone.audio(3, 1)
    place = phone.txt(3, "", text=old)
    first = read(phone)
    place.replace(place.with_name("msg0000.txt"))
    place.with_suffix(".wav").replace(place.with_name("msg0000.wav"))
    second = read(phone)
    phone.audio(0, 2)
    other = read(phone)
    assert first is not None
    assert second is not None
    assert other is not None
    assert first.source_id == second.source_id != other.source_id
    assert first.source_id.startswith("default/1000/without-id-")


def test_statement_4_what_asterisk_writes_lasts_as_long_in_every_format(tmp_path: Path) -> None:
    """Written by sox, which shares no code with what reads it; .WAV is GSM 6.10 in a WAV file."""
    time = np.arange(int(2.5 * 8000)) / 8000
    source = synthesis.wav((0.3 * np.sin(2 * np.pi * 440 * time) * (time % 0.5 < 0.3)).astype(np.float32), 8000)
    ways = {"wav": ["-t", "wav"], "WAV": ["-t", "wav", "-e", "gsm-full-rate"], "gsm": ["-t", "gsm"],
            "ulaw": ["-t", "ul"], "alaw": ["-t", "al"], "sln": ["-t", "raw", "-e", "signed", "-b", "16"],
            "wav16": ["-r", "16000", "-t", "wav"], "ogg": ["-t", "ogg"]}  # fmt: skip
    for suffix, to in ways.items():
        command = ["sox", "-t", "wav", "-", *to, "-"]
        data = subprocess.run(command, input=source, capture_output=True, check=True).stdout
        hint = dict(asterisk.FORMATS)[suffix]
        assert audio.probe(data, hint).duration_s == pytest.approx(2.5, abs=0.1), suffix
