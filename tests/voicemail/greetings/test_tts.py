"""The contract of every voice, and µ-law beside an independent codec."""

import shutil

import numpy as np
import pytest

from services.voicemail import audio
from services.voicemail.greetings import mulaw, tts
from shared.errors import Unavailable
from tests.voicemail.greetings.voice import encoded, speech


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
@pytest.mark.parametrize("language", ["en", "es"])
async def test_a_voice_reads_what_it_is_given(language: str) -> None:
    made = await tts.Espeak().read("Uno, two, three; tres. «--help»", language)
    assert 1.0 < len(audio.decode(made, hint="a.wav")) / 16_000 < 10.0


@pytest.mark.parametrize("voice", [tts.Espeak("no-such-program"), tts.Nobody()])
async def test_a_voice_that_is_not_there_says_what_to_do(voice: tts.Voice) -> None:
    with pytest.raises(Unavailable, match="yourself"):
        await voice.read("Hello", "en")


def test_telephone_numbers_are_said_digit_by_digit() -> None:
    assert tts.spoken("Call 9-1-1, or 1-800-743-5000.") == "Call 9, 1, 1, or 1, 8 0 0, 7 4 3, 5 0 0 0."
    assert tts.spoken("Open from 8 to 5 in 2026.") == "Open from 8 to 5 in 2026."


def test_mu_law_is_what_others_write_and_read() -> None:
    samples = speech(1.0, rate=8_000)
    ours = mulaw.wav(samples)
    theirs = encoded("wav", "pcm_mulaw", samples, 8_000)
    assert np.max(np.abs(audio.decode(ours, rate=8_000) - audio.decode(theirs, rate=8_000)[: len(samples)])) < 0.02
    assert np.allclose(mulaw.decode(mulaw.encode(samples)), samples, atol=0.02)
