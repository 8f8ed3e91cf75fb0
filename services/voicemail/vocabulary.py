"""The center's own words, which a recogniser has never heard, as a hint in the language that it decodes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources

from shared.settings import Settings

# Whisper reads at most 223 tokens of hint and cuts off its beginning; words of this kind have about three each.
MOST_WORDS = 60


@dataclass(frozen=True)
class Vocabulary:
    """Per language: words of the trade, and a sentence from the settings beside them."""

    words: Mapping[str, Sequence[str]] = field(default_factory=dict)
    sentences: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_settings(cls, settings: Settings) -> "Vocabulary":
        given = settings.transcription_words
        return cls(_words() if given is None else given, settings.transcription_prompts)

    def prompt(self, language: str) -> str:
        """The hint for one language; empty where there is none."""
        words = ", ".join(list(self.words.get(language, ()))[:MOST_WORDS])
        return " ".join(part for part in (self.sentences.get(language, ""), f"{words}." if words else "") if part)

    def prompts(self, languages: Sequence[str]) -> dict[str, str]:
        return {language: self.prompt(language) for language in languages if self.prompt(language)}


def _words() -> dict[str, list[str]]:
    """What we bring along: a community electricity provider's."""
    text = resources.files("services.voicemail.data").joinpath("words.json").read_text(encoding="utf-8")
    words: dict[str, list[str]] = json.loads(text)
    return words
