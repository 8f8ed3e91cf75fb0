"""Converts a checkpoint of openai-whisper for CTranslate2, without the transformers library.

The weights go over one by one as CTranslate2's own converter places them (ctranslate2/converters/transformers.py), and
the tokenizer is made from the ranks that openai-whisper brings along.
"""

import base64
import gzip
import itertools
import json
import shutil
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from services.voicemail.models import FOLDER_SUFFIX, MANIFEST, WEIGHTS, NoModel, sha256_of

QUANTIZATION = "int8"
Weights = dict[str, Any]


def convert(checkpoint: Path, folder: Path | None = None, quantization: str = QUANTIZATION) -> Path:
    """Write the folder beside the checkpoint (or where it is said), whole or not at all. Raises NoModel."""
    import torch

    target = folder or checkpoint.with_name(checkpoint.stem + FOLDER_SUFFIX)
    try:
        loaded = torch.load(checkpoint, map_location="cpu", weights_only=True)
        dims, state = loaded["dims"], loaded["model_state_dict"]
    except Exception as error:  # torch raises what it likes for what is no checkpoint
        raise NoModel(f"{checkpoint} is not a checkpoint of openai-whisper: {error}") from error
    weights = {name: value.to(torch.float32).numpy() for name, value in state.items()}
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
    try:
        _write(temporary, checkpoint.stem, dims, weights, quantization)
        files = {path.name: sha256_of(path) for path in sorted(temporary.iterdir())}
        about = {
            "model": checkpoint.stem,
            "source_sha256": sha256_of(checkpoint),
            "quantization": quantization,
            "converted_by": f"ctranslate2 {version('ctranslate2')}",
            "files": files,
        }
        (temporary / MANIFEST).write_text(json.dumps(about, indent=1))
        temporary.chmod(0o755)
        if target.exists():
            shutil.rmtree(target)
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def _write(folder: Path, name: str, dims: dict[str, int], weights: Weights, quantization: str) -> None:
    from ctranslate2.specs import whisper_spec
    from whisper.tokenizer import get_tokenizer

    multilingual = dims["n_vocab"] >= 51865
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves its file to the garbage collector
        tokenizer = get_tokenizer(multilingual, num_languages=dims["n_vocab"] - 51765 - int(multilingual))
    spec = whisper_spec.WhisperSpec(
        dims["n_audio_layer"], dims["n_audio_head"], dims["n_text_layer"], dims["n_text_head"]
    )
    _encoder(spec.encoder, weights)
    _decoder(spec.decoder, weights)
    spec.config.suppress_ids = list(tokenizer.non_speech_tokens)
    spec.config.suppress_ids_begin = [*tokenizer.encode(" "), tokenizer.eot]
    spec.config.lang_ids = list(tokenizer.all_language_tokens) if multilingual else []
    spec.config.alignment_heads = alignment_heads(name, dims)
    texts = _texts(tokenizer.encoding)
    specials = sorted(tokenizer.special_tokens.items(), key=lambda item: item[1])
    vocabulary = [*texts, *(token for token, _ in specials)]
    spec.register_vocabulary(vocabulary[: dims["n_vocab"]])
    spec.validate()
    spec.optimize(quantization=quantization)
    spec.save(str(folder))
    _tokenizer(tokenizer.encoding, texts, [token for token, _ in specials]).save(str(folder / "tokenizer.json"))
    (folder / "preprocessor_config.json").write_text(json.dumps({"feature_size": dims["n_mels"]}))
    assert (folder / WEIGHTS).is_file()


def alignment_heads(name: str, dims: dict[str, int]) -> list[tuple[int, int]]:
    """(layer, head) whose attention follows the audio: known for official models, else those of the upper layers."""
    import whisper

    packed = whisper._ALIGNMENT_HEADS.get(name)
    layers, heads = dims["n_text_layer"], dims["n_text_head"]
    if packed is None:
        return list(itertools.product(range(layers // 2, layers), range(heads)))
    mask = np.frombuffer(gzip.decompress(base64.b85decode(packed)), dtype=bool).reshape(layers, heads)
    return [(int(layer), int(head)) for layer, head in np.argwhere(mask)]


def _encoder(spec: Any, weights: Weights) -> None:
    for name in ("conv1", "conv2"):
        conv = getattr(spec, name)
        conv.weight, conv.bias = weights[f"encoder.{name}.weight"], weights[f"encoder.{name}.bias"]
    spec.position_encodings.encodings = weights["encoder.positional_embedding"]
    _norm(spec.layer_norm, weights, "encoder.ln_post")
    for number, layer in enumerate(spec.layer):
        _block(layer, weights, f"encoder.blocks.{number}")


def _decoder(spec: Any, weights: Weights) -> None:
    spec.embeddings.weight = weights["decoder.token_embedding.weight"]
    spec.projection.weight = weights["decoder.token_embedding.weight"]
    spec.position_encodings.encodings = weights["decoder.positional_embedding"]
    _norm(spec.layer_norm, weights, "decoder.ln")
    for number, layer in enumerate(spec.layer):
        at = f"decoder.blocks.{number}"
        _block(layer, weights, at)
        query, key, value = (_linear(weights, f"{at}.cross_attn.{part}") for part in ("query", "key", "value"))
        _put(layer.attention.linear[0], *query)
        _put(layer.attention.linear[1], *_fused(key, value))
        _put(layer.attention.linear[2], *_linear(weights, f"{at}.cross_attn.out"))
        _norm(layer.attention.layer_norm, weights, f"{at}.cross_attn_ln")


def _block(layer: Any, weights: Weights, at: str) -> None:
    """Self-attention and what follows it, the same in both halves."""
    parts = (_linear(weights, f"{at}.attn.{part}") for part in ("query", "key", "value"))
    _put(layer.self_attention.linear[0], *_fused(*parts))
    _put(layer.self_attention.linear[1], *_linear(weights, f"{at}.attn.out"))
    _norm(layer.self_attention.layer_norm, weights, f"{at}.attn_ln")
    _put(layer.ffn.linear_0, *_linear(weights, f"{at}.mlp.0"))
    _put(layer.ffn.linear_1, *_linear(weights, f"{at}.mlp.2"))
    _norm(layer.ffn.layer_norm, weights, f"{at}.mlp_ln")


def _linear(weights: Weights, at: str) -> tuple[Any, Any]:
    weight = weights[f"{at}.weight"]
    bias = weights.get(f"{at}.bias")  # keys have none
    return weight, np.zeros(weight.shape[0], np.float32) if bias is None else bias


def _fused(*parts: tuple[Any, Any]) -> tuple[Any, Any]:
    return np.concatenate([weight for weight, _ in parts]), np.concatenate([bias for _, bias in parts])


def _put(spec: Any, weight: Any, bias: Any) -> None:
    spec.weight, spec.bias = weight, bias


def _norm(spec: Any, weights: Weights, at: str) -> None:
    spec.gamma, spec.beta = weights[f"{at}.weight"], weights[f"{at}.bias"]


def _texts(encoding: Any) -> list[str]:
    """The tokens in the order of their ranks, every byte as the printable character that GPT-2 writes for it."""
    names = _byte_names()
    ranked = sorted(encoding._mergeable_ranks.items(), key=lambda item: item[1])
    return ["".join(names[byte] for byte in token) for token, _ in ranked]


def _byte_names() -> dict[int, str]:
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    names = {byte: chr(byte) for byte in printable}
    for number, byte in enumerate(byte for byte in range(256) if byte not in names):
        names[byte] = chr(256 + number)
    return names


def _tokenizer(encoding: Any, texts: list[str], specials: list[str]) -> Any:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    ranks: dict[bytes, int] = encoding._mergeable_ranks
    names = _byte_names()
    merges = []
    for token, rank in sorted(ranks.items(), key=lambda item: item[1]):
        if len(token) > 1:
            left, right = _halves(ranks, token, rank)
            merges.append(("".join(names[b] for b in left), "".join(names[b] for b in right)))
    tokenizer = Tokenizer(models.BPE(vocab={text: rank for rank, text in enumerate(texts)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in specials])
    return tokenizer


def _halves(ranks: dict[bytes, int], token: bytes, rank: int) -> tuple[bytes, bytes]:
    """The two tokens that merge into this one last: merging its bytes with the merges of lower rank leaves them."""
    parts = [token[i : i + 1] for i in range(len(token))]
    while len(parts) > 2:
        at = min(range(len(parts) - 1), key=lambda i: ranks.get(parts[i] + parts[i + 1], rank))
        assert ranks.get(parts[at] + parts[at + 1], rank) < rank
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts[0], parts[1]
