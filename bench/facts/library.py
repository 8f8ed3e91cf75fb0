"""Run by the interpreter of a throw-away environment: the days that dateparser finds in texts, as JSON on stdout.

Imports nothing of ours. Called as its documentation says for texts: `search_dates`, with both languages and a base.
"""

import json
import sys
import time
import warnings
from datetime import datetime
from importlib.metadata import version

warnings.simplefilter("ignore")


def main() -> None:
    from dateparser.search import search_dates  # type: ignore[import-untyped]

    asked = json.load(sys.stdin)
    settings = {"RELATIVE_BASE": datetime.fromisoformat(asked["received"]), "PREFER_DATES_FROM": "future"}
    answers = []
    started = time.process_time()
    for text in asked["texts"]:
        try:
            found = search_dates(text, languages=["en", "es"], settings=settings) or []
        except Exception:
            found = []
        answers.append([[words, day.date().isoformat()] for words, day in found])
    took = (time.process_time() - started) / max(1, len(answers)) * 1_000
    json.dump({"version": version("dateparser"), "answers": answers, "ms": took}, sys.stdout)


if __name__ == "__main__":
    main()
