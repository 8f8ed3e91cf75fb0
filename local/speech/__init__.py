"""A tiny genuine Whisper checkpoint that knows a few dozen customer sentences as espeak-ng speaks them.

The demo transcribes with it and the tests prove the real code on real audio with it; a customer center uses real
weights. What it knows is in `phrases.py`, its voice in `synthesis.py`; how it was trained is in `tests/speech`.
"""

import gzip
import os
import shutil
import tempfile
from pathlib import Path

PACKED = Path(__file__).with_name("whisper-espeak-tiny.pt.gz")
NAME = PACKED.name.removesuffix(".gz")


def checkpoint(directory: Path) -> Path:
    """Unpack the checkpoint into the directory (once) and return its path, for `Settings.whisper_model`."""
    target = directory / NAME
    if target.exists():
        return target
    directory.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=directory, prefix=f".{NAME}-")
    # Several processes may unpack at once: each writes its own file and renames it into place, whole.
    with gzip.open(PACKED) as packed, os.fdopen(descriptor, "wb") as unpacked:
        shutil.copyfileobj(packed, unpacked)
    Path(temporary).replace(target)
    return target
