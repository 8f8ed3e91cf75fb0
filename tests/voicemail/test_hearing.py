"""The decisions around the recogniser, without one: where speech may be, which language, what to distrust."""

from typing import Any

import numpy as np
import pytest

from services.voicemail import doubt, spoken_language
from services.voicemail.activity import Span, listen, windows
from services.voicemail.doubt import Flag
from services.voicemail.spoken_language import HeardWindow
from tests.voicemail.conftest import ENGLISH, speak

RATE = 16_000


def noise(seconds: float, level: float) -> "np.ndarray[Any, np.dtype[np.float32]]":
    return (np.random.default_rng(3).standard_normal(int(seconds * RATE)) * level).astype(np.float32)


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(10 * RATE, np.float32),
        np.full(10 * RATE, 0.3, np.float32),
        noise(10, 0.001),
        noise(10, 0.01),
        noise(10, 0.2),
        (0.3 * np.sin(np.arange(8 * RATE) * 2 * np.pi * 440 / RATE)).astype(np.float32),
        np.zeros(100, np.float32),
    ],
    ids=["silence", "offset", "-60dB", "-40dB", "loud", "tone", "shorter than a frame"],
)
def test_nobody_speaks_in_silence_noise_and_tones(samples: "np.ndarray[Any, np.dtype[np.float32]]") -> None:
    assert listen(samples, RATE).spans == ()


@pytest.mark.parametrize("level", [0.0, 0.003, 0.02])
def test_speech_is_found_even_under_noise(level: float) -> None:
    speech = speak("en", ENGLISH) * np.float32(0.3)
    silence = np.zeros(4 * RATE, np.float32)
    samples = np.concatenate([silence, speech, silence])
    samples = samples + noise(len(samples) / RATE, level)[: len(samples)]
    activity = listen(samples, RATE)
    assert activity.within(4, 4 + len(speech) / RATE) > 0.6 * len(speech) / RATE
    assert activity.within(0, 3.5) < 0.5


def test_windows_end_at_pauses_and_never_last_too_long() -> None:
    speech = np.concatenate([speak("en", ENGLISH), np.zeros(8000, np.float32)] * 10)
    activity = listen(speech, RATE)
    found = windows(activity, 28.0)
    assert len(found) >= 3
    assert all(window.seconds <= 28.0 for window in found)
    assert sum(activity.within(window.start, window.end) for window in found) == pytest.approx(
        activity.active_s, rel=0.01
    )
    # Without any pause they are cut where it is quietest.
    steady = np.concatenate([noise(1, 0.001), noise(70, 0.1), noise(1, 0.001)])
    assert all(window.seconds <= 28.0 for window in windows(listen(steady, RATE), 28.0))


def heard(start: float, seconds: float, **probabilities: float) -> HeardWindow:
    return HeardWindow(Span(start, start + seconds), seconds, probabilities)


@pytest.mark.parametrize(
    ("windows_heard", "language"),
    [
        ([heard(0, 8, en=0.97, es=0.01)], "en"),
        ([heard(0, 8, en=0.02, es=0.95), heard(8, 9, en=0.3, es=0.6)], "es"),
        # A Latin prayer of a model: the allowed ones count among each other.
        ([heard(0, 8, la=0.45, en=0.02, es=0.51)], "es"),
        ([heard(0, 8, pt=0.9, en=0.02, es=0.05)], "unknown"),
        ([heard(0, 8, en=0.97, es=0.02), heard(8, 8, en=0.01, es=0.98)], "mixed"),
        # One «gracias» at the end does not make an English call bilingual.
        ([heard(0, 20, en=0.97, es=0.02), heard(21, 0.6, en=0.01, es=0.98)], "en"),
        ([], "unknown"),
    ],
)
def test_the_language_of_a_recording(windows_heard: list[HeardWindow], language: str) -> None:
    decided = spoken_language.decide(windows_heard, ["en", "es"])
    assert decided.language == language
    assert 0 <= decided.confidence <= 1


@pytest.mark.parametrize(
    ("window", "language"),
    [
        (heard(0, 8, en=0.9, es=0.1), "en"),
        (heard(0, 8, la=0.45, en=0.02, es=0.51), "es"),
        (heard(0, 0.4, en=0.9, es=0.1), None),  # «hello»: too short to be sure
        (heard(0, 8, en=0.5, es=0.45), None),
        (heard(0, 8, vi=0.95, en=0.03), "vi"),
        (heard(0, 8, vi=0.6, en=0.1, es=0.1), None),
    ],
)
def test_each_region_is_decoded_in_its_own_language(window: HeardWindow, language: str | None) -> None:
    assert spoken_language.of_region(window, ["en", "es"]) == language


def test_another_language_is_unknown_and_named() -> None:
    decided = spoken_language.decide([heard(0, 8, vi=0.95, en=0.03), heard(9, 8, vi=0.9, es=0.05)], ["en", "es"])
    assert decided.language == "unknown"
    assert decided.evidence["other"] == {"language": "vi", "probability": 0.925}


def segment(text: str, **values: Any) -> dict[str, Any]:
    words = [{"word": word, "start": 0.0, "end": 1.0, "probability": 0.9} for word in text.split()]
    given = {"start": 0.0, "end": 3.0, "text": text, "words": words, "avg_logprob": -0.2, "no_speech_prob": 0.01,
             "compression_ratio": 1.1, "temperature": 0.0}  # fmt: skip
    return given | values


def flags(found: dict[str, Any], active_s: float = 3.0, prompt: str = "") -> list[Flag]:
    return doubt.flags_of(found, active_s=active_s, prompt=prompt)


def test_what_is_well_heard_is_not_doubted() -> None:
    assert flags(segment("My bill is too high.")) == []
    assert flags(segment("My number is 5 5 5 5 5 5 5 0 1 2.")) == []


@pytest.mark.parametrize(
    ("found", "flag"),
    [
        (segment("Thank you for watching!"), Flag.BOILERPLATE),
        (segment("Subtítulos por la comunidad de Amara.org"), Flag.BOILERPLATE),
        (segment("I said no I said no I said no I said no I said no", compression_ratio=2.1), Flag.LOOP),
        (segment("la la la", compression_ratio=4.0), Flag.LOOP),
        (segment("something", avg_logprob=-1.4), Flag.DOUBTFUL),
        (segment("something", no_speech_prob=0.9), Flag.NO_SPEECH),
        (segment("My bill", temperature=0.4), Flag.REPEATED_TRIES),
        (segment("one two three four five six seven", start=0.0, end=0.2), Flag.TOO_FAST),
    ],
)
def test_what_is_doubtful_says_so(found: dict[str, Any], flag: Flag) -> None:
    assert flag in flags(found, active_s=0.2)


def test_a_number_that_was_hardly_heard_is_marked() -> None:
    unsure = segment("My number is 415")
    unsure["words"][-1]["probability"] = 0.2
    assert Flag.DOUBTFUL_DIGITS in flags(unsure)


def test_our_own_hint_come_back_is_not_what_the_caller_said() -> None:
    echo = segment("PG&E, EverGreen and net metering.")
    echo["flags"] = flags(echo, prompt="A caller speaks of PG&E, EverGreen and net metering.")
    assert Flag.PROMPT_ECHO in echo["flags"]
    assert doubt.is_invented(echo, active_s=3.0)


def test_words_where_nobody_makes_a_sound_are_invented_and_quiet_words_are_not() -> None:
    quiet = segment("Hello.", no_speech_prob=0.7, avg_logprob=-0.3)
    quiet["flags"] = flags(quiet)
    assert doubt.is_invented(quiet, active_s=0.0)
    assert not doubt.is_invented(quiet, active_s=1.0)


def test_spanish_turned_into_english_is_noticed() -> None:
    assert doubt.is_translated("I have a question about my bill, please call me", "es")
    assert not doubt.is_translated("Tengo una pregunta sobre mi factura de luz", "es")
    assert not doubt.is_translated("Llamo por el programa EverGreen, gracias", "es")
