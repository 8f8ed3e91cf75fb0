"""What a speech recogniser is to the rest of the service, so that another one may stand in its place."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

RATE = 16_000  # of the samples a recogniser gets
Segment = dict[str, Any]  # see Heard.segments
SoFar = Callable[[list[Segment]], Awaitable[None]]  # gets all segments heard so far, after each region


@dataclass(frozen=True)
class Model:
    """Which weights are loaded."""

    engine: str
    name: str
    sha256: str


@dataclass(frozen=True)
class Heard:
    """What was heard in one recording: the fields of a transcript."""

    text: str
    language: str  # an allowed one, mixed or unknown
    language_confidence: float
    language_evidence: dict[str, Any]
    # {start, end, text, language, words: [{word, start, end, probability, readings?}], avg_logprob, no_speech_prob,
    #  compression_ratio, temperature, flags, in_text}. `readings`: of a number that was heard twice, see numbers.py
    segments: list[Segment]
    # {start, end, kind: speech | faint | sound | silence}; of what was decoded (speech, faint) also {language,
    #  without_prompt?, decoded_again?, first_text?, unheard?, numbers_again?}, unheard being the [start, end] of speech
    #  without words, numbers_again {start, end, other_text} of each number that was heard twice.
    #  From the recording's first second to its last.
    regions: list[dict[str, Any]]
    flags: list[str]
    options: dict[str, Any]


class NoWeights(Exception):
    """There is no model to transcribe with; the message says why. Not the recording's fault."""


class EngineFailed(Exception):
    """The recogniser failed on this recording: it crashed, was killed or took too long. It stands again afterwards."""


class EngineDied(EngineFailed):
    """Its process crashed or was killed while it heard this recording."""


class Engine(Protocol):
    """A recogniser. One recording at a time; neither call blocks the event loop."""

    async def ready(self) -> Model:
        """Load the model if need be. Raises NoWeights."""

    async def transcribe(
        self, samples: NDArray[np.float32], languages: list[str], so_far: SoFar | None = None
    ) -> Heard:
        """Hear 16 kHz mono samples, choosing among the languages. Raises NoWeights, EngineFailed.

        `so_far` is told what was heard after each region that is not the last.
        """

    async def close(self) -> None:
        """Stop at once, whatever it is doing."""
