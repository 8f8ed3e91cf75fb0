"""Marks what in a transcript should not be trusted: invented, repeated, echoed, translated or badly heard.

A mark is kept with its segment. Only words that were surely not spoken are left out of the text, and the segment
that held them still stands, marked, for whoever wants to look.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from services.voicemail.activity import Activity, Span

Segment = dict[str, Any]


class Flag(StrEnum):
    NO_SPEECH = "no_speech"  # nobody seems to speak there
    DOUBTFUL = "doubtful"  # the recogniser itself was unsure
    DOUBTFUL_DIGITS = "doubtful_digits"  # a number it was unsure of: listen before calling it
    LOOP = "loop"  # the same words again and again
    BOILERPLATE = "boilerplate"  # what recognisers write when they hear nothing
    PROMPT_ECHO = "prompt_echo"  # our own vocabulary hint, come back as text
    TRANSLATED = "translated"  # the text is not in the language that was spoken
    TOO_FAST = "too_fast"  # more words than anybody says in that time
    OTHER_LANGUAGE = "other_language"  # spoken in a language that the center does not answer in
    UNHEARD = "unheard"  # somebody speaks there, and no words were written
    FAINT = "faint"  # hardly a voice: found at the second look
    REPEATED_TRIES = "repeated_tries"  # decoded with chance because the first try was poor


INVENTED = frozenset({Flag.PROMPT_ECHO, Flag.BOILERPLATE})
UNHEARD_S = 1.5  # of speech that no word is near
_UNSURE_OF_DIGITS = 0.5  # of a word with digits; tickets mark the digits of a number by the same bound
_NEAR_S = 1.0  # words are timed loosely
_LONGEST_WORD_S = 2.0

# What recognisers write at the end of their training films, in silence. Nobody says the first kind to a telephone; the
# second kind callers do say, so it counts as invented only where hardly anybody speaks.
_NEVER_SAID = re.compile(
    r"amara org|castingwords|\bsubtit(?:les?|led|ulos?|ulado)\b.{0,25}\b(?:by|por)\b|transcri(?:bed|ption) by"
    r"|\b(?:thank you|thanks)(?: so much| very much)? for (?:watching|listening to this video)"
    r"|\bgracias por (?:ver|mirar)(?: (?:el|este|mi|mis) videos?)?\b|(?:like and|please) subscribe"
    r"|\bsuscrib(?:ete|anse)\b|see you in the next (?:video|one)|nos vemos en el proximo video"
)
_SAID_TOO = {"thank you", "thanks", "gracias", "muchas gracias", "bye", "you", "see you next time", "hasta la proxima"}
_STOP_WORDS = {
    "en": frozenset({
        "the", "is", "my", "and", "i", "to", "a", "of", "it", "you", "me", "please", "call", "have", "was", "are",
        "not", "for", "about", "with", "this", "your", "on", "in", "need",
    }),
    "es": frozenset({
        "el", "la", "los", "las", "es", "mi", "y", "yo", "de", "que", "en", "un", "una", "por", "favor", "para", "no",
        "me", "se", "con", "su", "al", "tengo", "mis", "del", "llamo", "esta",
    }),
}  # fmt: skip


def plain(text: str) -> str:
    """Lower case words without accents and punctuation."""
    folded = unicodedata.normalize("NFKD", text.lower())
    return " ".join(re.findall(r"[a-z0-9]+", "".join(c for c in folded if not unicodedata.combining(c))))


def flags_of(segment: Segment, *, active_s: float, prompt: str) -> list[Flag]:
    """What is wrong with one segment. `active_s` is how long possible speech lasts within it."""
    text = plain(segment["text"])
    words: Sequence[dict[str, Any]] = segment["words"]
    probabilities = [word["probability"] for word in words]
    found: set[Flag] = set()
    unsure = segment["avg_logprob"] < -1.0 or (bool(probabilities) and sum(probabilities) / len(probabilities) < 0.4)
    if segment["no_speech_prob"] > 0.6 or active_s < 0.05:
        found.add(Flag.NO_SPEECH)
    if unsure:
        found.add(Flag.DOUBTFUL)
    if _has_doubtful_digits(words):
        found.add(Flag.DOUBTFUL_DIGITS)
    if segment["compression_ratio"] > 2.4 or _repeats(text.split()):
        found.add(Flag.LOOP)
    hardly_spoken = active_s < 0.3 or segment["no_speech_prob"] > 0.6
    if _NEVER_SAID.search(text) or (text in _SAID_TOO and hardly_spoken):
        found.add(Flag.BOILERPLATE)
    if prompt and echoes(text, plain(prompt)):
        found.add(Flag.PROMPT_ECHO)
    if len(text.split()) >= 6 and len(text.split()) > 8 * max(active_s, segment["end"] - segment["start"]):
        found.add(Flag.TOO_FAST)
    if segment["temperature"] > 0:
        found.add(Flag.REPEATED_TRIES)
    return sorted(found)


def with_digits_judged(segment: Segment) -> Segment:
    """A segment whose numbers were heard again: doubted by what both hearings say."""
    flags = set(segment["flags"]) - {Flag.DOUBTFUL_DIGITS}
    if _has_doubtful_digits(segment["words"]):
        flags.add(Flag.DOUBTFUL_DIGITS)
    return {**segment, "flags": sorted(flags)}


def _has_doubtful_digits(words: Sequence[dict[str, Any]]) -> bool:
    return any(any(c.isdigit() for c in word["word"]) and word["probability"] < _UNSURE_OF_DIGITS for word in words)


def echoes(text: str, prompt: str) -> bool:
    """Whether a text is our hint come back: most of it is runs of three or more words as they follow in the hint.

    A caller who says one of the hinted words, or two together, echoes nothing.
    """
    words, hint = text.split(), prompt.split()
    if text and len(text) >= 8 and len(words) >= 2 and f" {text} " in f" {prompt} ":
        return True
    runs = {tuple(hint[i : i + 3]) for i in range(len(hint) - 2)}
    covered: set[int] = set()
    for i in range(len(words) - 2):
        if tuple(words[i : i + 3]) in runs:
            covered |= {i, i + 1, i + 2}
    return len(covered) >= 4 and len(covered) >= 0.6 * len(words)


def is_invented(segment: Segment, *, active_s: float) -> bool:
    """Whether the words were surely not spoken: then they do not belong in the text."""
    flags = set(segment["flags"])
    if active_s < 0.05 or flags & INVENTED:
        return True
    return Flag.NO_SPEECH in flags and segment["avg_logprob"] < -1.0


def is_guess(segments: Sequence[Segment]) -> bool:
    """Whether what was written where hardly anybody speaks is one word, of which the recogniser itself is unsure.

    Keys, engaged tones and gusts become such words. Whoever may have spoken is told of as not understood.
    """
    words = [word for segment in segments for word in segment["text"].split()]
    return len(words) == 1 and all(Flag.DOUBTFUL in segment["flags"] for segment in segments)


def unheard(segments: Sequence[Segment], span: Span, speech: Activity) -> list[Span]:
    """Where within the span somebody speaks while no word of the text is near; empty when it is too short to matter.

    A recogniser now and then ends early, above all after a hint, and then a sentence is missing without a trace.
    """
    near: list[tuple[float, float]] = []
    for segment in (each for each in segments if each["in_text"]):
        timed = [(float(each["start"]), float(each["end"])) for each in segment["words"] or [segment]]
        for start, end in timed:
            # Nobody says a word for so long: it was stretched over what is missing, and was said at one of its ends.
            stretched = bool(segment["words"]) and end - start > _LONGEST_WORD_S
            ends = [(start, start), (end, end)] if stretched else [(start, end)]
            near += [(since - _NEAR_S, until + _NEAR_S) for since, until in ends]
    missing: list[Span] = []
    at = span.start
    for start, end in [*sorted(near), (span.end, 0.0)]:
        for each in speech.spans:
            if each.overlap(at, min(start, span.end)) >= _NEAR_S / 2:
                missing.append(Span(max(at, each.start), min(start, span.end, each.end)))
        at = max(at, end)
    return missing if sum(each.seconds for each in missing) >= UNHEARD_S else []


def is_translated(text: str, language: str) -> bool:
    """Whether the text reads like the other language than the one that was heard."""
    words = plain(text).split()
    if language not in _STOP_WORDS or len(words) < 4:
        return False
    share = {known: sum(word in stops for word in words) / len(words) for known, stops in _STOP_WORDS.items()}
    other = max(value for known, value in share.items() if known != language)
    return other >= 0.2 and other > 2 * share[language]


def _repeats(words: Sequence[str]) -> bool:
    """Whether one phrase of one to six words makes up most of the text, said at least four times."""
    if len(words) < 8:
        return False
    for size in range(1, 7):
        grams = Counter(tuple(words[i : i + size]) for i in range(len(words) - size + 1))
        gram, count = grams.most_common(1)[0]
        # Digits of a telephone number do repeat.
        if count >= 4 and count * size >= 0.6 * len(words) and not all(word.isdigit() for word in gram):
            return True
    return False
