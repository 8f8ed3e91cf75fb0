"""Hears recordings with openai-whisper; runs in a process of its own, where torch may take its memory and its time."""

import functools
import hashlib
import math
import os
import signal
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from services.voicemail import doubt, spoken_language
from services.voicemail.activity import Activity, Span, listen, windows
from services.voicemail.engine import RATE, Heard, Model, Segment
from services.voicemail.spoken_language import HeardWindow, SpokenLanguage

if TYPE_CHECKING:
    from whisper.model import Whisper

DECODE_WINDOW_S = 28.0  # Whisper hears 30 s at a time; our windows end at pauses instead of in a word
LANGUAGE_WINDOW_S = 10.0
MAX_LANGUAGE_WINDOWS = 8
PAD_S = 0.3
# Not `hallucination_silence_threshold`: with loosely aligned words it drops sentences that were spoken (measured with
# our small checkpoint: one in three). Windows that end at pauses and the level within each segment do its work.
OPTIONS: dict[str, Any] = {
    "task": "transcribe",
    "temperature": (0.0, 0.2, 0.4),
    "beam_size": 5,
    "condition_on_previous_text": False,  # one invented sentence must not breed the next
    "word_timestamps": True,
    "compression_ratio_threshold": 2.4,
    "logprob_threshold": -1.0,
    "no_speech_threshold": 0.6,
}


def serve(pipe: Connection, name: str, directory: str | None, threads: int, prompts: dict[str, str]) -> None:
    """The process: load the model, say so, then answer one recording after the other until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; our parent stops us
    os.nice(5)  # a caller at the web door goes first
    try:
        recogniser = Recogniser(name, Path(directory) if directory else None, threads, prompts)
    except Exception as error:  # missing, damaged, too large for the memory: the parent tells whoever can act
        pipe.send(("no_weights", f"{type(error).__name__}: {error}"))
        return
    pipe.send(("ready", recogniser.model))
    while True:
        try:
            samples, languages = pipe.recv()
        except EOFError:
            return
        try:
            so_far = functools.partial(_send_so_far, pipe)
            answer: tuple[str, object] = ("heard", recogniser.hear(samples, languages, so_far))
        except Exception as error:
            answer = ("failed", f"{type(error).__name__}: {error}")
        pipe.send(answer)


def _send_so_far(pipe: Connection, segments: list[Segment]) -> None:
    pipe.send(("so_far", segments))


class Recogniser:
    """A loaded model. `prompts` are vocabulary hints per language."""

    def __init__(self, name: str, directory: Path | None, threads: int, prompts: dict[str, str]) -> None:
        import torch
        import whisper

        torch.set_num_threads(threads)
        self._torch, self._whisper = torch, whisper
        self._prompts = prompts
        # An official name is looked up in the directory, and fetched when it is not there; a path is read as it is.
        self._net: Whisper = whisper.load_model(name, download_root=str(directory) if directory else None)
        official = name in whisper.available_models()
        size = name if official else Path(name).stem
        if not official and size in whisper._ALIGNMENT_HEADS:  # a path tells Whisper nothing about word alignment
            self._net.set_alignment_heads(whisper._ALIGNMENT_HEADS[size])
        file = _official_file(whisper._MODELS[name], directory) if official else Path(name)
        self.model = Model(engine="openai-whisper", name=size, sha256=_sha256(file))

    def hear(
        self,
        samples: NDArray[np.float32],
        languages: Sequence[str],
        so_far: Callable[[list[Segment]], None] = lambda _: None,
    ) -> Heard:
        """Everything a transcript holds. Nothing is decoded where nobody can be speaking."""
        self._torch.manual_seed(0)  # the second and third try draw by chance; the same recording gives the same text
        activity = listen(samples, RATE)
        options = {
            **OPTIONS,
            "temperature": list(OPTIONS["temperature"]),
            "languages": list(languages),
            "prompts": self._prompts,
        }
        if not activity.spans:
            return Heard("", "unknown", 0.0, {"windows": []}, [], [doubt.Flag.NO_SPEECH], options)
        spans = windows(activity, LANGUAGE_WINDOW_S)
        chosen = _evenly(spans, MAX_LANGUAGE_WINDOWS)
        spoken = spoken_language.decide(self._languages(samples, activity, chosen), languages)
        segments: list[Segment] = []
        plan = _decode_plan(activity, chosen, spoken)
        for number, (span, language) in enumerate(plan, 1):
            segments += self._decode(samples, activity, span, language)
            if segments and number < len(plan):
                so_far(segments)
        text = " ".join(segment["text"] for segment in segments if segment["in_text"])
        flags = {flag for segment in segments for flag in segment["flags"]}
        if not text:
            flags.add(doubt.Flag.NO_SPEECH)
        if doubt.is_translated(text, spoken.language):
            flags.add(doubt.Flag.TRANSLATED)
        if not text:  # the voice, if it was one, said nothing that could be read: its language is a guess
            spoken = SpokenLanguage("unknown", 0.0, (), spoken.evidence)
        return Heard(text, spoken.language, spoken.confidence, spoken.evidence, segments, sorted(flags), options)

    def _languages(self, samples: NDArray[np.float32], activity: Activity, spans: Sequence[Span]) -> list[HeardWindow]:
        if not self._net.is_multilingual:
            return []
        heard = []
        for span in spans:
            piece = self._whisper.pad_or_trim(_cut(samples, span))
            mel = self._whisper.log_mel_spectrogram(piece, n_mels=self._net.dims.n_mels).to(self._net.device)
            _, probabilities = self._net.detect_language(mel)
            heard.append(HeardWindow(span, activity.within(span.start, span.end), probabilities))
        return heard

    def _decode(
        self, samples: NDArray[np.float32], activity: Activity, span: Span, language: str
    ) -> list[dict[str, Any]]:
        prompt = self._prompts.get(language, "")
        start = max(0.0, span.start - PAD_S)
        result = self._net.transcribe(
            _cut(samples, Span(start, span.end + PAD_S)),
            language=language,
            initial_prompt=prompt or None,
            verbose=None,
            fp16=self._net.device.type != "cpu",
            **OPTIONS,
        )
        segments = [_segment(raw, start, language) for raw in result["segments"]]
        for segment in segments:
            # Words are timed loosely: half a second around them counts as theirs.
            active_s = activity.within(segment["start"] - 0.5, segment["end"] + 0.5)
            segment["flags"] = doubt.flags_of(segment, active_s=active_s, prompt=prompt)
            segment["in_text"] = bool(segment["text"]) and not doubt.is_invented(segment, active_s=active_s)
        return [segment for segment in segments if segment["text"]]


def _decode_plan(activity: Activity, chosen: Sequence[Span], spoken: SpokenLanguage) -> list[tuple[Span, str]]:
    """What to decode in which language: long windows in one language, the language's own windows when it changes."""
    if not spoken.decode_in:
        return [(span, "en") for span in windows(activity, DECODE_WINDOW_S)]
    if spoken.language != "mixed":
        return [(span, spoken.decode_in[0]) for span in windows(activity, DECODE_WINDOW_S)]
    plan: list[tuple[Span, str]] = []
    for span in windows(activity, LANGUAGE_WINDOW_S):
        nearest = min(range(len(chosen)), key=lambda i: abs(chosen[i].start - span.start))
        language = spoken.decode_in[nearest]
        if plan and plan[-1][1] == language and span.end - plan[-1][0].start <= DECODE_WINDOW_S:
            plan[-1] = (Span(plan[-1][0].start, span.end), language)
        else:
            plan.append((span, language))
    return plan


def _segment(raw: dict[str, Any], offset: float, language: str) -> dict[str, Any]:
    def number(value: float, digits: int, otherwise: float) -> float:
        value = float(value)
        return round(value, digits) if math.isfinite(value) else otherwise

    return {
        "start": round(float(raw["start"]) + offset, 2),
        "end": round(float(raw["end"]) + offset, 2),
        "text": str(raw["text"]).strip(),
        "language": language,
        "words": [
            {
                "word": str(word["word"]).strip(),
                "start": round(float(word["start"]) + offset, 2),
                "end": round(float(word["end"]) + offset, 2),
                "probability": number(word["probability"], 4, 0.0),
            }
            for word in raw.get("words", [])
        ],
        "avg_logprob": number(raw["avg_logprob"], 4, -10.0),
        "no_speech_prob": number(raw["no_speech_prob"], 4, 0.0),
        "compression_ratio": number(raw["compression_ratio"], 4, 0.0),
        "temperature": number(raw["temperature"], 2, 0.0),
        "flags": [],
        "in_text": True,
    }


def _cut(samples: NDArray[np.float32], span: Span) -> NDArray[np.float32]:
    return samples[int(span.start * RATE) : int(span.end * RATE)]


def _evenly(spans: Sequence[Span], most: int) -> list[Span]:
    if len(spans) <= most:
        return list(spans)
    return [spans[round(i * (len(spans) - 1) / (most - 1))] for i in range(most)]


def _official_file(url: str, directory: Path | None) -> Path:
    default = Path(os.getenv("XDG_CACHE_HOME", str(Path.home() / ".cache"))) / "whisper"
    return (directory or default) / Path(url).name


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
