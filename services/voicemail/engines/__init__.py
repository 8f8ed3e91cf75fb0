"""The recognisers behind one contract: openai-whisper, the reference, and faster-whisper, the fast one."""

from services.voicemail.engines.contract import Decoder, Look
from services.voicemail.models import ModelFile

__all__ = ["Decoder", "Look", "ModelFile", "load"]


def load(file: ModelFile, threads: int) -> Decoder:
    """The model, ready to hear. Raises whatever the engine's library raises for files that it cannot load."""
    if file.engine == "faster-whisper":
        from services.voicemail.engines.faster import FasterWhisper

        return FasterWhisper(file, threads)
    from services.voicemail.engines.reference import OpenaiWhisper

    return OpenaiWhisper(file, threads)
