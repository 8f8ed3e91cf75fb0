"""`make soak`, or `python -m tests.soak`: a calm run and a soaked one of the same mails, compared."""

import argparse
import asyncio
import logging
import signal
import sys
import warnings
from contextlib import suppress

from bench.figures import machine
from tests.soak.outcome import told
from tests.soak.run import Told, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--size", type=int, default=10_000, help="mails")
    parser.add_argument("--seed", type=int, default=1, help="of the mails and of the faults")
    parser.add_argument("--pause", type=float, default=2.0, help="seconds from one fault to the next, on average")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    with suppress(asyncio.CancelledError):
        return asyncio.run(_soak(arguments.seed, arguments.size, arguments.pause))
    return 2


async def _soak(seed: int, size: int, pause_s: float) -> int:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)  # stops what was started, as Ctrl-C does
    print(f"Seed {seed}, {size} mails, on {machine()}.\nA calm run:", flush=True)
    calm = await run(seed, size, pause_s=None, say=_say)
    print("The same mails while everything fails:", flush=True)
    soaked = await run(seed, size, pause_s=pause_s, say=_say)
    return report(calm, soaked)


def report(calm: Told, soaked: Told) -> int:
    """Print the outcome; 0 when it is as it must be."""
    faults = [*(f"calm: {fault}" for fault in calm.outcome.faults), *soaked.outcome.faults]
    differences = soaked.outcome.differences(calm.outcome)
    print(f"\nCaused in {soaked.seconds:.0f} s: " + ", ".join(f"{n} × {name}" for name, n in
          sorted(soaked.faults_caused.items())) + f"; {soaked.cuts} connections cut")  # fmt: skip
    print(", ".join(f"{count} {name}" for name, count in soaked.outcome.counts.items()))
    print(f"{soaked.replayed} dead letters replayed after the defects they died of were repaired")
    print(f"{soaked.repeated} requests of CSRs repeated; {soaked.outcome.unknown} deliveries of unknown fate, of which "
          f"{soaked.outcome.arrived} had arrived")  # fmt: skip
    print(f"{len(faults)} faults, {len(differences)} differences from the calm run")
    print(told([*faults, *differences]))
    return 1 if faults or differences else 0


def _say(words: str) -> None:
    print(f"  {words}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
