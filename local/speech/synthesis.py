"""Speech from text by espeak-ng, in the voices the small checkpoint was trained on."""

import io
import shutil
import subprocess
import wave

import av
import numpy as np
from numpy.typing import NDArray

from local.speech.phrases import spoken

VOICES = {
    "en": ("en-us", "en-us+m3", "en-us+f2", "en-gb+m1"),
    "es": ("es-419", "es-419+m3", "es-419+f2", "es+m1"),
}
RATE = 16_000


def available() -> bool:
    return shutil.which("espeak-ng") is not None


def say(
    text: str, language: str, *, voice: str | None = None, speed: int = 165, pitch: int = 50
) -> NDArray[np.float32]:
    """The sentence as 16 kHz mono samples, without the silence around it."""
    command = ["espeak-ng", "-v", voice or VOICES[language][0], "-s", str(speed), "-p", str(pitch), "--stdout"]
    finished = subprocess.run([*command, spoken(text, language)], capture_output=True, check=True)
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    with av.open(io.BytesIO(finished.stdout), "r") as container:
        frames = [frame for decoded in container.decode(audio=0) for frame in resampler.resample(decoded)]
    frames += resampler.resample(None)
    samples = np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames]).astype(np.float32)
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    return samples[max(0, loud[0] - 400) : loud[-1] + 800] * np.float32(0.8)


def message(
    sentences: list[str],
    language: str,
    *,
    voice: str | None = None,
    speed: int = 165,
    pitch: int = 50,
    gap_s: float = 0.3,
) -> NDArray[np.float32]:
    """Several sentences with a pause after each, as one recording."""
    pause = np.zeros(int(RATE * gap_s), np.float32)
    parts: list[NDArray[np.float32]] = []
    for sentence in sentences:
        parts += [say(sentence, language, voice=voice, speed=speed, pitch=pitch), pause]
    return np.concatenate(parts)


def wav(samples: NDArray[np.float32], rate: int = RATE) -> bytes:
    """The samples as a mono PCM16 WAV file."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


def ulaw(samples: NDArray[np.float32]) -> bytes:
    """The samples as headerless 8 kHz µ-law, as a telephone exchange keeps them."""
    whole = np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(whole, format="s16", layout="mono")
    frame.sample_rate = RATE
    resampler = av.AudioResampler(format="s16", layout="mono", rate=8_000)
    codec = av.CodecContext.create("pcm_mulaw", "w")
    assert isinstance(codec, av.AudioCodecContext)
    codec.sample_rate, codec.layout, codec.format = 8_000, "mono", "s16"
    frames = [*resampler.resample(frame), *resampler.resample(None)]
    return b"".join(bytes(packet) for piece in [*frames, None] for packet in codec.encode(piece))
