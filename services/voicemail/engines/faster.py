"""faster-whisper: the same weights in 8-bit integers on CTranslate2, several times as fast on a processor."""

import dataclasses
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.audio import pad_or_trim
from numpy.typing import NDArray

from services.voicemail.engine import Model, Segment
from services.voicemail.engines.contract import OPTIONS, Look, segment
from services.voicemail.models import WEIGHTS, ModelFile, sha256_of

COMPUTE_TYPE = "int8"
# The library's names for our options.
_OPTIONS: dict[str, Any] = {
    "beam_size": OPTIONS["beam_size"],
    "temperature": list(OPTIONS["temperature"]),
    "compression_ratio_threshold": OPTIONS["compression_ratio_threshold"],
    "log_prob_threshold": OPTIONS["logprob_threshold"],
    "no_speech_threshold": OPTIONS["no_speech_threshold"],
    "condition_on_previous_text": OPTIONS["condition_on_previous_text"],
    "word_timestamps": OPTIONS["word_timestamps"],
}


class _EncodesOnce(WhisperModel):  # type: ignore[misc]
    """The library encodes what it decodes; to hear the language we have encoded it already."""

    encoded: Any = None

    def encode(self, features: NDArray[np.float32]) -> Any:
        encoded, self.encoded = self.encoded, None
        return super().encode(features) if encoded is None else encoded


class FasterWhisper:
    """A Decoder over a folder in CTranslate2's format. Each region is encoded once: for its language and its words."""

    def __init__(self, file: ModelFile, threads: int) -> None:
        # Two at half the threads, one encoding the next region while the other writes: the steps of a decoding are too
        # small to gain by a second thread. They share the weights.
        self._workers = min(2, threads)
        self._net = _EncodesOnce(
            str(file.path),
            device="cpu",
            compute_type=COMPUTE_TYPE,
            cpu_threads=-(-threads // self._workers),
            num_workers=self._workers,
            local_files_only=True,
        )
        self._model = Model("faster-whisper", file.name, sha256_of(file.path / WEIGHTS))

    @property
    def model(self) -> Model:
        return self._model

    @property
    def options(self) -> Mapping[str, Any]:
        return {
            "engine_version": f"{version('faster-whisper')} on ctranslate2 {version('ctranslate2')}",
            "precision": self._net.model.compute_type,
            **{key: list(value) if isinstance(value, tuple) else value for key, value in OPTIONS.items()},
        }

    @property
    def looks_ahead(self) -> bool:
        return self._workers > 1

    def look(self, samples: NDArray[np.float32]) -> Look:
        features = self._net.feature_extractor(samples)
        encoded = WhisperModel.encode(
            self._net, pad_or_trim(features[..., :-1])
        )  # not what a `decode` is about to take
        if not self._net.model.is_multilingual:
            return Look({}, samples, encoded)
        found = self._net.model.detect_language(encoded)[0]
        return Look({token[2:-2]: float(value) for token, value in found}, samples, encoded)

    def decode(self, look: Look, language: str, prompt: str = "") -> list[Segment]:
        # A second and third try draw by chance, and CTranslate2 seeds each of its threads but once (its issue 1757):
        # they may come out otherwise another time. Their temperature is kept with them.
        self._net.encoded = look.encoded
        found, _ = self._net.transcribe(
            look.samples, language=language, task=OPTIONS["task"], initial_prompt=prompt or None, **_OPTIONS
        )
        segments = [segment(dataclasses.asdict(each), language) for each in found]
        self._net.encoded = None
        return segments
