"""The process that hears: loads the model, says so, and answers one recording after the other.

A process of its own, where a model may take its memory and its time, and die of them.
"""

import functools
import os
import signal
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from services.voicemail import engines
from services.voicemail.engine import Segment
from services.voicemail.engines import ModelFile
from services.voicemail.hearing import Recogniser
from services.voicemail.vocabulary import Vocabulary


def serve(pipe: Connection, file: ModelFile, threads: int, vocabulary: Vocabulary) -> None:
    """Until the pipe closes. Says `ready`, then `so_far`… and `heard` or `failed` for each request."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; our parent stops us
    os.nice(5)  # a caller at the web door goes first
    _first_to_go()
    try:
        recogniser = Recogniser(engines.load(file, threads), vocabulary)
    except Exception as error:  # damaged, too large for the memory: the parent tells whoever can act
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


def _first_to_go() -> None:
    """When memory runs out, the kernel ends this process and not the one that keeps the queue."""
    with suppress(OSError):  # not Linux, or not allowed: then it is the kernel's guess
        Path("/proc/self/oom_score_adj").write_text("500")
