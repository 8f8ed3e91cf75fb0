"""What a machine heard in a greeting, held against its script and its slot's language: pure, and advice.

One thing is more than advice: a recording that is surely in the other language is not published, for its callers would
not understand what to do about gas and wires. Where the machine is not sure, it says so and forbids nothing.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from services.voicemail.engine import Heard
from services.voicemail.greetings import scripts
from services.voicemail.greetings.checks import Warned
from shared.settings import Settings
from shared.web.i18n import N_

SURE_FROM = 0.8  # of a language
COVERED_FROM = 0.85  # of the script's words
_DOUBTFUL_LOGPROB = -1.0
_FEWEST_WORDS = 6
# Words that are frequent in one language and none in the other.
_COMMON_WORDS = {
    "en": "the you your have and is are we will if please this for of to that call with",
    "es": "el la los las su usted ha y es esta si por favor que de en para con llame una un",
}
_COMMON = {language: frozenset(words.split()) for language, words in _COMMON_WORDS.items()}


@dataclass(frozen=True)
class Judgement:
    wrong_language: bool
    remarks: list[Warned]


def judge(heard: Heard, language: str, script: str, settings: Settings) -> Judgement:
    """`language` is the slot's."""
    doubtful = is_doubtful(heard)
    words = _words(heard.text)
    other = next((each for each in settings.languages if each != language), language)
    remarks: list[Warned] = []
    wrong = (
        heard.language == other
        and heard.language_confidence >= SURE_FROM
        and len(words) >= _FEWEST_WORDS
        and _share(words, other) > _share(words, language)
    )
    if wrong:
        return Judgement(True, [])
    if heard.language in (other, "mixed"):
        remarks.append(Warned(N_("Part of it may be in the other language. Listen to it.")))
    elif heard.language == "unknown" and words:
        remarks.append(Warned(N_("The machine could not tell its language. Listen to it.")))
    if not words:
        remarks.append(Warned(N_("The machine heard no words in it. Listen to it.")))
    elif script:
        share = covered(_words(script), words)
        if share < COVERED_FROM:
            remarks.append(
                Warned(
                    N_("About {percent} % of the script was heard. Listen whether everything is said."),
                    {"percent": round(share * 100)},
                )
            )
    if words and not doubtful:
        remarks += scripts.remarks(heard.text, language, settings, heard=True)
    if doubtful and remarks:
        remarks.insert(0, Warned(N_("The machine was not sure of what it heard: take this as a hint.")))
    return Judgement(False, remarks)


def is_doubtful(heard: Heard) -> bool:
    """Whether what was heard is a hint and no more."""
    probable = [float(each.get("avg_logprob", 0.0)) for each in heard.segments]
    low = bool(probable) and sum(probable) / len(probable) < _DOUBTFUL_LOGPROB
    return bool(heard.flags) or low or heard.language_confidence < SURE_FROM


def covered(script: Sequence[str], heard: Sequence[str]) -> float:
    """The share of the script's words that were heard in their order."""
    if not script:
        return 1.0
    blocks = SequenceMatcher(None, script, heard, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / len(script)


def _words(text: str) -> list[str]:
    plain = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))
    return re.findall(r"[a-z']+|\d", plain)  # digit by digit: «9-1-1» and «911» are the same


def _share(words: Sequence[str], language: str) -> float:
    return sum(word in _COMMON[language] for word in words) / max(1, len(words))
