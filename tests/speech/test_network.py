"""The scripts that make the checkpoint: stock Whisper loads it, and it learns from what a window really holds."""

import json
import random
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch
import whisper

from local import speech
from local.speech.phrases import GROUPINGS, NUMBER, PHRASES, combined, random_number
from tests.speech import examples, nonspeech
from tests.speech.corpus import Clip, Corpus, number_pauses, word_times
from tests.speech.espeak import Word as Event
from tests.speech.examples import (
    ORDER,
    RATE,
    Example,
    Spoken,
    Word,
    babble,
    groups_of,
    kinds_of,
    of_another,
    over_something,
    window,
)
from tests.speech.network import (
    DECODER_LAYERS,
    FULL_VOCABULARY,
    GUIDED,
    IGNORED,
    WIDTH,
    SmallWhisper,
    Target,
    Vocabulary,
    target,
)
from tests.speech.train import Training

# The tokenizer of openai-whisper leaves its vocabulary file open.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")


def vocabulary() -> Vocabulary:
    chance = random.Random(1)
    texts = [text for kinds in PHRASES.values() for kind, each in kinds.items() if kind != NUMBER for text in each]
    texts += [random_number(chance, language, GROUPINGS)[0] for language in PHRASES for _ in range(100)]
    texts += [
        text for language in PHRASES for held_out in (False, True)
        for each in combined(language, held_out=held_out).values() for text in each
    ]  # fmt: skip
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
    again = SmallWhisper(words)
    again.load(tmp_path / "full.pt")  # what is trained further is what was exported
    assert all(
        torch.equal(one, other)
        for one, other in zip(small.whisper.parameters(), again.whisper.parameters(), strict=True)
    )
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


def test_sentences_kept_for_measuring_are_of_known_words_and_not_trained_on() -> None:
    for language in PHRASES:
        trained, kept = combined(language, held_out=False), combined(language, held_out=True)
        for kind, texts in kept.items():
            assert len(texts) >= 10
            assert not set(texts) & {*trained[kind], *PHRASES[language][kind]}


def test_words_that_are_said_as_one_lie_between_their_neighbours() -> None:
    pieces = ["I", "am", "P G and E", "bill."]
    events = [Event(0, 1, 0), Event(5, 1, 4000), Event(7, 1, 6000), Event(15, 4, 12_000), Event(20, 0, 15_000)]
    assert word_times(pieces, events, 16_000) == (0.0, 0.125, 0.25, 0.75)


def test_another_speaker_says_the_same_higher_and_faster() -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)
    said, slower = of_another(tone, 1.1)
    assert slower == pytest.approx(1 / 1.1, abs=0.03)
    assert len(said) == round(slower * RATE)
    loudest = np.abs(np.fft.rfft(said)).argmax() * RATE / len(said)
    assert loudest == pytest.approx(440 / slower, abs=2)
    assert np.abs(said).max() == pytest.approx(1.0, abs=0.05)
    assert of_another(tone, 1.0) == (tone, 1.0)


def test_a_number_is_parted_where_its_speaker_pauses() -> None:
    samples = np.ones(3 * RATE, np.float32)
    samples[int(1.3 * RATE) : int(1.5 * RATE)] = 0  # after «zero,»; after «two,» there is no pause
    pieces, times = ["at", "seven", "zero,", "two,", "six"], (0.0, 0.5, 1.0, 1.5, 2.0)
    pauses = number_pauses(pieces, times, samples)
    assert pauses == ((3, 1.3),)
    words = tuple(Word(text, 5 + at, 5 + at + 0.5) for text, at in zip(["at", "7", "0", "2", "6"], times, strict=True))
    first, second = groups_of(words, pauses, 5.0, 7.5)
    assert (first.text, first.start, first.end) == ("at 7 0", 5.0, 6.3)
    assert (second.text, second.start, second.end) == ("2 6", 6.5, 7.5)


def test_a_short_window_may_lie_anywhere_in_the_half_minute() -> None:
    words = vocabulary()
    network = SmallWhisper(words).eval()
    mel = torch.randn(2, 80, 200)
    with torch.no_grad():
        placed = network.encode(mel, torch.tensor([0, 400]))
        assert torch.allclose(placed[0], network.encode(mel[:1])[0], atol=1e-5)
        assert not torch.allclose(placed[1], network.encode(mel[1:])[0], atol=1e-2)
    example = Example(np.zeros(4 * RATE, np.float32), "en", (sentence(1, 3),))
    now, later = (target(words, random.Random(3), example, late_s) for late_s in (0.0, 8.0))
    assert words.time(3.0) in now.answers
    assert words.time(11.0) in later.answers
    assert now.when == later.when  # of the window's own frames


def sentence(start: float, end: float) -> Spoken:
    """Five words, one after the other."""
    at = np.linspace(start, end, 6)
    return Spoken(tuple(Word("bill.", float(at[i]), float(at[i + 1])) for i in range(5)), start, end)


def test_a_window_ends_as_whisper_or_the_product_ends_it() -> None:
    samples = np.zeros(40 * RATE, np.float32)
    told = [sentence(5 * i, 5 * i + 4) for i in range(5)] + [sentence(27, 33), sentence(34, 39)]
    ends = set()
    for seed in range(200):
        piece, kept = window(random.Random(seed), samples, told)
        assert 1 < len(piece) / RATE <= 30
        whole, last = kept[:-1], kept[-1]
        assert all(each.end is not None for each in whole)
        words = [word for each in whole for word in each.words]
        assert all(word.start > -0.06 and word.end < len(piece) / RATE + 0.06 for word in words)
        ends.add("open" if last.end is None else "cut" if len(last.words) < 5 else "whole")
        if last.end is None:
            assert len(piece) == 30 * RATE
    assert ends == {"open", "cut", "whole"}


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    """One voice that says one word, for two seconds, whatever the kind of sentence."""
    samples = np.full(2 * RATE, 10_000, np.int16)
    clips = [Clip("en", "a voice", kind, "bill.", 0, len(samples), (0.0,)) for kind in ORDER]
    np.save(tmp_path / "corpus.npy", samples)
    (tmp_path / "corpus.json").write_text(json.dumps([vars(clip) for clip in clips]))
    return Corpus(tmp_path / "corpus")


def test_what_goes_on_behind_the_caller_is_quieter_than_the_caller(corpus: Corpus) -> None:
    caller = np.sin(np.arange(RATE, dtype=np.float32))
    for seed in range(20):
        behind = over_something(corpus, random.Random(seed), caller) - caller
        quieter = 10 * np.log10(np.mean(behind**2) / np.mean(caller**2))
        assert -37 < quieter < -7


def test_several_people_speak_at_once_behind_the_caller_all_the_time(corpus: Corpus) -> None:
    for seed in range(5):
        at_once = babble(corpus, random.Random(seed), 8 * RATE) / np.float32(10_000 / 32_768)
        assert len(at_once) == 8 * RATE
        assert 3 < at_once.max() < 7.5
        assert (at_once > 0).all()


def test_the_telephone_carries_what_goes_on_behind_the_caller(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    telephone = Mock(side_effect=np.ones_like)
    monkeypatch.setattr(examples, "telephone", telephone)
    chance = random.Random(1)
    made = [examples.make(corpus, chance, (1,), latest_s=0, nobody=0) for _ in range(40)]
    # Nothing is laid over what came by telephone.
    assert sum(bool((each.samples == 1).all()) for each in made) == telephone.call_count > 5


def test_what_goes_on_after_the_window_is_left_to_the_next_one() -> None:
    words = vocabulary()
    example = Example(np.zeros(30 * RATE, np.float32), "en", (sentence(1, 4), Spoken((), 28.0, None)))
    for seed in range(20):
        made = target(words, random.Random(seed), example)
        if words(words.tokenizer.no_timestamps) not in made.given and len(made.given) < 20:  # nor with a prompt
            assert made.answers[-3:] == [words.time(4.0), words.time(28.0), words(words.tokenizer.eot)]
            assert made.when[-3:-1] == [(3.9, 4.1), (27.9, 28.1)]
            return
    raise AssertionError("no example with timestamps")


def test_of_a_sentence_that_only_begins_nothing_is_said_before_the_recording() -> None:
    words = vocabulary()
    example = Example(np.zeros(30 * RATE, np.float32), "en", (Spoken((), 28.0, None),))
    prompted = [target(words, random.Random(seed), example).given for seed in range(40)]
    assert any(given[0] == words(words.tokenizer.sot_prev) for given in prompted)


def test_guidance_is_low_where_the_words_are_said() -> None:
    network = SmallWhisper(vocabulary())
    made = Target([0, 1, 2], [1, 2, IGNORED], [None, (10.0, 10.5), None], [])
    asked = [torch.zeros(1, 3, WIDTH, requires_grad=True) for _ in range(DECODER_LAYERS)]
    offered = [torch.zeros(1, 1500, WIDTH) for _ in range(DECODER_LAYERS)]
    everywhere = network.guidance([each for pair in zip(asked, offered, strict=True) for each in pair], [made])
    for layer, _, back in GUIDED:
        asked[layer].data[0, 1 + back] = 2.0
        offered[layer][0, 500:525] = 2.0
    there = network.guidance([each for pair in zip(asked, offered, strict=True) for each in pair], [made])
    assert there < 0.1 < 3 < everywhere


def test_what_guides_the_decoder_reaches_its_weights() -> None:
    network = SmallWhisper(vocabulary())
    made = Target([0, 1, 2], [1, 2, IGNORED], [None, (10.0, 10.5), None], [])
    with network.listening() as listened:
        network.decode(torch.tensor([made.given]), torch.randn(1, 1500, WIDTH))
        network.guidance(listened, [made]).backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    for block in network.whisper.decoder.blocks:
        assert block.cross_attn.query.weight.grad is not None
        assert block.cross_attn.query.weight.grad.abs().sum() > 0


def test_written_are_weights_between_those_before_and_the_mean_of_those_after(tmp_path: Path) -> None:
    training = Training(Mock(clips=[Mock(text="Good morning.")]), 0, tmp_path / "small.pt")
    training.keep()
    training.onto(tmp_path / "small.state")
    bias = training.network.ctc.bias
    before = bias.detach().clone()
    for step, added in ((1, 1.0), (2, 2.0)):
        with torch.no_grad():
            bias.add_(added)
        training.follow(step)  # they are 1 and 3 away: 2 in the mean
    training.between(0.75)
    training.keep()
    kept = torch.load(tmp_path / "small.state", weights_only=True)["ctc.bias"]
    assert torch.allclose(kept, before + 1.5)
    assert torch.allclose(bias, before + 3.0)  # training goes on from where it was


@pytest.mark.parametrize("kind", nonspeech.KINDS)
def test_every_sound_is_a_sound(kind: str) -> None:
    for seed in range(3):
        samples = nonspeech.KINDS[kind](random.Random(seed), RATE)
        assert samples.shape == (RATE,)
        assert np.isfinite(samples).all()
        assert (kind == "silence") is not bool(samples.any())
