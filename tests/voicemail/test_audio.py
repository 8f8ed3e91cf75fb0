"""Every way a voicemail is encoded decodes to the same sound; what is no sound says so."""

import io
import subprocess
import wave
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream

from local.speech import synthesis
from services.voicemail import audio
from services.voicemail.audio import UnreadableAudio
from tests.voicemail.conftest import speak

SENTENCES = ("I am calling about my energy bill.",)


def encode(container: str, codec: str, rate: int) -> bytes:
    samples = speak("en", SENTENCES)
    frame = av.AudioFrame.from_ndarray((samples * 32767).astype("<i2").reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = synthesis.RATE
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate)
        assert isinstance(stream, AudioStream)
        stream.layout = "mono"
        resampler = av.AudioResampler(format=stream.codec_context.format.name, layout="mono", rate=rate,
                                      frame_size=stream.codec_context.frame_size or 1024)  # fmt: skip
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            for packet in stream.encode(piece):
                output.mux(packet)
        for packet in stream.encode(None):
            output.mux(packet)
    return buffer.getvalue()


def sox(tmp_path: Path, name: str, *options: str) -> bytes:
    source = tmp_path / "source.wav"
    source.write_bytes(synthesis.wav(speak("en", SENTENCES)))
    target = tmp_path / name
    subprocess.run(["sox", source, "-r", "8000", *options, target], check=True)
    return target.read_bytes()


FORMATS: dict[str, Callable[[Path], bytes]] = {
    "msg0000.wav": lambda _: encode("wav", "pcm_s16le", 8000),
    "ulaw-in.wav": lambda _: encode("wav", "pcm_mulaw", 8000),
    "msg0000.WAV": lambda tmp: sox(tmp, "gsm.wav", "-e", "gsm-full-rate"),
    "msg0000.gsm": lambda tmp: sox(tmp, "msg0000.gsm"),
    "msg0000.ulaw": lambda _: encode("mulaw", "pcm_mulaw", 8000),
    "msg0000.alaw": lambda _: encode("alaw", "pcm_alaw", 8000),
    "msg0000.g722": lambda _: encode("g722", "g722", 16000),
    "voicemail.mp3": lambda _: encode("mp3", "libmp3lame", 16000),
    "browser.ogg": lambda _: encode("ogg", "libopus", 48000),
    "browser.webm": lambda _: encode("webm", "libopus", 48000),
    "phone.m4a": lambda _: encode("ipod", "aac", 44100),
    "archive.flac": lambda _: encode("flac", "flac", 16000),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_sounds_the_same(name: str, tmp_path: Path) -> None:
    original = speak("en", SENTENCES)
    data = FORMATS[name](tmp_path)
    decoded = audio.decode(data, hint=name, rate=16_000)
    assert decoded.dtype == np.float32
    assert len(decoded) / 16_000 == pytest.approx(len(original) / 16_000, abs=0.1)
    assert audio.probe(data, name).duration_s == pytest.approx(len(original) / 16_000, abs=0.1)
    # The loudness of every tenth of a second follows the original's: the same words at the same time.
    size = 1600
    count = min(len(decoded), len(original)) // size
    levels = [np.sqrt((x[: count * size].reshape(count, size) ** 2).mean(axis=1)) for x in (original, decoded)]
    assert np.corrcoef(*levels)[0, 1] > 0.9


@pytest.mark.parametrize("hint", ["audio/x-mulaw", "audio/PCMU;rate=8000", "ulaw", ".ul", "msg0001.pcm", "audio/basic"])
def test_raw_telephone_audio_is_what_it_is_declared_to_be(hint: str) -> None:
    data = encode("mulaw", "pcm_mulaw", 8000)
    assert audio.probe(data, hint).codec == "pcm_mulaw"


def test_a_wrong_name_does_not_make_a_wav_raw() -> None:
    assert audio.probe(encode("wav", "pcm_s16le", 8000), "message.ulaw").codec == "pcm_s16le"


def test_raising_the_rate_adds_no_sound_above_the_telephones() -> None:
    decoded = audio.decode(encode("wav", "pcm_s16le", 8000), rate=16_000)
    spectrum = np.abs(np.fft.rfft(decoded)) ** 2
    frequencies = np.fft.rfftfreq(len(decoded), 1 / 16_000)
    assert spectrum[frequencies > 4300].sum() < 1e-4 * spectrum.sum()


def test_stereo_is_mixed_and_the_rendition_plays() -> None:
    left = speak("en", SENTENCES)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((2, 2, 16_000, 0, "NONE", ""))
        file.writeframes((np.stack([left, np.zeros_like(left)], axis=1) * 32767).astype("<i2").tobytes())
    samples, facts = audio.read(buffer.getvalue())
    assert facts.channels == 2
    assert np.abs(samples).max() == pytest.approx(np.abs(left).max() / 2, rel=0.05)
    rendition = audio.to_wav_pcm16(samples, audio.playback_rate(facts.rate))
    assert audio.probe(rendition).codec == "pcm_s16le"
    assert audio.probe(rendition).duration_s == pytest.approx(len(left) / 16_000, abs=0.01)


def test_a_cut_off_recording_is_heard_as_far_as_it_goes() -> None:
    data = encode("mp3", "libmp3lame", 16000)
    assert 0.5 < audio.probe(data[: len(data) // 2]).duration_s < 1.2


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "The file is empty."),
        (b"This is a letter.\n" * 200, "This is not a recording that can be decoded."),
        (np.random.default_rng(1).bytes(60_000), "This is not a recording that can be decoded."),
        (bytes(5000), "This is not a recording that can be decoded."),
        (synthesis.wav(np.zeros(0, np.float32)), "The recording holds no sound."),
        # Demuxers that follow what a file says would read other files and addresses.
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n", "This is not a recording that can be decoded."),
        (b"ffconcat version 1.0\nfile /etc/hostname\n", "This is not a recording that can be decoded."),
    ],
    ids=["empty", "text", "random", "zeros", "zero-samples", "playlist", "concat"],
)
def test_what_is_no_recording_says_why(data: bytes, sentence: str) -> None:
    with pytest.raises(UnreadableAudio) as error:
        audio.decode(data)
    assert str(error.value) == sentence


def test_hours_of_sound_in_a_small_file_are_refused_before_they_fill_the_memory() -> None:
    data = synthesis.wav(np.zeros(16_000 * 12, np.float32))
    with pytest.raises(UnreadableAudio, match="too long"):
        audio.decode(data, max_seconds=10)
    assert len(audio.decode(data, max_seconds=12.5)) == 16_000 * 12
