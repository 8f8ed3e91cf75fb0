"""A small Whisper with its vocabulary cut to what occurs, and its export as an ordinary checkpoint."""

import math
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from whisper.audio import log_mel_spectrogram
from whisper.model import ModelDimensions, MultiHeadAttention, Whisper
from whisper.tokenizer import get_tokenizer

from tests.speech.corpus import Corpus
from tests.speech.examples import Example, Spoken

FULL_VOCABULARY = 51_865
WIDTH, HEADS, ENCODER_LAYERS, DECODER_LAYERS = 128, 4, 3, 2
MEL_BANDS, AUDIO_FRAMES, TEXT_TOKENS, TIMESTAMPS = 80, 1500, 448, 1501
IGNORED = -100  # a target that the loss does not count
PROMPT = 0.2
TIMED = 0.75  # of the examples are with timestamps, as transcribe() decodes; word times are found without
FRAMES_PER_S = 50  # of the encoder
GUIDED = ((1, (0, 1, 2), 0), (0, (0, 1), 1))  # decoder layer, its heads, and how many tokens back they should listen


class Vocabulary:
    """The tokens that are kept, under new numbers; all others share one row, `other`."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.tokenizer = get_tokenizer(True, num_languages=99)
        special = self.tokenizer.special_tokens
        text = sorted({token for sentence in set(texts) for token in self.tokenizer.encode(" " + sentence)})
        control = [
            self.tokenizer.eot, self.tokenizer.sot, special["<|en|>"], special["<|es|>"], self.tokenizer.transcribe,
            self.tokenizer.no_speech, self.tokenizer.no_timestamps, self.tokenizer.sot_prev,
        ]  # fmt: skip
        first = self.tokenizer.timestamp_begin
        self.kept = [*text, *control, *range(first, first + TIMESTAMPS)]
        self.text_count = len(text)
        self.other = len(self.kept)
        self._new = {old: new for new, old in enumerate(self.kept)}

    def __call__(self, token: int) -> int:
        return self._new[token]

    def of(self, name: str) -> int:
        return self._new[self.tokenizer.special_tokens[name]]

    def text(self, sentence: str) -> list[int]:
        return [self._new[token] for token in self.tokenizer.encode(" " + sentence)]

    def time(self, seconds: float) -> int:
        return self._new[self.tokenizer.timestamp_begin + round(min(seconds, 29.9) / 0.2) * 10]


@dataclass(frozen=True)
class Target:
    """What the decoder is given, what it should answer, and when (seconds) that is said, where this is known.

    `text` are the words alone, for CTC.
    """

    given: list[int]
    answers: list[int]
    when: list[tuple[float, float] | None]
    text: list[int]


class SmallWhisper(nn.Module):
    """Whisper over the cut vocabulary, with a CTC head that only helps training."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.whisper = Whisper(_dimensions(vocabulary.other + 1))
        for module in self.whisper.modules():
            if isinstance(module, MultiHeadAttention):
                module.qkv_attention = partial(_attention, module.n_head)
        nn.init.normal_(self.whisper.decoder.positional_embedding, std=0.02)
        nn.init.normal_(self.whisper.decoder.token_embedding.weight, std=0.05)
        self.ctc = nn.Linear(WIDTH, vocabulary.text_count + 1)

    def encode(self, mel: Tensor, first: Tensor | None = None) -> Tensor:
        """Like Whisper's encoder, for windows of any length, each at its own `first` frame of the half minute."""
        encoder = self.whisper.encoder
        x = functional.gelu(encoder.conv1(mel))
        x = functional.gelu(encoder.conv2(x)).permute(0, 2, 1)
        places = torch.arange(x.shape[1]) if first is None else first[:, None] + torch.arange(x.shape[1])
        x = x + encoder.positional_embedding[places]
        for block in encoder.blocks:
            x = block(x)
        encoded: Tensor = encoder.ln_post(x)
        return encoded

    def decode(self, tokens: Tensor, encoded: Tensor) -> Tensor:
        logits: Tensor = self.whisper.decoder(tokens, encoded)
        return self.with_others(logits.float())

    def with_others(self, logits: Tensor) -> Tensor:
        """The shared row counts as often as there are tokens behind it: the softmax is that of the full vocabulary."""
        other = self.vocabulary.other
        return torch.cat([logits[..., :other], logits[..., other:] + math.log(FULL_VOCABULARY - other)], -1)

    @contextmanager
    def listening(self) -> Iterator[list[Tensor]]:
        """What the decoder asks and what it finds to listen to, while the block runs: queries and keys, by layer.

        Whisper hands out its attention too, but without gradients.
        """
        heard: list[Tensor] = []
        hooks = [
            linear.register_forward_hook(lambda _module, _given, out: heard.append(out))
            for block in self.whisper.decoder.blocks
            for linear in (block.cross_attn.query, block.cross_attn.key)
        ]
        yield heard
        for hook in hooks:
            hook.remove()

    def guidance(self, heard: Sequence[Tensor], targets: Sequence[Target]) -> Tensor:
        """How far some heads are from listening where the next word (or the last one) is said.

        Small networks do not find by themselves which of ten alike digits comes next; shown where, they learn it.
        """
        moments = [
            (row, column, when[0] * FRAMES_PER_S - 2, when[1] * FRAMES_PER_S + 2)
            for row, target in enumerate(targets)
            for column, when in enumerate(target.when)
            if when is not None
        ]
        loss = torch.zeros(())
        for layer, heads, back in GUIDED:
            query, key = (
                each.view(*each.shape[:2], HEADS, WIDTH // HEADS)[:, :, list(heads)] for each in heard[2 * layer :][:2]
            )
            attention = torch.einsum("bthd,bshd->bhts", query, key).float() / math.sqrt(query.shape[-1])
            listened = attention.softmax(-1).cumsum(-1)  # up to each frame
            fit = [moment for moment in moments if moment[1] + back < listened.shape[2]]
            if not fit:
                continue
            rows, columns, starts, ends = zip(*fit, strict=True)
            chosen = listened[list(rows), :, [column + back for column in columns]]
            edges = torch.tensor([starts, ends]).long().clamp(0, listened.shape[-1] - 1)
            start, end = edges[:, :, None, None].expand(-1, -1, len(heads), 1)
            share = (chosen.gather(-1, end) - chosen.gather(-1, start)).clamp(min=0)
            loss = loss - (share + 1e-4).log().mean()
        return loss

    def load(self, path: Path) -> None:
        """Take over the weights of an exported checkpoint of the same vocabulary."""
        state = torch.load(path, weights_only=True)["model_state_dict"]
        rows = state["decoder.token_embedding.weight"]
        left_out = min(set(range(FULL_VOCABULARY)) - set(self.vocabulary.kept))
        state["decoder.token_embedding.weight"] = rows[[*self.vocabulary.kept, left_out]]
        self.whisper.load_state_dict({name: tensor.float() for name, tensor in state.items()})

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        return functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED)

    def export(self, path: Path) -> None:
        """As openai-whisper loads it: fp16, the full vocabulary, the shared row copied to every token behind it."""
        state = {name: tensor.detach().clone() for name, tensor in self.whisper.state_dict().items()}
        rows = state["decoder.token_embedding.weight"]
        full = rows[self.vocabulary.other].repeat(FULL_VOCABULARY, 1)
        full[torch.tensor(self.vocabulary.kept)] = rows[: self.vocabulary.other]
        state["decoder.token_embedding.weight"] = full
        halves = {name: tensor.half() for name, tensor in state.items()}
        torch.save({"dims": vars(_dimensions(FULL_VOCABULARY)), "model_state_dict": halves}, path)


def _attention(heads: int, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> tuple[Tensor, None]:
    """What Whisper computes, in plain products of matrices.

    With heads as narrow as ours torch's own attention takes twice as long on a processor, and most of a training.
    """
    batch, length, width = query.shape

    def parted(x: Tensor) -> Tensor:
        return x.view(batch, -1, heads, width // heads).transpose(1, 2).reshape(batch * heads, -1, width // heads)

    scores = torch.bmm(parted(query) * (width // heads) ** -0.5, parted(key).transpose(1, 2))
    if mask is not None and length > 1:
        scores = scores + mask[:length, :length].to(scores.dtype)
    heard = torch.bmm(scores.softmax(-1), parted(value))
    return heard.view(batch, heads, length, -1).transpose(1, 2).flatten(2), None


def vocabulary_of(corpus: Corpus) -> Vocabulary:
    return Vocabulary([clip.text for clip in corpus.clips])


def target(vocabulary: Vocabulary, chance: random.Random, example: Example, late_s: float = 0.0) -> Target:
    """`late_s`: how far into the half minute the window lies."""
    prompt = _prompt(vocabulary, chance, example.sentences) if chance.random() < PROMPT else []
    start = vocabulary(vocabulary.tokenizer.sot)
    end = vocabulary(vocabulary.tokenizer.eot)
    language = vocabulary.of(f"<|{example.language or chance.choice(('en', 'es'))}|>")
    said: list[tuple[int, tuple[float, float] | None]] = [
        (start, None), (language, None), (vocabulary(vocabulary.tokenizer.transcribe), None)
    ]  # fmt: skip
    ignored = {1}  # the task is given, never guessed
    text: list[int] = []
    if example.language is None:
        said.append((vocabulary.time(late_s + chance.choice((0, 0, chance.uniform(0, 1)))), None))
        ignored.add(2)
    elif chance.random() < TIMED:
        for sentence in example.sentences:
            said.append(_moment(vocabulary, sentence.start, late_s))
            if sentence.end is None:
                # Whisper goes on from here: without this mark it takes the rest of the window for silence.
                break
            tokens = _tokens(vocabulary, sentence)
            text += [token for token, _ in tokens]
            said += [*tokens, _moment(vocabulary, sentence.end, late_s)]
    else:
        said.append((vocabulary(vocabulary.tokenizer.no_timestamps), None))
        ignored.add(2)
        for sentence in example.sentences:
            tokens = _tokens(vocabulary, sentence)
            text += [token for token, _ in tokens]
            said += tokens
    said.append((end, None))
    answers = [IGNORED if index in ignored else token for index, (token, _) in enumerate(said[1:])]
    if example.language is None:
        answers[0] = vocabulary(vocabulary.tokenizer.no_speech)
    return Target(
        given=prompt + [token for token, _ in said[:-1]],
        answers=[IGNORED] * len(prompt) + answers,
        when=[*(None for _ in prompt), *(when for _, when in said[1:])],
        text=text,
    )


def _moment(vocabulary: Vocabulary, seconds: float, late_s: float) -> tuple[int, tuple[float, float]]:
    return vocabulary.time(late_s + seconds), (seconds - 0.1, seconds + 0.1)


def _tokens(vocabulary: Vocabulary, sentence: Spoken) -> list[tuple[int, tuple[float, float] | None]]:
    return [(token, (word.start, word.end)) for word in sentence.words for token in vocabulary.text(word.text)]


def batch_of(targets: Sequence[Target], end: int) -> tuple[Tensor, Tensor]:
    """Padded tokens and answers."""
    longest = max(len(target.given) for target in targets)
    tokens = torch.full((len(targets), longest), end)
    answers = torch.full((len(targets), longest), IGNORED)
    for row, target in enumerate(targets):
        tokens[row, : len(target.given)] = torch.tensor(target.given)
        answers[row, : len(target.answers)] = torch.tensor(target.answers)
    return tokens, answers


def mel_of(examples: Sequence[Example], samples: int) -> Tensor:
    windows = torch.zeros(len(examples), samples)
    for row, example in enumerate(examples):
        piece = torch.from_numpy(example.samples[:samples])
        windows[row, : len(piece)] = piece
    return torch.stack([log_mel_spectrogram(window) for window in windows])


def _prompt(vocabulary: Vocabulary, chance: random.Random, sentences: Sequence[Spoken]) -> list[int]:
    """Words before the recording that must not be repeated: mostly such as are not known at all."""
    said = [sentence.text for sentence in sentences if sentence.words]  # of one that only begins there is no word
    if said and chance.random() < 0.5:
        tokens = vocabulary.text(chance.choice(said))
    else:
        count = chance.randint(1, 25)
        tokens = [
            vocabulary.other if chance.random() < 0.7 else chance.randrange(vocabulary.text_count) for _ in range(count)
        ]
    return [vocabulary(vocabulary.tokenizer.sot_prev), *tokens]


def _dimensions(vocabulary: int) -> ModelDimensions:
    return ModelDimensions(
        n_mels=MEL_BANDS, n_audio_ctx=AUDIO_FRAMES, n_audio_state=WIDTH, n_audio_head=HEADS,
        n_audio_layer=ENCODER_LAYERS, n_vocab=vocabulary, n_text_ctx=TEXT_TOKENS, n_text_state=WIDTH,
        n_text_head=HEADS, n_text_layer=DECODER_LAYERS,
    )  # fmt: skip
