"""The small checkpoint in the shape of a larger model: it hears the same and costs what the larger one costs.

How fast a network is depends on its shape, how much there is to decode on what it hears: random weights babble. Here
every channel stands several times, every head too, and the added layers pass on what they get. What a copy changes is
taken back where it is added up (inputs divided by the number of copies, queries by that of a longer head, the last norm
before the vocabulary), so that the output is the small one's, the attention that gives words their times included.
"""

from pathlib import Path
from typing import Any

SHAPES = {"base": (512, 8, 6), "small": (768, 12, 12)}  # width, heads, layers of each half
State = dict[str, Any]


def widened(checkpoint: Path, folder: Path, shape: str) -> Path:
    """Write `<shape>.pt` as openai-whisper stores it, half precision like the published ones."""
    import torch

    loaded = torch.load(checkpoint, weights_only=True)
    path = folder / f"{shape}.pt"
    torch.save(widen(loaded["dims"], loaded["model_state_dict"], *SHAPES[shape]), path)
    return path


def widen(dims: dict[str, int], small: State, width: int, heads: int, layers: int) -> dict[str, Any]:
    """A checkpoint of that shape. Width and heads must be multiples of the small one's; at least three layers more."""
    import torch

    narrow, few = dims["n_audio_state"], dims["n_audio_head"]
    copies, longer = width // narrow, (width // heads) // (narrow // few)
    place = torch.arange(width)
    stream = place // copies
    within = place % (width // heads) // longer
    inner = place // (width // heads) // (heads // few) * (narrow // few) + within
    hidden = torch.arange(4 * width) // copies
    asked = longer**-0.5  # of the query: a longer head adds up more, and divides by the root of its length
    big: State = {}

    def linear(to: str, at: str, out: Any, into: Any, scale: float = 1.0) -> None:
        big[f"{to}.weight"] = small[f"{at}.weight"].float()[out][:, into] / copies * scale
        if f"{at}.bias" in small:  # keys have none
            big[f"{to}.bias"] = small[f"{at}.bias"].float()[out] * scale

    def norm(to: str, at: str, scale: float = 1.0) -> None:
        for part in ("weight", "bias"):
            big[f"{to}.{part}"] = small[f"{at}.{part}"].float()[stream] * scale

    def attention(to: str, at: str, *, adds: bool) -> None:
        norm(f"{to}_ln", f"{at}_ln")
        linear(f"{to}.query", f"{at}.query", inner, stream, asked)
        linear(f"{to}.key", f"{at}.key", inner, stream)
        linear(f"{to}.value", f"{at}.value", inner, stream)
        linear(f"{to}.out", f"{at}.out", stream, inner, float(adds))

    def block(half: str, number: int, of: int, adds: tuple[str, ...]) -> None:
        to, at = f"{half}.blocks.{number}", f"{half}.blocks.{of}"
        for kind in ("attn", "cross_attn") if half == "decoder" else ("attn",):
            attention(f"{to}.{kind}", f"{at}.{kind}", adds=kind in adds)
        norm(f"{to}.mlp_ln", f"{at}.mlp_ln")
        linear(f"{to}.mlp.0", f"{at}.mlp.0", hidden, stream)
        linear(f"{to}.mlp.2", f"{at}.mlp.2", stream, hidden, float("mlp" in adds))

    for name, spread in (("conv1", slice(None)), ("conv2", stream)):
        weight = small[f"encoder.{name}.weight"].float()[stream][:, spread]
        big[f"encoder.{name}.weight"] = weight if name == "conv1" else weight / copies
        big[f"encoder.{name}.bias"] = small[f"encoder.{name}.bias"].float()[stream]
    for name in ("encoder.positional_embedding", "decoder.positional_embedding", "decoder.token_embedding.weight"):
        big[name] = small[name].float()[:, stream]
    norm("encoder.ln_post", "encoder.ln_post")
    norm("decoder.ln", "decoder.ln", 1 / copies)  # every copy counts once more where the vocabulary is asked
    heard, said = dims["n_audio_layer"], dims["n_text_layer"]
    for number in range(layers):
        block("encoder", number, min(number, heard - 1), ("attn", "mlp") if number < heard else ())
    for number in range(said - 1):
        block("decoder", number, number, ("attn", "cross_attn", "mlp"))
    # The last one is spread over the rest, so that all layers that tell the times of words listen as it does.
    for number in range(said - 1, layers):
        first, last = number == said - 1, number == layers - 1
        block("decoder", number, said - 1, ("attn",) if first else ("cross_attn", "mlp") if last else ())
    shape = {"n_audio_state": width, "n_audio_head": heads, "n_audio_layer": layers, "n_text_state": width,
             "n_text_head": heads, "n_text_layer": layers}  # fmt: skip
    return {"dims": {**dims, **shape}, "model_state_dict": {name: tensor.half() for name, tensor in big.items()}}
