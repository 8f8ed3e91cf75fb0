"""Recordings are told by their bytes, whatever the phone system calls them."""

import pytest

from services.inbox.audio import is_audio

MP3_FRAME = b"\xff\xfb\x90\x00" + b"\x00" * 413  # MPEG 1 layer III, 128 kbit/s, 44.1 kHz: 417 bytes
AAC_FRAME = b"\xff\xf1\x50\x80\x02\x1f\xfc" + b"\x00" * 9  # ADTS, 16 bytes


@pytest.mark.parametrize(
    ("data", "content_type", "filename"),
    [
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "application/octet-stream", "msg0001"),
        (b"OggS\x00\x02", "application/ogg", "a.ogg"),
        (b"ID3\x04\x00", "application/octet-stream", "a"),
        (b"#!AMR\n", "application/octet-stream", "a.3gp"),
        (b"fLaC\x00", "audio/flac", "a.flac"),
        (MP3_FRAME * 4, "application/octet-stream", "voicemail"),
        (AAC_FRAME * 4, "application/octet-stream", "voicemail"),
        (b"\x00\x00\x00\x18ftypM4A \x00", "audio/mp4", "a.m4a"),
        (b"\xd0\xd1\xd2\xd3" * 20, "application/octet-stream", "msg.gsm"),
        (b"\x7f\x7f\x7f" * 20, "audio/basic", "msg"),
        (b"", "audio/x-wav", "msg0001.wav"),
    ],
)
def test_recordings(data: bytes, content_type: str, filename: str) -> None:
    assert is_audio(data, content_type, filename)


@pytest.mark.parametrize(
    ("data", "content_type", "filename"),
    [
        (b"%PDF-1.7", "audio/wav", "not.wav"),
        (b"\x89PNG\r\n", "audio/mpeg", "logo.png"),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "image/webp", "a.webp"),
        (b"\x00\x00\x00\x18ftypqt  \x00", "video/quicktime", "a.mov"),
        (b"\x00\x00\x00\x18ftypisom\x00", "video/mp4", "a.mp4"),
        (b"\xff\xd8\xff\xe0", "image/jpeg", "a.jpg"),
        (b"hello", "text/plain", "a.txt"),
        (b"\xff\xfe" + b"h\x00i\x00" * 300, "text/plain", "utf16.txt"),
        (b"", "application/pdf", "empty.pdf"),
    ],
)
def test_other_files(data: bytes, content_type: str, filename: str) -> None:
    assert not is_audio(data, content_type, filename)
