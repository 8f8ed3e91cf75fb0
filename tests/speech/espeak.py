"""Speech from libespeak-ng, called in this process: as fast as a corpus needs, and it tells when each word is said."""

import ctypes
import ctypes.util
from dataclasses import dataclass

import av
import numpy as np
from numpy.typing import NDArray

RATE = 16_000
Samples = NDArray[np.float32]

# Of espeak-ng/speak_lib.h
_SYNCHRONOUS, _LENGTH_MS = 2, 300
_RATE, _PITCH = 1, 3
_UTF8, _CHARACTERS = 1, 1
_LIST_END, _WORD = 0, 1


@dataclass(frozen=True)
class Word:
    """A word by its place in the text (characters) and the sample at which it begins."""

    first: int
    length: int
    at: int


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


_Heard = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class Espeak:
    """One synthesiser; not for several threads. Raises OSError where espeak-ng is not installed."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(ctypes.util.find_library("espeak-ng") or "libespeak-ng.so.1")
        self._rate = self._library.espeak_Initialize(_SYNCHRONOUS, _LENGTH_MS, None, 0)
        self._parts: list[NDArray[np.int16]] = []
        self._words: list[Word] = []
        self._callback = _Heard(self._take)  # kept: the library holds no reference that Python would count
        self._library.espeak_SetSynthCallback(self._callback)

    def say(self, text: str, *, voice: str, speed: int, pitch: int) -> tuple[Samples, list[Word]]:
        """16 kHz mono samples without the silence around them, and the words in their order."""
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise ValueError(f"espeak-ng has no voice {voice}")
        self._library.espeak_SetParameter(_RATE, speed, 0)
        self._library.espeak_SetParameter(_PITCH, pitch, 0)
        self._parts, self._words = [], []
        data = text.encode() + b"\0"
        self._library.espeak_Synth(data, len(data), 0, _CHARACTERS, 0, _UTF8, None, None)
        self._library.espeak_Synchronize()
        spoken = np.concatenate(self._parts).astype(np.float32) / np.float32(32768)
        samples = _resampled(spoken, self._rate)
        loud = np.flatnonzero(np.abs(samples) > 0.01)
        first, last = max(0, int(loud[0]) - 400), int(loud[-1]) + 800
        samples = samples[first:last] * np.float32(0.8)
        words = [
            Word(word.first, word.length, min(max(0, word.at * RATE // self._rate - first), len(samples)))
            for word in self._words
        ]
        return samples, words

    def _take(self, samples: "ctypes._Pointer[ctypes.c_short]", count: int, events: "ctypes._Pointer[_Event]") -> int:
        if samples and count:
            self._parts.append(np.ctypeslib.as_array(samples, (count,)).copy())
        index = 0
        while events[index].type != _LIST_END:
            if events[index].type == _WORD:
                self._words.append(Word(events[index].text_position - 1, events[index].length, events[index].sample))
            index += 1
        return 0


def _resampled(samples: Samples, rate: int) -> Samples:
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout="mono")
    frame.sample_rate = rate
    frames = [*resampler.resample(frame), *resampler.resample(None)]
    return np.concatenate([piece.to_ndarray().reshape(-1) for piece in frames]).astype(np.float32)
