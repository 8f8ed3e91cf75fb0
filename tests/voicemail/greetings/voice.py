"""A made voice: voiced syllables with pauses, as loud as asked, in any container that PyAV writes."""

import io
from collections.abc import Sequence

import av
import numpy as np
from numpy.typing import NDArray

from services.voicemail.audio import to_wav_pcm16

Samples = NDArray[np.float32]


def speech(seconds: float = 4.0, rate: int = 16_000, level: float = 0.25, pitch: float = 120.0) -> Samples:
    """Harmonics under formants, four syllables a second, a little breath: loudness and crest factor as in speech."""
    t = np.arange(int(seconds * rate)) / rate
    wave = np.zeros_like(t)
    for number in range(1, int(min(3600, rate / 2 - 100) / pitch)):
        frequency = number * pitch
        weight = sum(np.exp(-(((frequency - formant) / width) ** 2)) for formant, width in
                     ((500, 200), (1500, 300), (2500, 400)))  # fmt: skip
        wave += (weight + 0.02) * np.sin(2 * np.pi * frequency * t + number)
    syllables = np.clip(np.sin(2 * np.pi * 2 * t), 0.0, None) ** 0.7 + 0.01
    breath = np.random.default_rng(7).normal(0, 0.01, len(t))
    wave = wave / np.max(np.abs(wave)) * syllables + breath
    made: Samples = (wave / np.max(np.abs(wave)) * level).astype(np.float32)
    return made


def silence(seconds: float, rate: int = 16_000) -> Samples:
    return np.zeros(int(seconds * rate), np.float32)


def wav(samples: Samples | None = None, rate: int = 16_000) -> bytes:
    return to_wav_pcm16(speech(rate=rate) if samples is None else samples, rate)


def encoded(container: str, codec: str, samples: Samples, rate: int, options: Sequence[tuple[str, str]] = ()) -> bytes:
    """The samples as a browser, a phone or an editor would have saved them."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, options=dict(options))
        assert isinstance(stream, av.AudioStream)
        stream.layout = "mono"
        pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2").reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="mono")
        frame.sample_rate = rate
        resampler = av.AudioResampler(
            format=stream.codec_context.format, layout="mono", rate=rate, frame_size=stream.codec_context.frame_size
        )
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(piece))
        output.mux(stream.encode(None))
    return buffer.getvalue()
