"""What a loaded Whisper model is to the rest of the service; both engines pass tests/voicemail/test_contract.py."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from services.voicemail.engine import Model, Segment

LONGEST_S = 30.0  # Whisper hears so much at a time
# Not `hallucination_silence_threshold`: with loosely aligned words it drops sentences that were spoken (measured with
# our small checkpoint: one in three). Regions that end at pauses and the detector within each segment do its work.
OPTIONS: dict[str, Any] = {
    "task": "transcribe",
    "temperature": (0.0, 0.2, 0.4),
    "beam_size": 5,
    "condition_on_previous_text": False,  # one invented sentence must not breed the next
    "word_timestamps": True,
    "compression_ratio_threshold": 2.4,
    "logprob_threshold": -1.0,
    "no_speech_threshold": 0.6,
}


@dataclass(frozen=True)
class Look:
    """A region that was encoded: the probability of every language the model knows, and what the engine needs again."""

    probabilities: Mapping[str, float]  # empty: the model knows one language only
    samples: NDArray[np.float32]
    encoded: Any


class Decoder(Protocol):
    """A model. Blocks. The same samples give the same answer, at least where it has no temperature but 0.

    One call at a time; where `looks_ahead`, one `look` beside any other call.
    """

    @property
    def model(self) -> Model: ...

    @property
    def options(self) -> Mapping[str, Any]:
        """Everything that decides what comes out, beside the weights."""

    @property
    def looks_ahead(self) -> bool:
        """Whether the next region is better encoded while this one is decoded than after it."""

    def look(self, samples: NDArray[np.float32]) -> Look:
        """Encode at most 30 s of 16 kHz mono samples, and say which language is spoken in them."""

    def decode(self, look: Look, language: str, prompt: str = "") -> list[Segment]:
        """Segments with times from the beginning of the samples; `flags` empty, `in_text` true. Never translates."""


def segment(raw: Mapping[str, Any], language: str) -> Segment:
    """One segment in the form that is stored, whichever library it came from."""

    def number(value: Any, digits: int, otherwise: float) -> float:
        value = float(value)
        return round(value, digits) if math.isfinite(value) else otherwise

    return {
        "start": number(raw["start"], 2, 0.0),
        "end": number(raw["end"], 2, 0.0),
        "text": str(raw["text"]).strip(),
        "language": language,
        "words": [
            {
                "word": str(word["word"]).strip(),
                "start": number(word["start"], 2, 0.0),
                "end": number(word["end"], 2, 0.0),
                "probability": number(word["probability"], 4, 0.0),
            }
            for word in raw.get("words") or []
        ],
        "avg_logprob": number(raw["avg_logprob"], 4, -10.0),
        "no_speech_prob": number(raw["no_speech_prob"], 4, 0.0),
        "compression_ratio": number(raw["compression_ratio"], 4, 0.0),
        "temperature": number(raw["temperature"], 2, 0.0),
        "flags": [],
        "in_text": True,
    }
