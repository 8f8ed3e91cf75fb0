"""What is decoded again, and what is marked when the second try is no better: the decisions around one region."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from local.speech import synthesis
from services.voicemail import engines, models, regions
from services.voicemail.doubt import plain
from services.voicemail.engine import Heard, Model, Segment
from services.voicemail.engines import Decoder, Look
from services.voicemail.engines.contract import segment
from services.voicemail.hearing import Recogniser
from services.voicemail.vocabulary import Vocabulary
from shared.settings import Settings
from tests.speech import nonspeech
from tests.voicemail.conftest import ENGLISH, SPANISH, speak
from tests.voicemail.test_engine import telephone

RATE = 16_000
BOTH = ["en", "es"]
HINTS = Vocabulary({"es": ["NEM", "EverGreen", "reembolso", "medidor"], "en": ["NEM", "EverGreen", "true-up", "CARE"]})


@dataclass
class Scripted:
    """A Decoder that says what the test lets it say, spread over the region, and notes what it was asked."""

    texts: Sequence[str]
    language: str = "es"
    covers: float = 1.0  # of the region that the words fill
    sure: float = 0.9  # of each word
    no_speech_prob: float = 0.01
    looks_ahead: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)
    options: Mapping[str, Any] = field(default_factory=dict)
    model: Model = field(default_factory=lambda: Model("scripted", "scripted", "0" * 64))

    def look(self, samples: NDArray[np.float32]) -> Look:
        return Look({self.language: 0.98}, samples, None)

    def decode(self, look: Look, language: str, prompt: str = "") -> list[Segment]:
        said = self.texts[min(len(self.asked), len(self.texts) - 1)].split()
        self.asked.append((language, prompt))
        step = self.covers * len(look.samples) / RATE / max(1, len(said))
        words = [
            {"word": word, "start": step * number, "end": step * (number + 1), "probability": self.sure}
            for number, word in enumerate(said)
        ]
        raw = {
            "start": 0.0, "end": step * len(said), "text": " ".join(said), "words": words, "avg_logprob": -0.2,
            "no_speech_prob": self.no_speech_prob, "compression_ratio": 1.2, "temperature": 0.0,
        }  # fmt: skip
        return [segment(raw, language)]


def hear(decoder: Scripted, vocabulary: Vocabulary = HINTS) -> Heard:
    return Recogniser(decoder, vocabulary).hear(speak("es", SPANISH), BOTH)


def test_statement_9_spanish_that_came_out_in_english_is_decoded_again_and_says_so() -> None:
    decoder = Scripted(["I smell gas in my house, please call me", "Huele a gas en mi casa, por favor llámeme"])
    heard = hear(decoder)
    assert heard.text == "Huele a gas en mi casa, por favor llámeme"
    assert heard.flags == ["translated"]  # though it reads well now: somebody should listen
    assert [language for language, _ in decoder.asked] == ["es", "es"]
    assert decoder.asked[1][1].startswith("Hola")  # primed with the language that was heard
    [region] = [each for each in heard.regions if each["kind"] == "speech"]
    assert region["decoded_again"] is True
    assert region["first_text"] == "I smell gas in my house, please call me"


def test_statement_9_what_stays_translated_is_never_shown_without_its_mark() -> None:
    heard = hear(Scripted(["I smell gas in my house, please call me"]))
    assert heard.text == "I smell gas in my house, please call me"
    assert [each["flags"] for each in heard.segments] == [["translated"]]


def test_our_hint_come_back_is_decoded_again_without_it() -> None:
    decoder = Scripted(["NEM, EverGreen, reembolso, medidor.", "Huele a gas en mi casa."])
    heard = hear(decoder)
    assert (heard.text, heard.flags) == ("Huele a gas en mi casa.", [])
    assert [bool(prompt) for _, prompt in decoder.asked] == [True, False]
    assert [each.get("without_prompt") for each in heard.regions if each["kind"] == "speech"] == [True]


def test_a_caller_who_says_a_hinted_word_is_heard_once() -> None:
    decoder = Scripted(["Llamo por el reembolso de EverGreen, gracias."])
    assert hear(decoder).flags == []
    assert len(decoder.asked) == 1


def test_a_hint_that_makes_it_end_early_is_left_away() -> None:
    class EndsEarly(Scripted):
        def decode(self, look: Look, language: str, prompt: str = "") -> list[Segment]:
            self.covers = 0.2 if prompt else 1.0
            return super().decode(look, language, prompt)

    decoder = EndsEarly(["Hola, buenos días.", "Hola, buenos días. Huele a gas en mi casa."])
    heard = hear(decoder)
    assert (heard.text, heard.flags) == ("Hola, buenos días. Huele a gas en mi casa.", [])
    assert [each.get("without_prompt") for each in heard.regions if each["kind"] == "speech"] == [True]


def test_speech_without_words_says_so() -> None:
    heard = hear(Scripted(["Hola, buenos días."], covers=0.2), Vocabulary())
    assert (heard.text, heard.flags) == ("Hola, buenos días.", ["unheard"])
    [region] = [each for each in heard.regions if each["kind"] == "speech"]
    [[start, end]] = region["unheard"]
    assert start == pytest.approx(2.5, abs=0.5)
    assert end == pytest.approx(region["end"], abs=0.01)


def test_a_word_stretched_over_what_is_missing_hides_nothing() -> None:
    heard = hear(Scripted(["Hola."]), Vocabulary())
    assert (heard.text, heard.flags) == ("Hola.", ["unheard"])


def test_a_voice_of_which_nothing_could_be_written_is_not_silence() -> None:
    heard = hear(Scripted([""]), Vocabulary())
    assert (heard.text, heard.flags, heard.language) == ("", ["unheard"], "unknown")


def test_a_whisper_is_found_at_the_second_look_and_nothing_is_dropped() -> None:
    whisper = synthesis.message(["Please call me back tomorrow.", "Please call me back."], "en", voice="en+whisper")
    samples = telephone(np.concatenate([np.zeros(RATE, np.float32), whisper]))
    assert regions._spans(regions._probabilities(samples), regions.STRICT, 60.0) == []
    found = regions.find(samples)
    assert found.faint
    heard = Recogniser(Scripted(["Please call me."], language="en"), Vocabulary()).hear(samples, BOTH)
    assert "faint" in heard.flags
    assert (heard.regions[0]["start"], heard.regions[-1]["end"]) == (0.0, pytest.approx(len(samples) / RATE, abs=0.1))
    assert "faint" in {each["kind"] for each in heard.regions}


@pytest.mark.parametrize(
    ("said", "sure", "text"),
    [
        ("Hola.", 0.3, ""),  # a tone, a gust, or somebody who cannot be understood
        ("Ayuda.", 0.9, "Ayuda."),
        ("Hay fuego.", 0.3, "Hay fuego."),
    ],
)
def test_one_unsure_word_where_hardly_anybody_speaks_is_a_guess(said: str, sure: float, text: str) -> None:
    whisper = synthesis.message(["Please call me back tomorrow.", "Please call me back."], "en", voice="en+whisper")
    samples = telephone(np.concatenate([np.zeros(RATE, np.float32), whisper]))
    heard = Recogniser(Scripted([said], sure=sure), Vocabulary()).hear(samples, BOTH)
    assert heard.text == text
    assert [each["text"] for each in heard.segments] == [said]
    assert "faint" in heard.flags
    assert ("unheard" in heard.flags) == (not text), "it is offered, for somebody may have spoken"


def test_a_click_is_not_even_a_faint_voice() -> None:
    clicks = nonspeech.clicks(random.Random(0), 3 * RATE)
    samples = (clicks * np.float32(0.3 / np.abs(clicks).max())).astype(np.float32)
    assert regions._spans(regions._probabilities(samples * np.float32(0.5 / 0.3)), regions.LENIENT, 3.0)
    found = regions.find(samples)
    assert (found.speech.spans, found.faint) == ((), ())
    heard = Recogniser(Scripted(["Hello."], language="en"), Vocabulary()).hear(samples, BOTH)
    assert (heard.text, heard.flags, heard.language) == ("", ["no_speech"], "unknown")


@pytest.fixture(scope="module")
def decoder(checkpoint: Path) -> Decoder:
    return engines.load(models.resolve(str(checkpoint), None, "faster-whisper"), 1)


@pytest.mark.timeout(300)  # a real recogniser, on cores that others may be using too
@pytest.mark.parametrize(
    ("language", "sentences", "keywords"),
    [("en", ENGLISH, {"energy", "bill"}), ("es", SPANISH, {"huele", "gas", "casa"})],
)
def test_the_words_that_we_bring_along_cost_no_caller_a_word(
    decoder: Decoder, settings: Settings, language: str, sentences: tuple[str, ...], keywords: set[str]
) -> None:
    """`data/words.json` on real weights: what was said is there, and none of the hint that was not."""
    vocabulary = Vocabulary.from_settings(settings.model_copy(update={"transcription_words": None}))
    heard = Recogniser(decoder, vocabulary).hear(telephone(speak(language, sentences)), BOTH)
    words = set(plain(heard.text).split())
    assert heard.language == language
    assert keywords <= words
    assert "prompt_echo" not in heard.flags
    hinted = {word for text in vocabulary.prompts(BOTH).values() for word in plain(text).split() if len(word) > 3}
    assert not words & hinted
    assert heard.options["prompts"] == vocabulary.prompts(BOTH)
