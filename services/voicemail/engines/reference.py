"""openai-whisper: the reference engine, as its authors wrote it."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from services.voicemail.engine import Model, Segment
from services.voicemail.engines.contract import OPTIONS, Look, segment
from services.voicemail.models import ModelFile, sha256_of

if TYPE_CHECKING:
    from whisper.model import Whisper


class OpenaiWhisper:
    """A Decoder over a checkpoint in openai-whisper's own format."""

    def __init__(self, file: ModelFile, threads: int) -> None:
        import torch
        import whisper

        torch.set_num_threads(threads)
        self._torch, self._whisper = torch, whisper
        self._net: Whisper = whisper.load_model(str(file.path))
        if file.name in whisper._ALIGNMENT_HEADS:  # a path tells Whisper nothing about word alignment
            self._net.set_alignment_heads(whisper._ALIGNMENT_HEADS[file.name])
        whisper.timing.dtw(torch.zeros(2, 2))  # compiled at its first use: now, and not while a caller waits
        self._model = Model("openai-whisper", file.name, sha256_of(file.path))

    @property
    def model(self) -> Model:
        return self._model

    @property
    def options(self) -> Mapping[str, Any]:
        return {"engine_version": version("openai-whisper"), "precision": "float32", **_jsonable(OPTIONS)}

    @property
    def looks_ahead(self) -> bool:
        return False  # torch gives each operation all threads

    def look(self, samples: NDArray[np.float32]) -> Look:
        if not self._net.is_multilingual:
            return Look({}, samples, None)
        mel = self._whisper.log_mel_spectrogram(self._whisper.pad_or_trim(samples), n_mels=self._net.dims.n_mels)
        _, probabilities = self._net.detect_language(mel.to(self._net.device))
        return Look(probabilities, samples, None)

    def decode(self, look: Look, language: str, prompt: str = "") -> list[Segment]:
        # The second and third try draw by chance; the same recording gives the same text.
        self._torch.manual_seed(0)
        result = self._net.transcribe(
            look.samples,
            language=language,
            initial_prompt=prompt or None,
            verbose=None,
            fp16=self._net.device.type != "cpu",
            **OPTIONS,
        )
        return [segment(raw, language) for raw in result["segments"]]


def _jsonable(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in options.items()}
