"""`centralita-models`: fetch, convert, verify and list the speech models of this machine."""

import argparse
import sys
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from services.voicemail import models
from services.voicemail.convert import QUANTIZATION, convert
from services.voicemail.models import NoModel

_MIB = 2**20


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="centralita-models", description=__doc__)
    parser.add_argument(
        "--dir",
        type=Path,
        default=None,
        help="where models are kept; else CENTRALITA_WHISPER_MODEL_DIR, else the cache",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="what is here, and which official models there are")
    fetch = commands.add_parser("fetch", help="fetch an official model, verify it, and convert it for faster-whisper")
    fetch.add_argument("name")
    fetch.add_argument("--no-convert", action="store_true", help="only for openai-whisper")
    change = commands.add_parser("convert", help="convert a checkpoint of openai-whisper for faster-whisper")
    change.add_argument("model", help="a name in the directory, or a path")
    change.add_argument("--to", type=Path, default=None, help="the folder; else beside the checkpoint, with -ct2")
    change.add_argument("--quantization", default=QUANTIZATION, choices=("int8", "int8_float32", "float32"))
    verify = commands.add_parser("verify", help="compare checksums; all models, or one")
    verify.add_argument("model", nargs="?", help="a name in the directory, or a path")
    given = parser.parse_args(arguments)
    directory = models.directory_of(given.dir or _set_directory())
    try:
        if given.command == "list":
            _list(directory)
        elif given.command == "fetch":
            path = models.fetch(given.name, directory, _progress)
            _say(f"{path}: fetched and verified.")
            if not given.no_convert:
                _say(f"{convert(path)}: converted.")
        elif given.command == "convert":
            file = models.resolve(given.model, directory, "openai-whisper")
            _say(f"{convert(file.path, given.to, given.quantization)}: converted.")
        else:
            return _verify(directory, given.model)
    except NoModel as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _set_directory() -> Path | None:
    """As the service's settings say, of which nothing else is needed here: no database, no keys."""
    return _Directory().whisper_model_dir


class _Directory(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="CENTRALITA_", env_file=".env", extra="ignore")

    whisper_model_dir: Path | None = None


def _list(directory: Path) -> None:
    _say(f"In {directory}:")
    for file in models.present(directory):
        made_from = models.manifest(file.path).get("source_sha256", "") if file.path.is_dir() else ""
        _say(f"  {file.name:<12} {file.engine:<15} {_size(file.path):>6} MiB  {file.path}")
        if made_from:
            _say(f"  {'':<12} converted from the checkpoint with SHA-256 {made_from}")
    _say(f"Official: {', '.join(models.official())}.")


def _verify(directory: Path, model: str | None) -> int:
    if model is None:
        files = models.present(directory)
    else:
        files = [models.resolve(model, directory, engine) for engine in _engines_of(model, directory)]
    failed = 0
    for file in files:
        try:
            _say(f"{file.path}: {models.verify(file)}")
        except NoModel as error:
            failed = 1
            sys.stderr.write(f"{error}\n")
    return failed


def _engines_of(model: str, directory: Path) -> list[models.EngineName]:
    """In which forms the model is here. Raises NoModel when in none."""
    found: list[models.EngineName] = []
    engines: tuple[models.EngineName, ...] = ("openai-whisper", "faster-whisper")
    for engine in engines:
        try:
            models.resolve(model, directory, engine)
        except NoModel:
            continue
        found.append(engine)
    if not found:
        models.resolve(model, directory)
    return found


def _size(path: Path) -> int:
    files = path.iterdir() if path.is_dir() else [path]
    return round(sum(file.stat().st_size for file in files) / _MIB)


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        of = f" of {total // _MIB}" if total else ""
        sys.stderr.write(f"\r{done // _MIB}{of} MiB")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
