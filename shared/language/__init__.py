"""The one language decision of both channels: what a text is written in, and what all the evidence together says.

`read_text` looks at the author's own words (own.py, words.py, text.py); `decide` weighs that against what was heard,
pressed and known before (decision.py). Both are pure, and the evidence is kept with the decision.
"""

from shared.language.decision import EARLIER, Evidence, Heard, LanguageDecision, decide
from shared.language.own import MAX_CHARACTERS, fold, without_boilerplate
from shared.language.text import CLEAR, MIXED, THIN, UNKNOWN, TextEvidence, read_text

__all__ = [
    "CLEAR", "EARLIER", "MAX_CHARACTERS", "MIXED", "THIN", "UNKNOWN", "Evidence", "Heard", "LanguageDecision",
    "TextEvidence", "decide", "fold", "read_text", "without_boilerplate",
]  # fmt: skip
