"""`make bench`, or `python -m bench [latency|pages|trimming …] [--quick]`: measure and write RESULTS.md."""

import argparse
import asyncio
import logging
import re
import subprocess
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench import ingestion_memory, latency, memory, pages, throughput
from bench.figures import Figures, machine
from bench.helpdesk import measure as helpdesk
from bench.trimming import measure as trimming
from shared import clock

RESULTS = Path(__file__).parent / "RESULTS.md"
KEPT = "<!-- not by make bench -->"  # in a section that is written by hand and outlives the next measurement
# name -> (what to measure, size, size with --quick)
BENCHMARKS: dict[str, tuple[Callable[[int], Awaitable[Figures]], int, int]] = {
    "latency": (latency.measure, 100, 10),
    "throughput": (throughput.measure, 2_000, 100),
    "pages": (pages.measure, 100_000, 2_000),
    "memory": (memory.measure, 200, 20),
    "helpdesk": (helpdesk.measure, 2_000, 100),
    "trimming": (trimming.measure, 1_000, 50),
    "ingestion_memory": (ingestion_memory.measure, 20_000, 100),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(BENCHMARKS)}; none: all")
    parser.add_argument("--quick", action="store_true", help="small sizes, nothing written: does it still run?")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    sections = []
    for name, (measure, size, quick_size) in BENCHMARKS.items():
        if arguments.names and name not in arguments.names:
            continue
        figures = asyncio.run(_run(measure, quick_size if arguments.quick else size))
        print(figures.markdown(), flush=True)
        sections.append(figures.markdown())
    if not arguments.quick and not arguments.names:
        RESULTS.write_text(_report([*sections, *kept(RESULTS.read_text())]))


async def _run(measure: Callable[[int], Awaitable[Figures]], size: int) -> Figures:
    return await measure(size)


def kept(report: str) -> list[str]:
    """Sections of an earlier report that were measured by other means and say so."""
    _, *sections = re.split(r"^(?=## )", report, flags=re.MULTILINE)
    return [section.rstrip("\n") + "\n" for section in sections if KEPT in section]


def _report(sections: list[str]) -> str:
    revision = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    head = (
        "# Results\n\n"
        f"Measured on {clock.now():%Y-%m-%d} at revision {revision.stdout.strip() or 'unknown'} by `make bench` on "
        f"{machine()}; embedded PostgreSQL with fsync, mail server, browser and services all on that one machine.\n\n"
    )
    return head + "\n".join(sections)


if __name__ == "__main__":
    main()
