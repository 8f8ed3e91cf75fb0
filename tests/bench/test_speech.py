"""The measure of what is heard: it counts right, and measures with what nobody trained on."""

import random
from dataclasses import replace

import numpy as np

from bench.speech.messages import PITCHES, SPEEDS, VOICES, Message, telephone_number
from bench.speech.score import Score, word_errors
from bench.speech.sounds import KINDS, sounds
from services.tickets.callers.facts import Kind
from services.tickets.callers.listen import listen
from services.tickets.callers.words import of_text
from tests.speech import corpus


def test_word_errors_are_insertions_deletions_and_substitutions() -> None:
    assert word_errors(["a", "b", "c"], ["a", "b", "c"]) == 0
    assert word_errors(["a", "b", "c", "d"], ["a", "x", "c"]) == 2
    assert word_errors([], ["a", "b"]) == 2


def test_a_score_tells_what_was_missed() -> None:
    said = Message(
        "en", "My gas bill is too high. My number is 7 0 7 5 5 5 0 1 4 2.", "7075550142", np.zeros(1, np.float32)
    )
    score = Score()
    score.add(said, "My gas bill is too high. My number is 7 0 7 5 5 5 0 1 4 2.", "en")
    assert str(score) == "language 1/1, keywords 100 %, ten digits exact 1/1, word error rate 0.00"
    score.add(said, "My gas is too high. My number is 7 0 7 5 5 5 0 1 2 4.", "es")
    assert str(score) == "language 1/2, keywords 75 %, ten digits exact 1/2, word error rate 0.08"


def test_a_score_tells_what_a_csr_would_call() -> None:
    said = Message("en", "My number is 7 0 7 5 5 5 0 1 4 2.", "7075550142", np.zeros(1, np.float32))
    score = Score()
    for text in (said.text, "My number is 7 0 7 5 5 0 1 4 2.", "Hello.", "My number is 7 0 7 5 5 5 0 1 2 4."):
        score.add_callbacks(said, listen(of_text(text)).of(Kind.CALLBACK))
    assert (score.offered, score.doubted, score.missed, score.misled) == (1, 1, 1, 1)
    two = "My number is 7 0 7 5 5 5 0 1 4 2. You can reach me at 4 1 5 5 5 5 0 1 2 4."
    both = listen(of_text(two)).of(Kind.CALLBACK)
    score.add_callbacks(said, both)  # the second was not said
    assert (score.offered, score.misled) == (1, 2)
    score.add_callbacks(replace(said, earlier=("4155550124",)), both)
    assert (score.offered, score.misled) == (2, 2)


def test_numbers_to_call_back_are_such_as_can_be_called() -> None:
    chance = random.Random(1)
    for _ in range(20):
        (fact,) = listen(of_text(f"My number is {telephone_number(chance)}.")).of(Kind.CALLBACK)
        assert not fact.doubts


def test_nobody_trained_on_the_voices_that_are_measured() -> None:
    for language, voices in VOICES.items():
        variants = {voice.partition("+")[2] for voice in corpus.VOICES[language]}
        assert not {voice.partition("+")[2] for voice in voices} & variants
    assert not set(SPEEDS) & set(range(corpus.SPEEDS[0], corpus.SPEEDS[1] + 1))
    assert not set(PITCHES) & set(range(corpus.PITCHES[0], corpus.PITCHES[1] + 1))


def test_sounds_are_of_every_kind_and_the_same_each_time() -> None:
    first, second = sounds(20, seed=3), sounds(20, seed=3)
    assert [name for name, _ in first[:10]] == [name for name, _ in KINDS]
    for (name, samples), (_, again) in zip(first, second, strict=True):
        assert np.array_equal(samples, again)
        assert np.isfinite(samples).all()
        assert float(np.abs(samples).max()) <= 0.91
        assert (name == "silence") is not bool(samples.any())
