"""The scripts that make the checkpoint make one that stock Whisper loads, and that computes the same probabilities."""

import random
from pathlib import Path

import pytest
import torch
import whisper

from local import speech
from local.speech.phrases import NUMBER, PHRASES, random_number
from tests.speech.examples import ORDER, kinds_of
from tests.speech.network import FULL_VOCABULARY, SmallWhisper, Vocabulary

# The tokenizer of openai-whisper leaves its vocabulary file open.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")


def vocabulary() -> Vocabulary:
    chance = random.Random(1)
    texts = [text for kinds in PHRASES.values() for kind, each in kinds.items() if kind != NUMBER for text in each]
    texts += [random_number(chance, language)[0] for language in PHRASES for _ in range(100)]
    return Vocabulary(texts)


def test_the_shipped_checkpoint_is_whispers_own_format(tmp_path: Path) -> None:
    path = speech.checkpoint(tmp_path)
    assert speech.checkpoint(tmp_path) == path  # unpacked once
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    model = whisper.load_model(str(path), device="cpu")
    assert model.is_multilingual
    assert model.dims.n_audio_ctx == 1500


def test_the_cut_vocabulary_gives_the_probabilities_of_the_full_one(tmp_path: Path) -> None:
    torch.manual_seed(0)
    words = vocabulary()
    assert words.text_count == 270
    small = SmallWhisper(words).half().float().eval()  # rounded as the export rounds
    small.export(tmp_path / "full.pt")
    full = whisper.load_model(str(tmp_path / "full.pt"), device="cpu")
    mel = torch.randn(1, 80, 3000)
    tokens = torch.tensor([[words(words.tokenizer.sot), words.of("<|es|>"), words(words.tokenizer.transcribe)]])
    with torch.no_grad():
        cut = small.decode(tokens, small.encode(mel)).log_softmax(-1)
        whole = full(mel, torch.tensor([[words.kept[token] for token in tokens[0]]])).log_softmax(-1)
    assert torch.allclose(cut[..., : words.other], whole[..., words.kept], atol=1e-3)
    left_out = [token for token in range(1000) if token not in set(words.kept)][:5]
    shared = torch.log(torch.tensor(float(FULL_VOCABULARY - words.other)))
    for token in left_out:
        assert torch.allclose(cut[..., words.other], whole[..., token] + shared, atol=1e-3)


def test_messages_say_what_people_say_in_their_order() -> None:
    chance = random.Random(1)
    for count in range(1, 15):
        kinds = kinds_of(chance, count, with_number=True)
        assert len(kinds) == count
        assert NUMBER in kinds
        assert set(kinds) <= set(ORDER)
