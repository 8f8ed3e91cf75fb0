"""From any upload to one loudness: what is refused, what is remarked, and what comes out, measured on the bytes."""

import io
import wave

import av
import numpy as np
import pytest

from services.voicemail.audio import decode
from services.voicemail.greetings import asterisk, loudness, studio
from shared.errors import CentralitaError, Invalid, UnsupportedMedia
from tests.voicemail.greetings.voice import encoded, silence, speech, wav

RATE = 16_000


def facts(data: bytes) -> tuple[int, int, int]:
    with wave.open(io.BytesIO(data)) as file:
        return file.getnchannels(), file.getsampwidth(), file.getframerate()


def true_peak_dbfs(data: bytes, rate: int) -> float:
    return 20 * float(np.log10(loudness.true_peak(decode(data, rate=rate), rate)))


@pytest.mark.parametrize("level", [0.02, 0.25, 0.9], ids=["quiet", "usual", "loud"])
def test_every_greeting_becomes_equally_loud(level: float) -> None:
    master = studio.make_master(wav(speech(level=level)), "a.wav")
    rendition = studio.make_rendition(master.wav, asterisk.FORMAT)
    for data, rate in ((master.wav, 48_000), (rendition, 8_000)):
        assert facts(data) == (1, 2, rate)
        assert loudness.measure(decode(data, rate=rate), rate) == pytest.approx(loudness.TARGET_LUFS, abs=0.5)
        assert true_peak_dbfs(data, rate) <= loudness.CEILING_DBFS + 0.1
    assert master.after.lufs == pytest.approx(loudness.TARGET_LUFS, abs=0.5)
    assert master.after.duration_s == pytest.approx(4.0, abs=0.3)


def test_the_rendition_is_plain_pcm() -> None:
    """Asterisk refuses any other format tag, and the extensible header that some encoders write."""
    rendition = studio.make_rendition(studio.make_master(wav(), "a.wav").wav, asterisk.FORMAT)
    assert rendition[:4] == b"RIFF"
    assert int.from_bytes(rendition[4:8], "little") == len(rendition) - 8
    assert rendition[12:16] == b"fmt "
    assert int.from_bytes(rendition[16:20], "little") == 16
    assert int.from_bytes(rendition[20:22], "little") == 1
    with av.open(io.BytesIO(rendition)) as container:
        context = container.streams.audio[0].codec_context
        assert (context.name, context.sample_rate, context.channels) == ("pcm_s16le", 8_000, 1)


def test_nothing_above_the_telephone_band_folds_back() -> None:
    t = np.arange(3 * 48_000) / 48_000
    tone = (0.3 * np.sin(2 * np.pi * 6_500 * t)).astype(np.float32)  # would fold to 1,500 Hz
    narrowed = loudness.resample(tone, 48_000, 8_000)
    assert np.max(np.abs(narrowed[800:-800])) < 0.3 * 10 ** (-90 / 20)


@pytest.mark.parametrize(
    ("container", "codec", "rate", "name"),
    [
        ("mp3", "mp3", 44_100, "greeting.mp3"),
        ("ogg", "libopus", 48_000, "greeting.ogg"),
        ("webm", "libopus", 48_000, "recording.webm"),
        ("mp4", "aac", 44_100, "Memo.m4a"),
        ("flac", "flac", 48_000, "greeting.flac"),
        ("wav", "pcm_mulaw", 8_000, "greeting.wav"),
        ("wav", "pcm_s24le", 48_000, "studio.wav"),
        ("aiff", "pcm_s16be", 44_100, "mac.aiff"),
    ],
)
def test_any_usual_format_is_read(container: str, codec: str, rate: int, name: str) -> None:
    master = studio.make_master(encoded(container, codec, speech(rate=rate), rate), name)
    assert master.after.duration_s == pytest.approx(4.0, abs=0.3)
    assert master.after.lufs == pytest.approx(loudness.TARGET_LUFS, abs=0.5)


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (b"", Invalid, "empty"),
        (b"%PDF-1.7 not sound at all" * 50, UnsupportedMedia, "decoded"),
        (b"RIFF\x00\x00\x00\x00WAVEgarbage" * 9, UnsupportedMedia, "decoded"),
        (wav(speech(0.5)), Invalid, "too short"),
        (wav(silence(5)), Invalid, "silent"),
        (wav(speech(level=0.0009)), Invalid, "silent"),
        (wav(speech(95.0, rate=8_000), 8_000), Invalid, "too long"),
        (wav(np.clip(speech() * 40, -1, 1)), Invalid, "distorted"),
        (wav(np.concatenate([silence(3), speech(0.6), silence(3)])), Invalid, "too short"),
    ],
    ids=["empty", "pdf", "broken wav", "short", "silence", "nearly silence", "long", "clipped", "mostly silence"],
)
def test_what_nobody_should_hear_is_refused(data: bytes, kind: type[CentralitaError], words: str) -> None:
    with pytest.raises(kind, match=words):
        studio.make_master(data, "greeting.wav")


def test_what_is_far_too_long_is_refused_while_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio, "DECODED_S", 3.0)
    with pytest.raises(Invalid, match="too long"):
        studio.make_master(wav(), "greeting.wav")


def test_a_good_recording_has_no_remarks() -> None:
    assert studio.make_master(wav(), "greeting.wav").warnings == []


def test_silence_at_the_ends_is_cut_or_remarked() -> None:
    padded = wav(np.concatenate([silence(2.0), speech(), silence(3.0)]))
    cut = studio.make_master(padded, "greeting.wav")
    assert [w.message for w in cut.warnings] == [
        "{seconds} s of silence at the beginning were cut.",
        "{seconds} s of silence at the end were cut.",
    ]
    assert cut.warnings[0].values["seconds"] == pytest.approx(1.8, abs=0.1)
    assert cut.after.duration_s == pytest.approx(4.2, abs=0.3)
    kept = studio.make_master(padded, "greeting.wav", studio.Treatment(trim=False))
    assert kept.after.duration_s == pytest.approx(9.0, abs=0.01)
    assert "the line is dead" in kept.warnings[0].message
    assert "wait for the tone" in kept.warnings[1].message


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (speech(level=0.03), "very quietly"),
        (np.clip(speech() * 8, -1, 1).astype(np.float32), "distorted in places"),
        (np.sign(speech(level=1.0)).astype(np.float32) * 0.9, "very loud"),
    ],
    ids=["quiet", "clipped", "loud"],
)
def test_doubtful_recordings_are_remarked(samples: "np.ndarray[tuple[int], np.dtype[np.float32]]", words: str) -> None:
    assert any(words in w.message for w in studio.make_master(wav(samples), "greeting.wav").warnings)


def test_a_constant_offset_is_removed() -> None:
    master = studio.make_master(wav(speech(level=0.2) + np.float32(0.3)), "greeting.wav")
    assert abs(float(np.mean(decode(master.wav, rate=48_000)))) < 0.002


def test_sharp_peaks_are_held_without_missing_the_loudness() -> None:
    clicks = speech(level=0.08)
    clicks[:: RATE // 2] = 0.99
    master = studio.make_master(wav(clicks), "greeting.wav")
    assert true_peak_dbfs(master.wav, 48_000) <= loudness.CEILING_DBFS + 0.1
    assert master.after.lufs == pytest.approx(loudness.TARGET_LUFS, abs=1.5)
