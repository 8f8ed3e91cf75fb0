"""`python -m training`: read the corpus, or the files that are named, and say what is in it.

`python -m training corrections FOLDER` says what people judged; `python -m training several` what the limits for
further topics do on the writers kept for choosing; `python -m training across` how training writers are read by models
that have not met them.
"""

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from services.tickets.triage.model import model
from training.across import across, told
from training.corrections import summary
from training.samples import CorpusError, Sample, Split, corpus, read
from training.several import tried


def main(arguments: list[str]) -> int:
    """Print counts; 1 and a sentence when a file is wrong."""
    try:
        if arguments[:1] == ["corrections"] and len(arguments) == 2:
            print(", ".join(f"{name} {n}" for name, n in summary(Path(arguments[1])).items()))
            return 0
        if arguments == ["several"]:
            for each in tried(model(), [sample for sample in corpus() if sample.split is Split.TUNE]):
                print(each)
            return 0
        if arguments == ["across"]:
            learned, choose = ([s for s in corpus() if s.split is kind] for kind in (Split.TRAIN, Split.TUNE))
            print("\n".join(told(list(across(learned, choose)))))
            return 0
        samples = [each for name in arguments for each in read(Path(name))] if arguments else corpus()
    except CorpusError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(samples)} messages of {len({each.writer for each in samples})} writers")
    print("emergencies", sum(each.emergency for each in samples), " decoys", sum("decoy" in s.flags for s in samples))
    counts: dict[str, Callable[[Sample], str]] = {
        "split": lambda each: each.split,
        "language": lambda each: each.language,
        "channel": lambda each: each.channel,
        "priority": lambda each: each.priority,
        "topic": lambda each: each.topic,
    }
    for name, key in counts.items():
        print(f"{name}: " + ", ".join(f"{value} {n}" for value, n in Counter(map(key, samples)).most_common()))
    for split in Split:
        flags = Counter(flag for each in samples if each.split is split for flag in each.flags)
        print(f"flags of {split}: " + ", ".join(f"{flag} {n}" for flag, n in flags.most_common()))
    print("facts: " + ", ".join(f"{k} {n}" for k, n in Counter(f.kind for s in samples for f in s.facts).most_common()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
