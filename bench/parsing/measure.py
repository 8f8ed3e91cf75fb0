"""What one mail costs to be read, each in a process of its own: CPU seconds, and peak memory by its size.

`python -m bench.parsing.measure NAME SIZE` is that process; it prints both as JSON.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.figures import Figures
from bench.parsing.samples import CRAFTED, LARGE
from services.inbox.parse import Surroundings, parse
from services.inbox.same import fingerprint
from shared.blobs import Blobs

ROOT = Path(__file__).parents[2]
AROUND = Surroundings(own_addresses=frozenset({"help@center.example"}), secret="a secret of the center " * 3)
WORST = 6  # samples that are told one by one
CONSTANT = 48 * 2**20  # bytes that a mail of any size may take beside a multiple of its size
WARM = b"From: a@example.com\nContent-Type: text/html\n\n<p>warm</p>"


async def measure(size: int) -> Figures:
    """Every sample at `size` bytes and at a tenth of it."""
    figures = Figures(
        "Reading one mail, at worst",
        f"{len(LARGE)} large mails as people send them and {len(CRAFTED)} that are made to hurt "
        f"(`bench/parsing/samples.py`), of {size / 1e6:.1f} MB and of {size / 1e7:.2f} MB, each in a fresh process: "
        "read from the blob store, parsed, fingerprinted, its attachments stored. CPU: of the process. Memory: the "
        "highest resident set above that before the mail was read, libxml2's included, less 48 MiB, by its size.",
    )
    found: list[tuple[str, int, float, float]] = []
    for name in [*LARGE, *CRAFTED]:
        for bytes_ in (size, size // 10):
            cpu, peak, of = await asyncio.to_thread(_in_a_process, name, bytes_)
            found.append((name, of, cpu, peak))
    slowest = sorted(found, key=lambda each: each[2], reverse=True)
    largest = sorted(found, key=lambda each: (each[3] - CONSTANT) / each[1], reverse=True)
    for name, of, cpu, _ in slowest[:WORST]:
        figures.add(f"CPU: {name}, {of / 1e6:.1f} MB", f"{cpu:.2f} s", "at most 1 s")
    for name, of, _, peak in largest[:WORST]:
        ratio = max(0.0, (peak - CONSTANT) / of)
        figures.add(
            f"memory: {name}, {of / 1e6:.1f} MB", f"{ratio:.1f} × ({peak / 2**20:.0f} MiB)", "at most 4 × its size"
        )
    return figures


def _in_a_process(name: str, size: int) -> tuple[float, float, int]:
    """(CPU seconds, bytes at the peak, size of the mail)."""
    command = [sys.executable, "-W", "ignore", "-m", "bench.parsing.measure", name, str(size)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=300)
    told = json.loads(done.stdout)
    return told["cpu"], told["peak"], told["size"]


def _resident(what: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(what):
            return int(line.split()[1]) * 1024
    raise RuntimeError("the system does not tell a process's memory")


def one(name: str, size: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        blobs = Blobs(Path(folder))
        parse(WARM, AROUND)
        # Made in another process, so that making it leaves nothing behind here.
        program = (
            "import sys; from pathlib import Path; from bench.parsing.samples import CRAFTED, LARGE; "
            "from shared.blobs import Blobs; make = LARGE.get(sys.argv[1]) or CRAFTED[sys.argv[1]]; "
            "print(Blobs(Path(sys.argv[3])).put_sync(make(int(sys.argv[2]))))"
        )
        command = [sys.executable, "-c", program, name, str(size), folder]
        blob = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
        Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
        before, started = _resident("VmRSS"), time.process_time()
        read(blobs, blob)
        return {
            "cpu": time.process_time() - started,
            "peak": _resident("VmHWM") - before,
            "size": blobs.path(blob).stat().st_size,
        }


def read(blobs: Blobs, blob: str) -> None:
    """As the inbox does."""
    raw = blobs.get_sync(blob)
    parsed = parse(raw, AROUND)
    fingerprint(raw)
    for file in parsed.files:
        blobs.put_chunks_sync(file.content.chunks())


if __name__ == "__main__":
    print(json.dumps(one(sys.argv[1], int(sys.argv[2]))))
