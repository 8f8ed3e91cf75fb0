"""Which ideas a text speaks of: words of both languages for the same thing, kept as data in `data/ideas.txt`.

A model that sees «reembolso» and «money back» as one idea needs to learn only once what it says. The topics' own
phrases are ideas too, called `says:` and the topic's key.
"""

from functools import lru_cache
from importlib.resources import files

from services.tickets.topics import Phrases, taxonomy

MAX_CHARACTERS = 6_000  # of one text: what a customer wants is said before
MAX_WORDS = 12  # of one idea, kept as evidence
TOPIC = "says:"  # and a topic's key: its phrases are an idea


@lru_cache(maxsize=1)
def vocabulary() -> dict[str, tuple[str, ...]]:
    """Idea → its phrases."""
    lines = files("services.tickets").joinpath("data/ideas.txt").read_text("utf-8").splitlines()
    ideas: dict[str, tuple[str, ...]] = {}
    for line in lines:
        if line.strip() and not line.startswith("#"):
            name, _, words = line.partition(":")
            ideas[name] = tuple(word.strip() for word in words.split(",") if word.strip())
    for topic in taxonomy().values():
        if topic.phrases:
            ideas[TOPIC + topic.key] = topic.phrases
    return ideas


def names() -> tuple[str, ...]:
    """Every idea there is, in a fixed order."""
    return tuple(vocabulary())


@lru_cache(maxsize=1)
def _phrases() -> Phrases:
    return Phrases(vocabulary())


def found_in(text: str) -> dict[str, list[str]]:
    """Idea → the words that say it, as the text writes them. `text` is normalised()."""
    return {name: hits[:MAX_WORDS] for name, hits in _phrases().found_in(text[:MAX_CHARACTERS]).items()}
