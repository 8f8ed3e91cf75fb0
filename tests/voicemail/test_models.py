"""Model files: what a setting stands for, and what the command says when something is missing, damaged or away."""

import shutil
from pathlib import Path

import pytest

from services.voicemail import models, models_command
from services.voicemail.models import ModelFile, NoModel


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


def test_without_a_network_nothing_half_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sha = "0" * 64
    monkeypatch.setattr(models, "official", lambda: {"small": f"http://127.0.0.1:1/{sha}/small.pt"})
    assert models_command.main(["--dir", str(tmp_path), "fetch", "small"]) == 1
    said = capsys.readouterr().err
    assert "cannot be fetched" in said
    assert str(tmp_path / "small.pt") in said  # where to put what another machine fetched
    assert list(tmp_path.iterdir()) == []
    assert models_command.main(["--dir", str(tmp_path), "fetch", "huge"]) == 1
    assert "no official model huge" in capsys.readouterr().err
