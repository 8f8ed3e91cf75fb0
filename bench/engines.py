"""Both speech engines on the same weights and the same call: how fast, in how much memory, how soon the first words.

The weights are random, in the shapes of `base` and `small`: speed depends on shapes, not on values. Random
weights would babble to the end of every window, or stop at once, so the same number of tokens is decoded everywhere:
end-of-text and timestamps are kept from being chosen, and a decoding ends after TOKENS_PER_S tokens for each second of
sound, which is what people who speak briskly (three words a second) amount to. Beam search, word times and one try, as
in the service; a second and third try would say something of the noise, not of the engine. openai-whisper encodes each
region three times, for its language, its words and their times; faster-whisper's weights are encoded once.
"""

import asyncio
import multiprocessing
import os
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from bench.figures import Figures
from local.speech import synthesis
from services.voicemail.engine import RATE
from services.voicemail.models import EngineName

TOKENS_PER_S = 4.5  # English at 180 words a minute, with punctuation and two times to a sentence
SHAPES = {"base": (512, 8, 6), "small": (768, 12, 12)}  # width, heads, layers of each half
ENGINES: tuple[EngineName, ...] = ("openai-whisper", "faster-whisper")
THREADS = 2
REGION_S = 15.0
LONGEST_S = 400.0  # for one engine with one model: on a busy machine the reference engine may take very long


async def measure(seconds: int) -> Figures:
    return await asyncio.to_thread(_measure, seconds)


def _measure(seconds: int) -> Figures:
    figures = Figures(
        "Speech engines",
        f"A call of {seconds} s without pauses, {THREADS} threads; random weights in the shapes of Whisper's models, "
        f"{TOKENS_PER_S} tokens decoded for each second of sound with both engines (see bench/engines.py). Each engine "
        "in a process of its own; memory is that process's peak, libraries included.",
    )
    samples = _call(seconds)
    with tempfile.TemporaryDirectory() as folder:
        for shape in SHAPES:
            checkpoint = _checkpoint(Path(folder), shape)
            took: dict[str, float] = {}
            for engine in ENGINES:
                answer = _apart(engine, checkpoint, samples)
                aim = "under 20 s" if (shape, engine, seconds) == ("small", "faster-whisper", 60) else ""
                if answer is None:
                    figures.add(f"{shape}, {engine}: the whole call", f"not within {LONGEST_S:.0f} s", aim)
                    continue
                took[engine] = whole_s = answer["look_s"] + answer["decode_s"]
                figures.add(f"{shape}, {engine}: the whole call", f"{whole_s:.1f} s", aim)
                figures.add(f"{shape}, {engine}: of it, to hear the language", f"{answer['look_s']:.1f} s")
                figures.add(f"{shape}, {engine}: of it, to write the words", f"{answer['decode_s']:.1f} s")
                figures.add(f"{shape}, {engine}: real-time factor", f"{whole_s / seconds:.2f}")
                figures.add(f"{shape}, {engine}: to the first segment", f"{answer['first_s']:.1f} s")
                figures.add(f"{shape}, {engine}: peak memory", f"{answer['peak_mib']:.0f} MiB")
                figures.add(f"{shape}, {engine}: to load", f"{answer['load_s']:.1f} s")
            if len(took) == len(ENGINES):
                share = took["faster-whisper"] / took["openai-whisper"]
                figures.add(
                    f"{shape}: faster-whisper's share of openai-whisper's time", f"{100 * share:.0f} %", "25 % at most"
                )
    return figures


def _call(seconds: int) -> Any:
    said = synthesis.message(["I am calling about my energy bill."], "en", gap_s=0.2)
    return np.resize(said, seconds * RATE).astype(np.float32)


def _checkpoint(folder: Path, shape: str) -> Path:
    """Random weights as openai-whisper stores them, half precision like the published ones, and converted."""
    import torch
    from whisper.model import ModelDimensions, Whisper

    from services.voicemail.convert import convert

    width, heads, layers = SHAPES[shape]
    dims = ModelDimensions(80, 1500, width, heads, layers, 51865, 448, width, heads, layers)
    torch.manual_seed(0)
    net = Whisper(dims)
    with torch.no_grad():
        for name, values in net.named_parameters():
            if values.dim() > 1 or "positional" in name:
                values.normal_(0, 0.02)
    path = folder / f"{shape}.pt"
    torch.save({"dims": vars(dims), "model_state_dict": net.half().state_dict()}, path)
    convert(path)
    return path


def _apart(engine: EngineName, checkpoint: Path, samples: Any) -> dict[str, float] | None:
    """What the engine's own process measured; None when it took longer than it may."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_hear, args=(theirs, engine, checkpoint, samples), daemon=True)
    process.start()
    theirs.close()
    until = time.monotonic() + LONGEST_S
    try:
        while ours.poll(max(0.0, until - time.monotonic())):
            told = ours.recv()
            if isinstance(told, dict):
                return told
            print(f"{checkpoint.stem}, {engine}: {told}", file=sys.stderr, flush=True)
        return None
    except EOFError:
        raise RuntimeError(f"{engine} died with {checkpoint.stem}") from None
    finally:
        process.kill()
        process.join()


def _hear(pipe: Connection, engine: EngineName, checkpoint: Path, samples: Any) -> None:
    os.environ["OMP_NUM_THREADS"] = str(THREADS)
    from services.voicemail import engines, models

    file = models.resolve(str(checkpoint), None, engine)
    _same_length(engine)
    started = time.perf_counter()
    decoder = engines.load(file, THREADS)
    load_s = time.perf_counter() - started
    look_s = decode_s = first_s = 0.0
    for at in range(0, len(samples), int(REGION_S * RATE)):
        started = time.perf_counter()
        look = decoder.look(samples[at : at + int(REGION_S * RATE)])
        looked = time.perf_counter()
        segments = decoder.decode(look, "en")
        decoded = time.perf_counter()
        assert segments, "nothing was decoded"
        look_s, decode_s = look_s + looked - started, decode_s + decoded - looked
        first_s = first_s or look_s + decode_s
        pipe.send(f"{at / RATE + REGION_S:.0f} s of {len(samples) / RATE:.0f} s in {look_s + decode_s:.1f} s")
    answer = {"load_s": load_s, "look_s": look_s, "decode_s": decode_s, "first_s": first_s, "peak_mib": _peak_mib()}
    pipe.send(answer)


def _peak_mib() -> float:
    """Of this process alone: getrusage would answer with its parent's, from which it was forked."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def _same_length(engine: EngineName) -> None:
    """One try of a fixed number of text tokens; everything else as the service decodes."""
    from services.voicemail.engines import contract

    tokens = int(TOKENS_PER_S * REGION_S)
    off = {"temperature": (0.0,), "compression_ratio_threshold": None, "logprob_threshold": None,
           "no_speech_threshold": None}  # fmt: skip
    contract.OPTIONS.update(off)
    from whisper.tokenizer import get_tokenizer

    eot = get_tokenizer(True).eot
    if engine == "openai-whisper":
        # -1 adds the usual ones; without timestamps a region is one segment, of all of its tokens.
        contract.OPTIONS.update({"sample_len": tokens, "suppress_tokens": [-1, eot], "without_timestamps": True})
        return
    from services.voicemail.engines import faster

    faster._OPTIONS.update(
        {
            "temperature": [0.0], "compression_ratio_threshold": None, "log_prob_threshold": None,
            "no_speech_threshold": None, "max_new_tokens": tokens, "suppress_tokens": [-1, eot],
            "without_timestamps": True,
        }
    )  # fmt: skip
