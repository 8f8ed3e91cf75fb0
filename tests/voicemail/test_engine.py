"""The real Whisper on real speech, in its process: what it hears, and what happens when it dies."""

import asyncio
import os
import signal
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from local.speech.phrases import with_number
from services.tickets.callers.facts import Kind
from services.tickets.callers.listen import listen
from services.tickets.callers.words import of_segments
from services.voicemail import audio
from services.voicemail.doubt import plain
from services.voicemail.engine import EngineDied, EngineFailed, NoWeights, Segment
from services.voicemail.speech_process import SpeechProcess
from shared.settings import Settings
from tests.voicemail.conftest import ENGLISH, SPANISH, speak

pytestmark = pytest.mark.timeout(300)  # a real recogniser, on cores that others may be using too
RATE = 16_000
BOTH = ["en", "es"]


def telephone(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Through 8 kHz µ-law and back."""
    frame = av.AudioFrame.from_ndarray((samples * 32767).astype("<i2").reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = RATE
    resampler = av.AudioResampler(format="s16", layout="mono", rate=8_000)
    codec = av.CodecContext.create("pcm_mulaw", "w")
    assert isinstance(codec, av.AudioCodecContext)
    codec.sample_rate, codec.layout, codec.format = 8_000, "mono", "s16"
    frames = [*resampler.resample(frame), *resampler.resample(None)]
    raw = b"".join(bytes(packet) for piece in [*frames, None] for packet in codec.encode(piece))
    return audio.decode(raw, hint="ulaw", rate=RATE)


@pytest.mark.parametrize("through", ["clean", "telephone"])
@pytest.mark.parametrize(
    ("language", "sentences", "keywords"),
    [("en", ENGLISH, {"energy", "bill"}), ("es", SPANISH, {"huele", "gas", "casa"})],
)
async def test_it_hears_the_language_and_the_words(
    engine: SpeechProcess, language: str, sentences: tuple[str, ...], keywords: set[str], through: str
) -> None:
    samples = speak(language, sentences)
    heard = await engine.transcribe(samples if through == "clean" else telephone(samples), BOTH)
    assert heard.language == language
    assert heard.language_confidence > 0.8
    assert keywords <= set(plain(heard.text).split())
    assert heard.options["task"] == "transcribe"
    assert heard.language_evidence["windows"]
    for segment in heard.segments:
        assert 0 <= segment["start"] <= segment["end"] <= len(samples) / RATE + 1
        assert segment["words"]
        assert all(0 <= word["probability"] <= 1 for word in segment["words"])
        assert {"avg_logprob", "no_speech_prob", "compression_ratio", "temperature", "flags"} <= segment.keys()
    spoken = " ".join(segment["text"] for segment in heard.segments if segment["in_text"])
    assert heard.text == spoken


SHORT = {
    "en": ("Good morning.", "My name is John Smith.", "I have a question about my PG&E bill."),
    "es": ("Buenas tardes.", "Mi nombre es Juan Pérez.", "Necesito ayuda con mi factura de gas."),
}
LONG = {  # more than half a minute, as somebody speaks who thinks between the sentences
    "en": (
        "Hello, good morning.", "My name is Linda Lopez.", "I am calling about my application.",
        "I sent my documents last week.", "I did not get the rebate check.", "The technician never came.",
        "I want to make a complaint.", "I need to change my appointment.", "I would like to speak with a supervisor.",
        "I need to change my address.", "My bill is too high.",
    ),
    "es": (
        "Hola, buenos días.", "Mi nombre es Rosa López.", "Llamo por mi solicitud.",
        "Mandé mis documentos la semana pasada.", "No recibí el cheque de reembolso.", "El técnico nunca llegó.",
        "Quiero poner una queja.", "Necesito cambiar mi cita.", "Quiero hablar con un supervisor.",
        "Necesito cambiar mi dirección.", "Mi factura es muy alta.",
    ),
}  # fmt: skip


KEYWORDS = {
    SHORT["en"]: {"question", "bill"},
    SHORT["es"]: {"ayuda", "factura", "gas"},
    LONG["en"]: {"application", "documents", "rebate", "technician", "complaint", "supervisor"},
    LONG["es"]: {"solicitud", "documentos", "reembolso", "tecnico", "queja", "supervisor"},
}


@pytest.mark.parametrize(
    ("language", "sentences", "gap_s", "through", "digits"),  # the digits are such as the small checkpoint hears surely
    [
        ("en", SHORT["en"], 0.4, "clean", "6149427645"),
        ("en", SHORT["en"], 0.4, "telephone", "6149427645"),
        ("es", SHORT["es"], 0.4, "clean", "2703646914"),
        ("es", SHORT["es"], 0.4, "telephone", "2703646914"),
        ("en", LONG["en"], 0.9, "telephone", "7072863914"),
        ("es", LONG["es"], 0.9, "telephone", "7072863914"),
    ],
)
async def test_it_hears_the_number_to_call_back(
    engine: SpeechProcess, language: str, sentences: tuple[str, ...], gap_s: float, through: str, digits: str
) -> None:
    template = {"en": "My number is {digits}.", "es": "Mi número es {digits}."}[language]
    samples = speak(language, (*sentences, with_number(template, digits, language)[1]), gap_s)
    heard = await engine.transcribe(samples if through == "clean" else telephone(samples), BOTH)
    assert heard.language == language
    assert KEYWORDS[sentences] <= set(plain(heard.text).split())
    (number,) = listen(of_segments(heard.segments, heard.text)).of(Kind.CALLBACK)
    assert (number.value, number.doubts) == (f"+1{digits}", ())
    assert (number.places[0].to_s or 0.0) > 30 or sentences not in LONG.values()
    told = [word for segment in heard.segments for word in segment["words"] if "readings" in word]
    assert "".join(character for word in told for character in word["word"] if character.isdigit()) == digits
    assert all(min(word["readings"]) > 0 for word in told)  # both hearings of it agree


async def test_the_same_recording_gives_the_same_text(engine: SpeechProcess) -> None:
    first, second = [await engine.transcribe(speak("en", ENGLISH), BOTH) for _ in range(2)]
    assert first == second


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(10 * RATE, np.float32),
        (np.random.default_rng(1).standard_normal(10 * RATE) * 0.01).astype(np.float32),
        # Clicks get past the level: then it is Whisper that must say nothing.
        np.where(np.arange(6 * RATE) % RATE < 60, 0.8, 0.0).astype(np.float32),
    ],
    ids=["silence", "noise", "clicks"],
)
async def test_silence_is_no_speech(engine: SpeechProcess, samples: NDArray[np.float32]) -> None:
    heard = await engine.transcribe(samples, BOTH)
    assert heard.text == ""
    assert heard.flags == ["no_speech"]
    assert heard.language == "unknown"


async def test_a_caller_who_changes_the_language_is_heard_in_both(engine: SpeechProcess) -> None:
    samples = np.concatenate([speak("en", ENGLISH), np.zeros(RATE, np.float32), speak("es", SPANISH)])
    heard = await engine.transcribe(samples, BOTH)
    assert heard.language == "mixed"
    assert {"energy", "bill", "gas", "casa"} <= set(plain(heard.text).split())
    assert {segment["language"] for segment in heard.segments} == {"en", "es"}


async def test_a_minute_is_heard_to_its_end(engine: SpeechProcess) -> None:
    pause = np.zeros(6 * RATE, np.float32)
    parts = [
        speak("es", ("Hola.", "Habla Ana Torres.", "Mi factura es muy alta.")),
        speak("es", ("Quiero cancelar mi cita.", "Mis paneles solares no funcionan.")),
        speak("es", ("Necesito cambiar mi dirección.", "Mandé mis documentos la semana pasada.")),
        speak("es", ("No recibí el cheque de reembolso.", "Es urgente.")),
        speak("es", ("Quiero hablar con un supervisor.", "Por favor llámeme mañana.")),
    ]
    samples = np.concatenate(
        [piece for part in parts for piece in (part, pause)] + [speak("es", ("Huele a gas en mi casa.",))]
    )
    assert len(samples) > 45 * RATE
    so_far: list[list[Segment]] = []

    async def tell(segments: list[Segment]) -> None:
        so_far.append(segments)

    heard = await engine.transcribe(samples, BOTH, tell)
    words = set(plain(heard.text).split())
    assert heard.language == "es"
    assert len(so_far) >= 3
    assert all(segments == heard.segments[: len(segments)] for segments in so_far)  # growing, and as at the end
    assert {"factura", "paneles", "direccion", "reembolso", "supervisor", "gas"} <= words
    # Times are those of the recording, not of a window.
    gas = next(segment for segment in heard.segments if "gas" in segment["text"])
    assert gas["start"] > len(samples) / RATE - 4


async def test_a_killed_engine_fails_one_recording_and_stands_again(own_engine: SpeechProcess) -> None:
    model = await own_engine.ready()
    first = own_engine.pid
    assert first is not None
    hearing = asyncio.create_task(own_engine.transcribe(np.concatenate([speak("en", ENGLISH)] * 20), BOTH))
    await asyncio.sleep(0.5)
    os.kill(first, signal.SIGKILL)
    with pytest.raises(EngineDied, match="killed"):
        await hearing
    assert (await own_engine.transcribe(speak("en", ENGLISH), BOTH)).language == "en"
    assert own_engine.pid not in (None, first)
    assert await own_engine.ready() == model


async def test_a_stuck_engine_is_ended(speech_settings: Settings) -> None:
    engine = SpeechProcess(speech_settings.model_copy(update={"transcription_timeout_s": 0.2}))
    await engine.ready()
    pid = engine.pid
    assert pid is not None
    with pytest.raises(EngineFailed, match="too long"):
        await engine.transcribe(np.concatenate([speak("en", ENGLISH)] * 20), BOTH)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    await engine.close()


async def test_stopping_does_not_wait_for_a_long_recording(own_engine: SpeechProcess) -> None:
    await own_engine.ready()
    hearing = asyncio.create_task(own_engine.transcribe(np.concatenate([speak("en", ENGLISH)] * 60), BOTH))
    await asyncio.sleep(0.3)
    hearing.cancel()
    async with asyncio.timeout(3):
        with pytest.raises(asyncio.CancelledError):
            await hearing
    assert own_engine.pid is None


async def test_without_weights_it_says_what_is_missing(settings: Settings, tmp_path: Path) -> None:
    engine = SpeechProcess(settings)
    with pytest.raises(NoWeights, match="No speech model is configured"):
        await engine.ready()
    missing = SpeechProcess(settings.model_copy(update={"whisper_model": str(tmp_path / "small.pt")}))
    with pytest.raises(NoWeights, match=r"There is no speech model at .*small\.pt"):
        await missing.ready()


async def test_damaged_weights_are_no_weights(settings: Settings, tmp_path: Path) -> None:
    damaged = tmp_path / "small.pt"
    damaged.write_bytes(b"not weights")
    engine = SpeechProcess(settings.model_copy(update={"whisper_model": str(damaged)}))
    with pytest.raises(NoWeights, match="cannot be loaded"):
        await engine.ready()
    started = asyncio.get_running_loop().time()
    with pytest.raises(NoWeights, match="cannot be loaded"):  # without loading again at every sweep
        await engine.transcribe(speak("en", ENGLISH), BOTH)
    assert asyncio.get_running_loop().time() - started < 0.5
    await engine.close()
