"""What every engine must do, on the same weights and the same speech: one contract, both engines."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from services.voicemail import engines, models
from services.voicemail.doubt import plain
from services.voicemail.engines import Decoder
from services.voicemail.hearing import Recogniser
from services.voicemail.models import EngineName
from services.voicemail.vocabulary import Vocabulary
from tests.voicemail.conftest import ENGLISH, SPANISH, speak
from tests.voicemail.test_engine import telephone

pytestmark = pytest.mark.timeout(300)  # a real recogniser, on cores that others may be using too
RATE = 16_000
BOTH = ["en", "es"]
WORDS = {"en": ["NEM", "EverGreen", "CARE", "PG&E"], "es": ["NEM", "EverGreen", "reembolso", "PG&E"]}
ENGINES: tuple[EngineName, ...] = ("openai-whisper", "faster-whisper")


@pytest.fixture(scope="module", params=ENGINES)
def decoder(request: pytest.FixtureRequest, checkpoint: Path) -> Decoder:
    engine: EngineName = request.param
    return engines.load(models.resolve(str(checkpoint), None, engine), 1)


# Two sentences are enough to be more than one segment, and each word of them costs the reference engine a pass.
@pytest.mark.parametrize(("language", "sentences", "word"), [("en", ENGLISH[2:], "energy"), ("es", SPANISH[2:], "gas")])
def test_it_hears_the_language_and_the_words_through_a_telephone(
    decoder: Decoder, language: str, sentences: tuple[str, ...], word: str
) -> None:
    samples = telephone(speak(language, sentences))
    look = decoder.look(samples)
    assert max(look.probabilities, key=lambda each: look.probabilities[each]) == language
    assert sum(look.probabilities.values()) == pytest.approx(1.0, abs=0.01)
    segments = decoder.decode(look, language)
    assert word in plain(" ".join(segment["text"] for segment in segments)).split()
    at = 0.0
    for segment in segments:
        assert set(segment) == {
            "start", "end", "text", "language", "words", "avg_logprob", "no_speech_prob", "compression_ratio",
            "temperature", "flags", "in_text",
        }  # fmt: skip
        assert (segment["language"], segment["flags"], segment["in_text"]) == (language, [], True)
        assert at <= segment["start"] <= segment["end"] <= len(samples) / RATE + 1
        at = segment["start"]
        assert plain(" ".join(each["word"] for each in segment["words"])) == plain(segment["text"])
        assert all(0 <= each["probability"] <= 1 for each in segment["words"])
    if language == "en":
        assert segments == decoder.decode(look, language)  # the same answer again
    assert decoder.options["task"] == "transcribe"
    assert decoder.options["engine_version"]
    assert decoder.options["precision"]
    assert len(decoder.model.sha256) == 64


@pytest.mark.parametrize(
    "samples",
    [np.zeros(10 * RATE, np.float32), (np.random.default_rng(1).standard_normal(10 * RATE) * 0.01).astype(np.float32)],
    ids=["silence", "-40 dB of noise"],
)
def test_silence_gives_no_words_and_none_of_our_hint(decoder: Decoder, samples: NDArray[np.float32]) -> None:
    heard = Recogniser(decoder, Vocabulary(WORDS)).hear(samples, BOTH)
    assert (heard.text, heard.segments, heard.flags, heard.language) == ("", [], ["no_speech"], "unknown")
    assert [(region["start"], region["end"], region["kind"]) for region in heard.regions] == [(0.0, 10.0, "silence")]
    assert heard.options["prompts"]["en"].startswith("NEM, EverGreen")


def test_what_is_not_decoded_is_marked_and_nothing_is_dropped(decoder: Decoder) -> None:
    speech = speak("es", SPANISH[2:])
    time = np.arange(4 * RATE) / RATE
    beeps = (0.2 * np.sin(2 * np.pi * 480 * time) * (time % 1.0 < 0.5)).astype(np.float32)
    samples = np.concatenate([np.zeros(4 * RATE, np.float32), speech, np.zeros(3 * RATE, np.float32), beeps])
    heard = Recogniser(decoder, Vocabulary()).hear(telephone(samples), BOTH)
    assert "gas" in plain(heard.text).split()
    kinds = [region["kind"] for region in heard.regions]
    assert (kinds[0], kinds[1], kinds[-1]) == ("silence", "speech", "sound")
    assert heard.regions[0]["start"] == 0.0
    assert heard.regions[-1]["end"] == pytest.approx(len(samples) / RATE, abs=0.1)
    for one, following in zip(heard.regions, heard.regions[1:], strict=False):
        assert one["end"] == pytest.approx(following["start"], abs=0.02)
    assert all(region["language"] == "es" for region in heard.regions if region["kind"] == "speech")
