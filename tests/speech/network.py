"""A small Whisper with its vocabulary cut to what occurs, and its export as an ordinary checkpoint."""

import math
import random
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from whisper.audio import log_mel_spectrogram
from whisper.model import ModelDimensions, Whisper
from whisper.tokenizer import get_tokenizer

from tests.speech.corpus import Corpus
from tests.speech.examples import Example, Spoken

FULL_VOCABULARY = 51_865
WIDTH, HEADS, ENCODER_LAYERS, DECODER_LAYERS = 128, 4, 3, 2
MEL_BANDS, AUDIO_FRAMES, TEXT_TOKENS, TIMESTAMPS = 80, 1500, 448, 1501
IGNORED = -100  # a target that the loss does not count
PROMPT = 0.2


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


class SmallWhisper(nn.Module):
    """Whisper over the cut vocabulary, with a CTC head that only helps training."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.whisper = Whisper(_dimensions(vocabulary.other + 1))
        nn.init.normal_(self.whisper.decoder.positional_embedding, std=0.02)
        nn.init.normal_(self.whisper.decoder.token_embedding.weight, std=0.05)
        self.ctc = nn.Linear(WIDTH, vocabulary.text_count + 1)

    def encode(self, mel: Tensor) -> Tensor:
        """Like Whisper's encoder, for windows of any length."""
        encoder = self.whisper.encoder
        x = functional.gelu(encoder.conv1(mel))
        x = functional.gelu(encoder.conv2(x)).permute(0, 2, 1)
        x = x + encoder.positional_embedding[: x.shape[1]]
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


def vocabulary_of(corpus: Corpus) -> Vocabulary:
    return Vocabulary([clip.text for clip in corpus.clips])


def target(vocabulary: Vocabulary, chance: random.Random, example: Example) -> tuple[list[int], list[int], list[int]]:
    """What the decoder is given, what it should answer, and the text tokens alone (for CTC)."""
    prompt = _prompt(vocabulary, chance, example.sentences) if chance.random() < PROMPT else []
    start = vocabulary(vocabulary.tokenizer.sot)
    end = vocabulary(vocabulary.tokenizer.eot)
    transcribe = vocabulary(vocabulary.tokenizer.transcribe)
    if example.language is None:
        language = vocabulary.of(f"<|{chance.choice(('en', 'es'))}|>")
        answers = [vocabulary(vocabulary.tokenizer.no_speech), IGNORED, IGNORED, end]
        given = [start, language, transcribe, vocabulary.time(0)]
        return prompt + given, [IGNORED] * len(prompt) + answers, []
    language = vocabulary.of(f"<|{example.language}|>")
    sequence = [start, language, transcribe]
    timed = chance.random() < 0.8
    if not timed:
        sequence.append(vocabulary(vocabulary.tokenizer.no_timestamps))
    text: list[int] = []
    for sentence in example.sentences:
        tokens = vocabulary.text(sentence.text)
        text += tokens
        sequence += [vocabulary.time(sentence.start), *tokens, vocabulary.time(sentence.end)] if timed else tokens
    sequence.append(end)
    answers = sequence[1:]
    answers[1] = IGNORED  # the task is given, never guessed
    if not timed:
        answers[2] = IGNORED
    return prompt + sequence[:-1], [IGNORED] * len(prompt) + answers, text


def batch_of(targets: Sequence[tuple[list[int], list[int], list[int]]], end: int) -> tuple[Tensor, Tensor]:
    """Padded tokens and answers."""
    longest = max(len(given) for given, _, _ in targets)
    tokens = torch.full((len(targets), longest), end)
    answers = torch.full((len(targets), longest), IGNORED)
    for row, (given, expected, _) in enumerate(targets):
        tokens[row, : len(given)] = torch.tensor(given)
        answers[row, : len(expected)] = torch.tensor(expected)
    return tokens, answers


def mel_of(examples: Sequence[Example], samples: int) -> Tensor:
    windows = torch.zeros(len(examples), samples)
    for row, example in enumerate(examples):
        piece = torch.from_numpy(example.samples[:samples])
        windows[row, : len(piece)] = piece
    return torch.stack([log_mel_spectrogram(window) for window in windows])


def _prompt(vocabulary: Vocabulary, chance: random.Random, sentences: Sequence[Spoken]) -> list[int]:
    """Words before the recording that must not be repeated: mostly such as are not known at all."""
    if sentences and chance.random() < 0.5:
        tokens = vocabulary.text(chance.choice(sentences).text)
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
