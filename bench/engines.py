"""Both speech engines on the same weights and the same message: how fast, in how much memory, how soon the first words.

The message is spoken by espeak-ng, goes through a telephone, and is heard as the service hears it: regions, languages,
words and their times, second tries and doubts. The weights are the small checkpoint's in the shapes of Whisper's models
(widened.py): they write the words that are said and end where the speech ends, so that as much is decoded as real
weights decode of such a message. openai-whisper encodes each region three times, for its language, its words and their
times; faster-whisper once. The hint of the trade's words is left away, which so small a network cannot read and real
weights can: its sixty tokens cost them a tenth of a second a region.
"""

import asyncio
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, cycle
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.figures import Figures
from bench.speech.score import word_errors
from bench.widened import SHAPES, widened
from local import speech
from local.speech import synthesis
from local.speech.phrases import CLOSING, NAME, NUMBER, OPENING, PHRASES, REASON, with_number
from services.voicemail.doubt import plain
from services.voicemail.engine import RATE, Model, Segment
from services.voicemail.engines import Decoder, Look
from services.voicemail.models import EngineName

ENGINES: tuple[EngineName, ...] = ("openai-whisper", "faster-whisper")
THREADS = 2
LANGUAGE = "es"  # more tokens for a second of speech than English
GAP_S = 0.4
LONGEST_S = 400.0  # for one engine with one model: on a busy machine the reference engine may take very long


@dataclass(frozen=True)
class Spoken:
    """A message as it was said, in Whisper's spelling, and as it sounds."""

    text: str
    samples: NDArray[np.float32]

    @property
    def seconds(self) -> float:
        return len(self.samples) / RATE


async def measure(seconds: int) -> Figures:
    return await asyncio.to_thread(_measure, seconds)


def _measure(seconds: int) -> Figures:
    from services.voicemail.convert import convert

    said = _message(seconds)
    figures = Figures(
        "Speech engines",
        f"A Spanish message of {said.seconds:.0f} s, {len(said.text.split())} words with pauses of {GAP_S} s between "
        f"the sentences, as 8 kHz µ-law, heard as the service hears it, on {THREADS} threads. The weights are the "
        "small checkpoint's in the shapes of Whisper's models: they write what is said, at the cost of the larger "
        "model (see bench/engines.py). Each engine in a process of its own; memory is that process's peak, libraries "
        "included.",
    )
    with tempfile.TemporaryDirectory() as folder:
        small = speech.checkpoint(Path(folder))
        for shape in SHAPES:
            checkpoint = widened(small, Path(folder), shape)
            convert(checkpoint)
            took: dict[str, float] = {}
            for engine in ENGINES:
                answer = _apart(engine, checkpoint, said)
                aim = "under 20 s" if (shape, engine, seconds) == ("small", "faster-whisper", 60) else ""
                if answer is None:
                    figures.add(f"{shape}, {engine}: the whole message", f"not within {LONGEST_S:.0f} s", aim)
                    continue
                took[engine] = answer.whole_s
                for what, figure in answer.rows(said):
                    figures.add(f"{shape}, {engine}: {what}", figure, aim if what == "the whole message" else "")
            if len(took) == len(ENGINES):
                share = took["faster-whisper"] / took["openai-whisper"]
                figures.add(
                    f"{shape}: faster-whisper's share of openai-whisper's time", f"{100 * share:.0f} %", "25 % at most"
                )
    return figures


def _message(seconds: int) -> Spoken:
    """Greeting, name, number to call back and reasons, as many sentences as are said in the time."""
    phrases = PHRASES[LANGUAGE]
    number, number_said = with_number(phrases[NUMBER][0], "7072863914", LANGUAGE)
    pause = np.zeros(int(RATE * GAP_S), np.float32)
    written: list[str] = []
    parts: list[NDArray[np.float32]] = []
    length = 0
    begin = (phrases[OPENING][-1], phrases[NAME][0], number)
    for sentence in chain(begin, cycle((*phrases[REASON], *phrases[CLOSING]))):
        piece = synthesis.say(number_said if sentence is number else sentence, LANGUAGE)
        length += len(piece) + len(pause)
        if length > seconds * RATE:
            break
        written.append(sentence)
        parts += [piece, pause]
    return Spoken(" ".join(written), np.concatenate(parts))


@dataclass(frozen=True)
class Answer:
    """What an engine's own process measured, in seconds and MiB."""

    load_s: float
    look_s: float
    decode_s: float
    whole_s: float
    processor_s: float
    first_s: float
    peak_mib: float
    regions: int
    tries: int
    text: str

    def rows(self, said: Spoken) -> list[tuple[str, str]]:
        wanted = plain(said.text).split()
        wrong = word_errors(wanted, plain(self.text).split()) / len(wanted)
        return [
            ("the whole message", f"{self.whole_s:.1f} s"),
            ("of it, to encode and to hear the language", f"{self.look_s:.1f} s"),
            ("of it, to write the words", f"{self.decode_s:.1f} s"),
            ("regions, and tries to decode them", f"{self.regions} and {self.tries}"),
            ("processor time", f"{self.processor_s:.1f} s"),
            ("real-time factor", f"{self.whole_s / said.seconds:.2f}"),
            ("to the first segments", f"{self.first_s:.1f} s"),
            ("word error rate", f"{wrong:.2f}"),
            ("peak memory", f"{self.peak_mib:.0f} MiB"),
            ("to load", f"{self.load_s:.1f} s"),
        ]


def _apart(engine: EngineName, checkpoint: Path, said: Spoken) -> Answer | None:
    """What the engine's own process measured; None when it took longer than it may."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_hear, args=(theirs, engine, checkpoint, said.samples), daemon=True)
    process.start()
    theirs.close()
    until = time.monotonic() + LONGEST_S
    try:
        while ours.poll(max(0.0, until - time.monotonic())):
            told = ours.recv()
            if isinstance(told, Answer):
                return told
            print(f"{checkpoint.stem}, {engine}: {told}", file=sys.stderr, flush=True)
        return None
    except EOFError:
        raise RuntimeError(f"{engine} died with {checkpoint.stem}") from None
    finally:
        process.kill()
        process.join()


def _hear(pipe: Connection, engine: EngineName, checkpoint: Path, samples: NDArray[np.float32]) -> None:
    os.environ["OMP_NUM_THREADS"] = str(THREADS)
    from services.voicemail import audio, engines, models
    from services.voicemail.hearing import Recogniser
    from services.voicemail.vocabulary import Vocabulary

    telephone = audio.decode(synthesis.ulaw(samples), hint="ulaw", rate=RATE)
    started = time.perf_counter()
    decoder = _Timed(engines.load(models.resolve(str(checkpoint), None, engine), THREADS))
    load_s = time.perf_counter() - started
    started, processor = time.perf_counter(), _processor_s()
    first: list[float] = []

    def so_far(segments: Sequence[Segment]) -> None:
        first.append(time.perf_counter() - started)
        pipe.send(f"{segments[-1]['end']:.0f} s of {len(telephone) / RATE:.0f} s in {first[-1]:.1f} s")

    heard = Recogniser(decoder, Vocabulary()).hear(telephone, ["en", LANGUAGE], so_far)
    whole_s = time.perf_counter() - started
    pipe.send(
        Answer(
            load_s, sum(decoder.looks), sum(decoder.decodes), whole_s, _processor_s() - processor,
            first[0] if first else whole_s, _peak_mib(), len(decoder.looks), len(decoder.decodes), heard.text,
        )
    )  # fmt: skip


class _Timed:
    """A Decoder that notes how long each call took."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self.looks: list[float] = []
        self.decodes: list[float] = []

    @property
    def model(self) -> Model:
        return self._decoder.model

    @property
    def options(self) -> Mapping[str, Any]:
        return self._decoder.options

    @property
    def looks_ahead(self) -> bool:
        return self._decoder.looks_ahead

    def look(self, samples: NDArray[np.float32]) -> Look:
        with _timed(self.looks):
            return self._decoder.look(samples)

    def decode(self, look: Look, language: str, prompt: str = "") -> list[Segment]:
        with _timed(self.decodes):
            return self._decoder.decode(look, language, prompt)


@contextmanager
def _timed(seconds: list[float]) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds.append(time.perf_counter() - started)


def _processor_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak_mib() -> float:
    """Of this process alone: getrusage would answer with its parent's, from which it was forked."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024
