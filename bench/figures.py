"""How a measurement is told: percentiles, the machine, and a table in Markdown."""

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

TABLE = "|---|---|---|"  # below the heads of a table of figures


@dataclass
class Figures:
    """One benchmark's outcome: a heading, what was done, rows of (what, figure, aim), and files to write beside it."""

    title: str
    method: str
    rows: list[tuple[str, str, str]] = field(default_factory=list)
    files: dict[Path, str] = field(default_factory=dict)

    def add(self, what: str, figure: str, aim: str = "") -> None:
        self.rows.append((what, figure, aim))

    def markdown(self, *, measured: str = "") -> str:
        """The section; `measured` says when, where and at which revision."""
        lines = [f"## {self.title}", "", self.method, "", *([measured, ""] if measured else [])]
        lines += ["| what | measured | aim |", TABLE]
        lines += [f"| {what} | {figure} | {aim} |" for what, figure, aim in self.rows]
        return "\n".join(lines) + "\n"


def percentile(values: Sequence[float], percent: int) -> float:
    """Inclusive method: the 95th of 100 values is one of them or between two of them."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return (
        f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}"
    )
