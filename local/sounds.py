"""The demo's recordings: spoken once by espeak-ng (`python -m local.sounds`), shipped small, played as telephone audio.

Voicemails say sentences that the small checkpoint knows, so that their transcripts are real. Greetings say the whole
wording that the product proposes.
"""

import io
import json
import wave
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

DATA = files("local.data")
TELEPHONE_RATE = 8000
GREETINGS = [(language, situation) for language in ("en", "es") for situation in ("open", "after_hours", "holiday")]


@lru_cache
def morning() -> list[dict[str, Any]]:
    """What happens on the demo's morning, in order; `at` is seconds after the first start."""
    items: list[dict[str, Any]] = json.loads((DATA / "morning.json").read_text())
    return sorted(items, key=lambda item: float(item["at"]))


def recording(name: str) -> bytes:
    """A shipped recording as the Ogg file it is; its name without `.ogg`."""
    return (DATA / f"{name}.ogg").read_bytes()


def telephone_wav(audio: bytes) -> bytes:
    """Any audio as a phone system stores it: mono, 8 kHz, PCM16 WAV."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=TELEPHONE_RATE)
    with av.open(io.BytesIO(audio), "r") as container:
        frames = [frame for decoded in container.decode(audio=0) for frame in resampler.resample(decoded)]
    frames += resampler.resample(None)
    samples = np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(TELEPHONE_RATE)
        file.writeframes(samples.astype("<i2").tobytes())
    return buffer.getvalue()


def ogg(samples: NDArray[np.float32], rate: int, bits_per_second: int) -> bytes:
    """Samples as Opus in Ogg."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=rate, options={"application": "voip", "frame_duration": "60"})
        stream.bit_rate = bits_per_second
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(
            (samples * 32767).astype(np.int16).reshape(1, -1), format="s16", layout="mono"
        )
        frame.sample_rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return buffer.getvalue()


def make(target: Path) -> None:
    """Speak everything anew. Needs espeak-ng."""
    from local.config import LocalConfig
    from local.speech.synthesis import RATE, message, say
    from services.voicemail.greetings.scripts import suggestion
    from shared.models import Situation
    from shared.settings import Settings

    names = LocalConfig.center_names()
    settings = Settings.model_validate({"database_url": "postgresql+asyncpg://", "secret_key": "x" * 32, **names})
    for item in morning():
        if item["kind"] == "voicemail":
            spoken = message(item["sentences"], item["language"], voice=item["voice"], gap_s=0.35)
            (target / f"{item['id']}.ogg").write_bytes(ogg(spoken, RATE, 14_000))
    for language, situation in GREETINGS:
        text = suggestion(language, Situation(situation), settings)
        spoken = say(text.replace("1-800", "1 800"), language, speed=155)
        (target / f"greeting-{language}-{situation}.ogg").write_bytes(ogg(spoken, RATE, 6_000))


if __name__ == "__main__":
    make(Path(__file__).with_name("data"))
