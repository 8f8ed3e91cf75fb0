"""The checkpoint in a larger model's shape: what it hears, and when, is what the small one hears."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from whisper.model import ModelDimensions, Whisper, disable_sdpa

from bench.widened import SHAPES, widen
from local import speech


def listened(net: Whisper, mel: Tensor, tokens: Tensor) -> tuple[Tensor, list[Tensor]]:
    """What the decoder answers, and how each layer of it attends to the sound (heads, tokens, frames)."""
    heard: list[Tensor] = []
    hooks = [
        block.cross_attn.register_forward_hook(lambda _module, _given, out: heard.append(out[1][0]))
        for block in net.decoder.blocks
    ]
    with torch.no_grad():
        encoded = net.encoder(mel)
        with disable_sdpa():  # torch's own attention tells nothing of what it attends to
            answers: Tensor = net.decoder(tokens, encoded)
    for hook in hooks:
        hook.remove()
    return answers, heard


def net_of(checkpoint: dict[str, Any]) -> Whisper:
    net = Whisper(ModelDimensions(**checkpoint["dims"]))
    net.load_state_dict(checkpoint["model_state_dict"])
    return net.float().eval()


def test_it_hears_the_same_at_the_same_moments_as_the_small_one(tmp_path: Path) -> None:
    loaded = torch.load(speech.checkpoint(tmp_path), weights_only=True)
    small, large = net_of(loaded), net_of(widen(loaded["dims"], loaded["model_state_dict"], 256, 8, 4))
    assert (large.dims.n_audio_state, large.dims.n_text_head, large.dims.n_text_layer) == (256, 8, 4)
    torch.manual_seed(0)
    mel, tokens = torch.randn(1, 80, 3000), torch.tensor([[50258, 50259, 50359, 50364, 400, 500, 600]])
    answers, (_, listening) = listened(small, mel, tokens)
    same, layers = listened(large, mel, tokens)
    assert torch.allclose(answers, same, atol=1e-3)
    for heads in layers[1:]:  # those of the upper half tell the times of the words
        assert torch.allclose(heads[::2], listening, atol=1e-2)
        assert torch.allclose(heads[1::2], listening, atol=1e-2)


def test_the_shapes_are_whispers_own_and_the_small_one_fits_into_them(tmp_path: Path) -> None:
    dims = torch.load(speech.checkpoint(tmp_path), weights_only=True)["dims"]
    for width, heads, layers in SHAPES.values():
        assert (width % dims["n_audio_state"], heads % dims["n_audio_head"], width // heads) == (0, 0, 64)
        assert layers > max(dims["n_audio_layer"], dims["n_text_layer"])
