"""Spoken voicemail that the small checkpoint was not trained on: other voices, other sentences of words it knows."""

import random
from dataclasses import dataclass

import numpy as np
import phonenumbers
from numpy.typing import NDArray

from local.speech import synthesis
from local.speech.phrases import CLOSING, NAME, NUMBER, OPENING, PHRASES, REASON, combined, with_number
from services.voicemail import audio

RATE = synthesis.RATE
Samples = NDArray[np.float32]
# Variants, speeds and pitches that tests/speech/corpus.py does not speak with.
VOICES = {
    "en": ("en-us+m4", "en-us+f1", "en+m7", "en-us+m5"),
    "es": ("es-419+m4", "es-419+f1", "es+m7", "es-419+m5"),
}
SPEEDS, PITCHES = (*range(138, 145), *range(186, 193)), (*range(34, 40), *range(61, 67))
BANDS = ("16 kHz", "8 kHz µ-law")
KEYWORDS = frozenset({
    "energy", "bill", "gas", "pg", "application", "appointment", "address", "documents", "account", "solar", "panels",
    "evergreen", "rebate", "check", "net", "metering", "power", "cancel", "lost", "factura", "luz", "solicitud", "cita",
    "direccion", "documentos", "cuenta", "paneles", "solares", "reembolso", "cheque", "cancelar", "perdi",
})  # fmt: skip


@dataclass(frozen=True)
class Message:
    """What was said (as Whisper writes it), in which language, with which number to call back, and its sound.

    `earlier`: other numbers that are told in it too; one of those that is offered misleads nobody.
    """

    language: str
    text: str
    digits: str
    samples: Samples
    earlier: tuple[str, ...] = ()


def message(chance: random.Random, language: str, *, reasons: int = 2) -> Message:
    """A greeting, a name, reasons, a callback number, a closing. Names and reasons are none that were trained on."""
    new = combined(language, held_out=True)
    digits = telephone_number(chance)
    number, number_said = with_number(chance.choice(PHRASES[language][NUMBER]), digits, language)
    told = [chance.choice(PHRASES[language][OPENING]), chance.choice(new[NAME])]
    told += chance.sample(new[REASON], reasons)
    written = [*told, number, chance.choice(PHRASES[language][CLOSING])]
    said = [*written[:-2], number_said, written[-1]]
    voice, speed, pitch = chance.choice(VOICES[language]), chance.choice(SPEEDS), chance.choice(PITCHES)
    parts: list[Samples] = []
    for sentence in said:
        pause = np.zeros(int(RATE * chance.uniform(0.2, 0.6)), np.float32)
        parts += [synthesis.say(sentence, language, voice=voice, speed=speed, pitch=pitch), pause]
    return Message(language, " ".join(written), digits, np.concatenate(parts))


def telephone_number(chance: random.Random) -> str:
    """Ten digits that may be called in North America: area code and exchange begin with 2 to 9, no service code."""
    while True:
        digits = "".join(str(chance.randrange(10)) for _ in range(10))
        parsed = phonenumbers.parse(digits, "US")
        if phonenumbers.is_valid_number(parsed):
            return digits


def over(samples: Samples, background: Samples, decibels: float) -> Samples:
    """The speech over a background that is quieter by so many decibels."""
    level = float(np.sqrt(np.mean(samples[np.abs(samples) > 0.01] ** 2)))
    own = float(np.sqrt(np.mean(background**2)))
    return (samples + background * np.float32(level / own * 10 ** (-decibels / 20))).astype(np.float32)


def through(band: str, samples: Samples) -> Samples:
    """As the product decodes what the phone system recorded in this band."""
    if band == BANDS[1]:
        return audio.decode(synthesis.ulaw(samples), hint="ulaw", rate=RATE)
    return audio.decode(synthesis.wav(samples), hint="wav", rate=RATE)
