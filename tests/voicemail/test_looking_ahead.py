"""Each region is encoded once, by an engine that can while the one before it is decoded, and heard as without that."""

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faster_whisper import WhisperModel
from numpy.typing import NDArray

from services.voicemail import engines, models
from services.voicemail.engine import Segment
from services.voicemail.engines import Look
from services.voicemail.hearing import Recogniser
from services.voicemail.vocabulary import Vocabulary
from tests.voicemail.conftest import ENGLISH, SPANISH, speak
from tests.voicemail.test_engine import telephone
from tests.voicemail.test_second_tries import Scripted

RATE = 16_000
BOTH = ["en", "es"]
PAUSE = np.zeros(3 * RATE, np.float32)
WAIT_S = 30.0


def regions_of(*parts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each part with a pause behind it that ends a region."""
    return np.concatenate([piece for part in parts for piece in (part, PAUSE)])


@dataclass
class Two(Scripted):
    """Decodes a region only when one more than that is being encoded, and notes what was."""

    looks_ahead: bool = True
    regions: int = 4
    shortest: int = 0  # samples that can be encoded
    looked: list[int] = field(default_factory=list)
    decoded: list[int] = field(default_factory=list)
    begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def look(self, samples: NDArray[np.float32]) -> Look:
        self.looked.append(len(samples))
        self.begun.release()
        if len(samples) < self.shortest:
            raise MemoryError("no room to encode")
        return super().look(samples)

    def decode(self, look: Look, language: str, prompt: str = "") -> list[Segment]:
        first = not self.decoded
        self.decoded.append(len(look.samples))
        for _ in range(2 if first else int(len(self.decoded) < self.regions)):
            assert self.begun.acquire(timeout=WAIT_S), "nothing is encoded meanwhile"
        return super().decode(look, language, prompt)


def test_the_next_region_is_encoded_while_one_is_decoded_and_each_but_once() -> None:
    decoder = Two(["Huele a gas en mi casa, por favor llámeme, muchas gracias."])
    english, spanish = speak("en", ENGLISH), speak("es", SPANISH)
    heard = Recogniser(decoder, Vocabulary()).hear(regions_of(english, spanish, english, spanish), BOTH)
    assert len(decoder.looked) == 4
    assert sorted(decoder.decoded) == sorted(decoder.looked)
    starts = [segment["start"] for segment in heard.segments]
    assert len(starts) == 4
    assert starts == sorted(starts)


def test_what_fails_ahead_of_its_turn_fails_the_recording_in_its_turn() -> None:
    so_far: list[int] = []
    samples = regions_of(speak("es", SPANISH), speak("es", SPANISH), speak("es", ("Muchas gracias, adiós.",)))
    with pytest.raises(MemoryError, match="no room"):
        Recogniser(Two(["Huele a gas."], regions=3, shortest=3 * RATE), Vocabulary()).hear(
            samples, BOTH, lambda segments: so_far.append(len(segments))
        )
    assert so_far == [1, 2]


@pytest.mark.timeout(300)  # a real recogniser, on cores that others may be using too
def test_two_threads_hear_what_one_hears_and_encode_as_often(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = models.resolve(str(checkpoint), None, "faster-whisper")
    samples = telephone(regions_of(speak("en", ENGLISH), speak("es", SPANISH), speak("en", ENGLISH[2:])))
    encoded: list[tuple[int, ...]] = []
    encode = WhisperModel.encode

    def counted(net: WhisperModel, features: NDArray[np.float32]) -> Any:
        encoded.append(features.shape)
        return encode(net, features)

    monkeypatch.setattr(WhisperModel, "encode", counted)
    one, two = engines.load(file, 1), engines.load(file, 2)
    assert (one.looks_ahead, two.looks_ahead) == (False, True)
    alone = Recogniser(one, Vocabulary()).hear(samples, BOTH)
    assert alone.language == "mixed"
    assert {"energy", "gas"} <= set(alone.text.replace(".", "").lower().split())
    assert encoded == [(80, 3000)] * 3
    together = Recogniser(two, Vocabulary()).hear(samples, BOTH)
    assert (together.text, together.regions, together.language) == (alone.text, alone.regions, alone.language)
    assert encoded == [(80, 3000)] * 6
