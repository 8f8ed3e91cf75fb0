"""`make bench`, or `python -m bench [latency|pages|trimming …] [--quick] [--write]`: measure; write RESULTS.md."""

import argparse
import asyncio
import logging
import subprocess
import sys
import time
import traceback
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench import engines, ingestion_memory, latency, memory, pages, throughput
from bench.callers import measure as callers
from bench.facts import measure as facts
from bench.figures import Figures, machine
from bench.helpdesk import measure as helpdesk
from bench.parsing import measure as parsing
from bench.regions import measure as regions
from bench.results import merged
from bench.routing import balance
from bench.routing import measure as routing
from bench.routing_scale import measure as routing_scale
from bench.speech import measure as heard_speech
from bench.triage import languages
from bench.triage import measure as triage
from bench.trimming import measure as trimming
from shared import clock

RESULTS = Path(__file__).parent / "RESULTS.md"
LIMIT_S = 1_800  # for one benchmark: what takes longer does not end
# name -> (what to measure, size, size with --quick)
BENCHMARKS: dict[str, tuple[Callable[[int], Awaitable[Figures]], int, int]] = {
    "latency": (latency.measure, 100, 10),
    "throughput": (throughput.measure, 2_000, 100),
    "helpdesk": (helpdesk.measure, 2_000, 100),
    "pages": (pages.measure, 100_000, 2_000),
    "memory": (memory.measure, 200, 20),
    "speech": (heard_speech.measure, 200, 10),
    "trimming": (trimming.measure, 1_000, 50),
    "triage": (triage.measure, 1_000, 50),
    "languages": (languages.measure, 1_000, 50),
    "regions": (regions.measure, 20, 2),
    "engines": (engines.measure, 60, 15),
    "parsing": (parsing.measure, 24_000_000, 200_000),
    "routing": (routing.measure, 8, 2),
    "balance": (balance.measure, 2, 1),
    "facts": (facts.measure, 1_000, 50),
    "callers": (callers.measure, 1_000, 50),
    "routing_scale": (routing_scale, 50_000, 5_000),
    "ingestion_memory": (ingestion_memory.measure, 20_000, 100),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(BENCHMARKS)}; none: all, and RESULTS.md is written")
    parser.add_argument("--quick", action="store_true", help="small sizes, nothing written: does it still run?")
    parser.add_argument("--write", action="store_true", help="write those that were named to RESULTS.md too")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    writes = not arguments.quick and (arguments.write or not arguments.names)
    failed = []
    for name in arguments.names or BENCHMARKS:
        measure, size, quick_size = BENCHMARKS[name]
        started = time.monotonic()
        try:
            figures = asyncio.run(_within_limit(measure(quick_size if arguments.quick else size)))
        except Exception:  # the others are measured all the same
            traceback.print_exc()
            failed.append(name)
            continue
        print(figures.markdown(), flush=True)
        print(f"({name}: {time.monotonic() - started:.0f} s)\n", file=sys.stderr, flush=True)
        if writes:  # after each, so that what is measured is not lost with what follows
            for path, text in figures.files.items():
                path.write_text(text)
            RESULTS.write_text(merged(RESULTS.read_text(), {figures.title: figures.markdown(measured=_how())}))
    if failed:
        print(f"Not measured: {', '.join(failed)}; see above why.", file=sys.stderr)
    return 1 if failed else 0


async def _within_limit(measuring: Awaitable[Figures]) -> Figures:
    async with asyncio.timeout(LIMIT_S):
        return await measuring


def _how() -> str:
    revision = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return (
        f"Measured on {clock.now():%Y-%m-%d} at revision {revision.stdout.strip() or 'unknown'} by `python -m bench` "
        f"on {machine()}."
    )


if __name__ == "__main__":
    sys.exit(main())
