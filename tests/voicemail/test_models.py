"""Model files: what a setting stands for, and what the command says when something is missing, damaged or away."""

import functools
import shutil
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from services.voicemail import models, models_command
from services.voicemail.models import ModelFile, NoModel

WRONG = "0" * 64


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def folder(tmp_path: Path, checkpoint: Path) -> Path:
    """A directory with `tiny` in both forms."""
    shutil.copy(checkpoint, tmp_path / "mine.pt")
    converted = checkpoint.with_name(checkpoint.stem + models.FOLDER_SUFFIX)
    shutil.copytree(converted, tmp_path / "mine-ct2")
    return tmp_path


def test_a_model_goes_by_name_by_path_and_by_folder(folder: Path) -> None:
    fast = ModelFile("faster-whisper", "mine", folder / "mine-ct2")
    assert models.resolve("mine", folder) == fast
    assert models.resolve(str(folder / "mine.pt"), None) == fast
    assert models.resolve(str(folder / "mine-ct2"), None) == fast
    reference = ModelFile("openai-whisper", "mine", folder / "mine.pt")
    assert models.resolve("mine", folder, "openai-whisper") == reference
    shutil.rmtree(folder / "mine-ct2")
    assert models.resolve("mine", folder) == reference


def test_what_is_not_there_says_what_to_do(folder: Path) -> None:
    with pytest.raises(NoModel, match=r"small\.pt\. `centralita-models fetch small`"):
        models.resolve("small", folder)
    with pytest.raises(NoModel, match="holds a model for faster-whisper"):
        models.resolve(str(folder / "mine-ct2"), None, "openai-whisper")
    shutil.rmtree(folder / "mine-ct2")
    with pytest.raises(NoModel, match="`centralita-models convert"):
        models.resolve("mine", folder, "faster-whisper")


def test_the_command_lists_and_verifies_and_finds_damage(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert models_command.main(["--dir", str(folder), "list"]) == 0
    listed = capsys.readouterr().out
    assert "openai-whisper" in listed
    assert models.manifest(folder / "mine-ct2")["source_sha256"] in listed
    assert models_command.main(["--dir", str(folder), "verify"]) == 0
    (folder / "mine-ct2" / "tokenizer.json").write_text("{}")
    assert models_command.main(["--dir", str(folder), "verify", "mine"]) == 1
    assert "not as it was converted" in capsys.readouterr().err
    (folder / "small.pt").write_bytes(b"not the official one")
    assert models_command.main(["--dir", str(folder), "verify", "small"]) == 1
    assert "is not the official model small" in capsys.readouterr().err
    assert models_command.main(["--dir", str(folder), "convert", "small"]) == 1
    assert "is not a checkpoint" in capsys.readouterr().err


@pytest.fixture
def published(tmp_path: Path, checkpoint: Path) -> Iterator[str]:
    """The address at which the checkpoint can be fetched as <its SHA-256>/mine.pt, and under a wrong one."""
    for sha in (models.sha256_of(checkpoint), WRONG):
        (tmp_path / "published" / sha).mkdir(parents=True)
        shutil.copy(checkpoint, tmp_path / "published" / sha / "mine.pt")
    handler = functools.partial(Quiet, directory=str(tmp_path / "published"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.05,))
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join(10)


def test_what_is_fetched_is_verified_and_converted(
    tmp_path: Path,
    checkpoint: Path,
    published: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sha, here = models.sha256_of(checkpoint), tmp_path / "models"
    monkeypatch.setattr(models, "official", lambda: {"mine": f"{published}/{WRONG}/mine.pt"})
    assert models_command.main(["--dir", str(here), "fetch", "mine"]) == 1
    assert f"damaged: its SHA-256 is {sha}" in capsys.readouterr().err
    assert list(here.iterdir()) == []
    monkeypatch.setattr(models, "official", lambda: {"mine": f"{published}/{sha}/mine.pt"})
    assert models_command.main(["--dir", str(here), "fetch", "mine"]) == 0
    assert models.resolve("mine", here) == ModelFile("faster-whisper", "mine", here / "mine-ct2")
    assert sorted(path.name for path in here.iterdir()) == ["mine-ct2", "mine.pt"]
    assert models_command.main(["--dir", str(here), "verify", "mine"]) == 0


def test_without_a_network_nothing_half_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(models, "official", lambda: {"small": f"http://127.0.0.1:1/{WRONG}/small.pt"})
    assert models_command.main(["--dir", str(tmp_path), "fetch", "small"]) == 1
    said = capsys.readouterr().err
    assert "cannot be fetched" in said
    assert str(tmp_path / "small.pt") in said  # where to put what another machine fetched
    assert list(tmp_path.iterdir()) == []
    assert models_command.main(["--dir", str(tmp_path), "fetch", "huge"]) == 1
    assert "no official model huge" in capsys.readouterr().err
