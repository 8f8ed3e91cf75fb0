"""µ-law (ITU-T G.711): how a telephone line carries speech, as a WAV file and as what is heard at the other end."""

import struct

import numpy as np
from scipy.signal import butter, sosfiltfilt

from services.voicemail.greetings.loudness import Samples, resample

RATE = 8_000
FORMAT_TAG = 7  # WAVE_FORMAT_MULAW
_BIAS, _CLIP = 0x84, 32_635
_LOWEST_HZ, _HIGHEST_HZ = 300.0, 3_400.0  # the telephone band


def encode(samples: Samples) -> bytes:
    """8-bit µ-law of samples between -1 and 1."""
    pcm = np.round(np.clip(samples, -1.0, 1.0) * 32767).astype(np.int32)
    sign = np.where(pcm < 0, 0x80, 0)
    magnitude = np.minimum(np.abs(pcm), _CLIP) + _BIAS
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    made: bytes = (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8).tobytes()
    return made


def decode(data: bytes) -> Samples:
    code = ~np.frombuffer(data, np.uint8) & 0xFF
    exponent, mantissa = (code >> 4) & 0x07, code & 0x0F
    magnitude = (((mantissa.astype(np.int32) << 3) + _BIAS) << exponent) - _BIAS
    samples: Samples = (np.where(code & 0x80, -magnitude, magnitude) / 32767).astype(np.float32)
    return samples


def wav(samples: Samples) -> bytes:
    """A mono 8 kHz µ-law WAV file (format tag 7, with the fact chunk that it asks for)."""
    data = encode(samples)
    body = b"WAVE"
    body += b"fmt " + struct.pack("<IHHIIHHH", 18, FORMAT_TAG, 1, RATE, RATE, 1, 8, 0)
    body += b"fact" + struct.pack("<II", 4, len(data))
    body += b"data" + struct.pack("<I", len(data)) + data + b"\x00" * (len(data) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def over_the_telephone(samples: Samples, rate: int) -> Samples:
    """What a caller hears: the telephone band only, at 8 kHz, through µ-law and back."""
    narrow = resample(samples, rate, RATE)
    if len(narrow) > 100:
        band = butter(4, [_LOWEST_HZ, _HIGHEST_HZ], btype="bandpass", fs=RATE, output="sos")
        narrow = sosfiltfilt(band, narrow).astype(np.float32)
    return decode(encode(narrow))
