"""Statement 8: English and Spanish are told apart in 95 of 100 calls, at 16 kHz and through a telephone."""

import random
from pathlib import Path

import pytest

from local.speech import synthesis
from local.speech.phrases import CLOSING, NAME, PHRASES, REASON
from services.voicemail import engines, models, regions
from services.voicemail.spoken_language import HeardWindow, SpokenLanguage, decide
from tests.voicemail.test_engine import telephone

EACH = 6  # calls of each language


@pytest.mark.timeout(300)  # a real recogniser, on cores that others may be using too
def test_statement_8_the_language_is_right_in_95_of_100_calls_in_both_bands(checkpoint: Path) -> None:
    decoder = engines.load(models.resolve(str(checkpoint), None, "faster-whisper"), 1)
    chance = random.Random(8)
    right = []
    for language in ("en", "es"):
        for number in range(EACH):
            said = [chance.choice(PHRASES[language][kind]) for kind in (NAME, REASON, CLOSING)]
            voice = synthesis.VOICES[language][number % len(synthesis.VOICES[language])]
            call = synthesis.message(said, language, voice=voice, speed=chance.randint(150, 180))
            for samples in (call, telephone(call)):
                speech = regions.find(samples).speech
                window = HeardWindow(speech.spans[0], speech.active_s, decoder.look(samples).probabilities)
                right.append(_decided(window) == language)
    assert len(right) == 4 * EACH
    assert sum(right) >= 0.95 * len(right)


def _decided(window: HeardWindow) -> str:
    decided: SpokenLanguage = decide([window], ["en", "es"])
    assert decided.language in ("en", "es", "mixed", "unknown")
    return decided.language
