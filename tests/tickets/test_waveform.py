"""A recording's picture: peaks, where it is silent, and that noise is never taken for silence."""

import io
import wave

import numpy as np
import pytest
from numpy.typing import NDArray

from services.tickets.ranges import answerable
from services.tickets.waveform import SLICES, draw

RATE = 8000


def wav(*parts: NDArray[np.float64]) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.concatenate(parts) * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


def hum(seconds: float, loud: float) -> NDArray[np.float64]:
    return np.asarray(loud * np.sin(np.arange(int(seconds * RATE)) * 0.5))


def hiss(seconds: float, loud: float) -> NDArray[np.float64]:
    return loud * np.random.default_rng(7).uniform(-1, 1, int(seconds * RATE))


def test_a_pause_between_words_is_found_under_the_noise_of_the_line() -> None:
    found = draw(wav(hum(2, 0.3) + hiss(2, 0.01), hiss(3, 0.01), hum(1, 0.3) + hiss(1, 0.01)))
    assert found.duration_ms == 6000
    assert len(found.peaks) == SLICES
    assert max(found.peaks) == 255
    ((start, end),) = found.quiet
    assert start == pytest.approx(2150, abs=60)
    assert end == pytest.approx(4850, abs=60)


@pytest.mark.parametrize(
    ("data", "quiet"),
    [
        (wav(hiss(3, 0.2)), []),  # a noisy line throughout: nothing may be skipped
        (wav(hum(2, 0.1), hum(0.5, 0), hum(2, 0.1)), []),  # a breath
        (wav(hum(3, 0)), [(0, 3000)]),
        (b"RIFF....not audio", []),
        (b"", []),
        (wav(np.zeros(0)), []),
    ],
)
def test_what_is_silent(data: bytes, quiet: list[tuple[int, int]]) -> None:
    assert draw(data).quiet == quiet


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("bytes=0-4", "bytes=0-4"),
        ("bytes=-5", "bytes=-5"),
        ("Bytes = 4-", None),  # no space before «=»
        ("BYTES=4-", "bytes=4-"),
        ("bytes=0-1, 99-, 4-5", "bytes=0-1,4-5"),  # what is beyond the end is left out
        ("bytes=99-", "bytes=14-"),  # 416
        ("bytes=-0", "bytes=14-"),
        ("bytes=5-4", None),
        ("bytes=x", None),
        ("bytes=", None),
        ("seconds=0-4", None),  # a unit nobody here knows is ignored
    ],
)
def test_ranges_are_read_as_the_standard_says(asked: str, answered: str | None) -> None:
    assert answerable(asked, 14) == answered
