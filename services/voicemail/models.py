"""Model files: what a name, a file or a folder in the settings stands for, and how files are fetched and verified.

Two forms: a checkpoint of openai-whisper (`small.pt`), and the same weights converted for the fast engine (a folder
`small-ct2` beside it, see convert.py). A manifest in the folder says from which checkpoint it was made.
"""

import hashlib
import json
import os
import tempfile
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

EngineName = Literal["openai-whisper", "faster-whisper"]
WEIGHTS = "model.bin"
MANIFEST = "centralita.json"
FOLDER_SUFFIX = "-ct2"
_FETCH_TIMEOUT_S = 60.0
_CHUNK = 1 << 20


class NoModel(Exception):
    """There is no such model, or it cannot be fetched or is damaged; the message says what to do."""


@dataclass(frozen=True)
class ModelFile:
    """A model on this machine: `path` is a checkpoint or, of the fast engine, a folder. `name`: small, base, …"""

    engine: EngineName
    name: str
    path: Path


def directory_of(setting: Path | None) -> Path:
    """Where models are kept: as set, or where openai-whisper keeps them."""
    return setting or Path(os.getenv("XDG_CACHE_HOME", str(Path.home() / ".cache"))) / "whisper"


def resolve(model: str, directory: Path | None, engine: EngineName | None = None) -> ModelFile:
    """What the settings mean, without a look at the network. Raises NoModel.

    A file or folder is taken as it is. A name is looked up in the directory; so is the converted form of a checkpoint.
    Without an engine, the fast one hears if its form is there.
    """
    folder = directory_of(directory)
    path = Path(model) if _is_path(model) else folder / f"{model}.pt"
    if path.suffix == ".pt":
        return _of_checkpoint(model, path, engine)
    weights = path / WEIGHTS
    if not weights.is_file():
        inside = sorted(path.glob("*.pt"))
        if len(inside) == 1:
            return _of_checkpoint(model, inside[0], engine)
        raise NoModel(f"There is no speech model at {path}.")
    if engine == "openai-whisper":
        raise NoModel(f"{path} holds a model for faster-whisper, but CENTRALITA_WHISPER_ENGINE says openai-whisper.")
    return ModelFile("faster-whisper", path.name.removesuffix(FOLDER_SUFFIX), path)


def _of_checkpoint(model: str, path: Path, engine: EngineName | None) -> ModelFile:
    converted = path.with_name(path.stem + FOLDER_SUFFIX)
    if engine != "openai-whisper" and (converted / WEIGHTS).is_file():
        return ModelFile("faster-whisper", path.stem, converted)
    if not path.is_file():
        known = not _is_path(model) and model in official()
        fetch = f" `centralita-models fetch {model}` fetches it." if known else ""
        raise NoModel(f"There is no speech model at {path}.{fetch}")
    if engine == "faster-whisper":
        raise NoModel(f"{path} has to be converted for faster-whisper: `centralita-models convert {path}`.")
    return ModelFile("openai-whisper", path.stem, path)


def _is_path(model: str) -> bool:
    return "/" in model or model.endswith(".pt")


def official() -> dict[str, str]:
    """Name -> address of the checkpoints that the authors of Whisper publish; the address holds the SHA-256."""
    import whisper

    return dict(whisper._MODELS)


def fetch(name: str, directory: Path | None, progress: Callable[[int, int], None] = lambda _done, _all: None) -> Path:
    """Fetch an official checkpoint, verified, whole or not at all. Raises NoModel."""
    url = official().get(name)
    if url is None:
        raise NoModel(f"There is no official model {name}. These are: {', '.join(official())}.")
    folder = directory_of(directory)
    target = folder / f"{name}.pt"
    expected = url.split("/")[-2]
    if target.is_file() and sha256_of(target) == expected:
        return target
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=f".{name}-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            digest = _download(url, file.write, progress)
        if digest != expected:
            raise NoModel(
                f"What was fetched for {name} is damaged: its SHA-256 is {digest}, not {expected}. Try again."
            )
        Path(temporary).replace(target)
    except OSError as error:
        reason = getattr(error, "reason", None) or error
        raise NoModel(
            f"The model {name} cannot be fetched: {reason}. Without a network, fetch {url} on another machine and put "
            f"it at {target}; `centralita-models verify {name}` then says whether it is whole."
        ) from error
    finally:
        Path(temporary).unlink(missing_ok=True)
    return target


def _download(url: str, write: Callable[[bytes], Any], progress: Callable[[int, int], None]) -> str:
    digest = hashlib.sha256()
    done = 0
    with urllib.request.urlopen(url, timeout=_FETCH_TIMEOUT_S) as answer:  # noqa: S310  # only from `official`
        total = int(answer.headers.get("Content-Length") or 0)
        while chunk := answer.read(_CHUNK):
            digest.update(chunk)
            write(chunk)
            done += len(chunk)
            progress(done, total)
    return digest.hexdigest()


def verify(file: ModelFile) -> str:
    """The SHA-256 of its weights, which is the expected one where one is known. Raises NoModel when it is not."""
    if file.engine == "faster-whisper":
        digest = sha256_of(file.path / WEIGHTS)
        for name, expected in manifest(file.path).get("files", {}).items():
            part = file.path / name
            if not part.is_file() or sha256_of(part) != expected:
                raise NoModel(f"{part} is not as it was converted. Convert the checkpoint again.")
        return digest
    digest = sha256_of(file.path)
    url = official().get(file.name)
    if url is not None and url.split("/")[-2] != digest:
        raise NoModel(f"{file.path} is not the official model {file.name}: its SHA-256 is {digest}.")
    return digest


def manifest(folder: Path) -> dict[str, Any]:
    """What conversion wrote about a folder; empty for one that somebody else converted."""
    try:
        found: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError):
        return {}
    return found


def present(directory: Path | None) -> list[ModelFile]:
    """All models in the directory."""
    folder = directory_of(directory)
    found = [ModelFile("openai-whisper", path.stem, path) for path in folder.glob("*.pt")]
    found += [
        ModelFile("faster-whisper", path.parent.name.removesuffix(FOLDER_SUFFIX), path.parent)
        for path in folder.glob(f"*/{WEIGHTS}")
    ]
    return sorted(found, key=lambda file: (file.name, file.engine))


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
