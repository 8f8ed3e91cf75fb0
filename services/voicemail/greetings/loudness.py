"""Loudness of mono speech: measured as EBU R128 and ITU-R BS.1770 say, brought to an aim, peaks held under a ceiling.

No target is published for telephone announcements; -19 LUFS with peaks at -3 dBFS is as loud as speech gets on a
telephone line without the limiter being heard, and the same for every greeting, which is what callers notice.
"""

from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter1d

Samples = NDArray[np.float32]

TARGET_LUFS = -19.0
CEILING_DBFS = -3.0
ALLOWED_LU = 1.5  # beside the aim: callers do not hear less
TOLERANCE_LU = 0.1
SILENCE_LUFS = -70.0  # the gate of BS.1770: nothing below it is measured
_BLOCK_S = 0.4
_LOOK_AHEAD_S = 0.005
_OVERSAMPLING = 4


@dataclass(frozen=True)
class Aim:
    """Integrated loudness in LUFS, and the highest true peak in dBTP."""

    lufs: float = TARGET_LUFS
    ceiling: float = CEILING_DBFS


def measure(samples: Samples, rate: int) -> float:
    """Integrated loudness in LUFS; SILENCE_LUFS when there is nothing to hear or too little to measure."""
    if len(samples) < _BLOCK_S * rate * 1.25 or not np.any(samples):
        return SILENCE_LUFS
    import pyloudnorm  # here: it imports all of scipy.signal, a third of the start of a process that may never measure

    with np.errstate(divide="ignore", invalid="ignore"):
        loudness = float(pyloudnorm.Meter(rate, block_size=_BLOCK_S).integrated_loudness(samples.astype(np.float64)))
    return max(loudness, SILENCE_LUFS) if np.isfinite(loudness) else SILENCE_LUFS


def true_peak(samples: Samples, rate: int) -> float:
    """The peak between samples as well as on them, estimated at four times the rate; 1.0 is full scale."""
    return float(np.max(_envelope(samples, rate), initial=0.0))


def decibels(amplitude: float) -> float:
    """Of full scale; SILENCE for nothing at all."""
    return max(20 * float(np.log10(max(amplitude, 1e-9))), SILENCE_LUFS)


def normalise(samples: Samples, rate: int, aim: Aim = Aim()) -> Samples:
    """The same speech at the aimed loudness under the ceiling; limiting costs loudness, so gain is found in steps.

    Something that is all peaks (a click train) cannot be both and stays quieter rather than distorted.
    """
    ceiling = 10 ** (aim.ceiling / 20)
    gain = aim.lufs - measure(samples, rate)
    envelope = _envelope(samples, rate)
    best = samples
    for _ in range(6):
        factor = np.float32(10 ** (gain / 20))
        best = _limited(samples * factor, envelope * factor, rate, ceiling)
        missing = aim.lufs - measure(best, rate)
        if abs(missing) <= TOLERANCE_LU:
            break
        gain += missing
    # Resampled again, the limited wave can exceed the estimate by a hair.
    excess = true_peak(best, rate) / ceiling
    return best if excess <= 1 else (best / np.float32(excess)).astype(np.float32)


def resample(samples: Samples, rate: int, to_rate: int) -> Samples:
    """Band-limited (soxr, very high quality): nothing above the new Nyquist frequency folds back into speech."""
    if rate == to_rate:
        return samples
    resampled: Samples = soxr.resample(samples, rate, to_rate, quality="VHQ").astype(np.float32)
    return resampled


def _envelope(samples: Samples, rate: int) -> Samples:
    """For every sample, the highest magnitude in its share of the oversampled wave."""
    fine = np.abs(resample(samples, rate, rate * _OVERSAMPLING))
    fine = np.pad(fine[: len(samples) * _OVERSAMPLING], (0, max(0, len(samples) * _OVERSAMPLING - len(fine))))
    envelope: Samples = np.maximum(fine.reshape(-1, _OVERSAMPLING).max(axis=1), np.abs(samples))
    return envelope


def _limited(samples: Samples, envelope: Samples, rate: int, ceiling: float) -> Samples:
    """A look-ahead limiter. The gain falls before the peak and returns after it, so no wave form gets a corner.

    Every gain in the smoothing window was already low enough for the peak at its centre, so their average is too.
    """
    if np.max(envelope, initial=0.0) <= ceiling:
        return samples
    needed = np.minimum(1.0, ceiling / np.maximum(envelope, 1e-9))
    reach = max(1, int(_LOOK_AHEAD_S * rate))
    width = 2 * reach + 1
    from scipy.signal import oaconvolve  # as above

    held = minimum_filter1d(needed, width, mode="nearest")
    window = np.hanning(width + 2)[1:-1]
    gain = oaconvolve(np.pad(held, reach, mode="edge"), window / window.sum(), mode="valid")
    limited: Samples = np.clip(samples * gain, -ceiling, ceiling).astype(np.float32)
    return limited
