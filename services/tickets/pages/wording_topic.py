"""Words why a ticket has its topic: what the text said, and how sure the model was."""

from collections.abc import Callable, Sequence
from typing import Any

from services.tickets.topics import OTHER
from shared.web.i18n import N_, translate

ALSO = 0.15  # from this share on, a further topic is worth a word
GUESSES = 2


def guesses(topic: str, also: Sequence[str], found: dict[str, Any]) -> list[str]:
    """Topics to correct to with one click: those it raises besides, then what the model thought of next. Pure."""
    shares: dict[str, float] = found.get("shares") or {}
    next_best = sorted(shares, key=lambda key: -shares[key])
    ranked = [key for key in dict.fromkeys([*also, *next_best]) if key not in (topic, OTHER)]
    return ranked[:GUESSES]


def evidence(language: str, topic: str, found: dict[str, Any], topic_name: Callable[[str], str]) -> list[str]:
    """What the topic rests on, in sentences. Never empty."""
    said = found.get("phrases") or {}
    words = [f"«{word}»" for word in said.get(topic, ())]
    named = topic_name(topic)
    believed = found.get("confidence")
    if not said and "model" not in found:
        return [translate(language, N_("A colleague chose it, or nothing in the text says what it is about."))]
    if topic not in said and words == [] and said:
        # Somebody corrected it: what stands here spoke for another topic.
        read = next(iter(said))
        words = [f"«{word}»" for word in said[read]]
        return [
            translate(language, N_("A colleague chose it. The text was read as {topic}."), topic=topic_name(read)),
            translate(language, N_("Words that say so: {words}."), words=", ".join(words)),
        ]
    lines = []
    if isinstance(believed, (int, float)):
        lines.append(
            translate(
                language, N_("Read as {topic} ({percent} %)."), topic=named, percent=min(99, round(100 * believed))
            )
        )
    if words:
        lines.append(translate(language, N_("Words that say so: {words}."), words=", ".join(words)))
    shares = found.get("shares") or {}
    also = [topic_name(key) for key, share in shares.items() if key not in (topic, "other") and share >= ALSO]
    if also:
        lines.append(translate(language, N_("Perhaps also: {topics}."), topics=", ".join(also)))
    if found.get("model"):
        lines.append(translate(language, N_("Read by model {version}."), version=found["model"]))
    return lines
