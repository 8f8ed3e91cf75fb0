"""Resting memory of each process, after it has worked a little."""

import asyncio

import psutil

from bench.figures import Figures
from bench.mails import mail
from bench.rig import hire, open_always, running_stack
from local.config import HELP_ADDRESS

LIMITED = ("tickets", "tickets-worker", "inbox")


def _mib(pid: int) -> tuple[float, float]:
    """Proportional and unique set size of a process and its children, in MiB: shared pages are counted once."""
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    infos = [each.memory_full_info() for each in family]
    return sum(info.pss for info in infos) / 2**20, sum(info.uss for info in infos) / 2**20


async def measure(mails: int) -> Figures:
    figures = Figures(
        "Memory",
        f"Every service as its own process; after {mails} mails were taken in and routed, 20 s of rest. PSS: shared "
        "pages are divided among those who share them.",
    )
    async with running_stack(speech=True) as (stack, database):
        await open_always(database)
        await hire(database, 2)
        for number in range(mails):
            await stack.mail.deliver(HELP_ADDRESS, mail(number).as_bytes())
        await asyncio.sleep(20 + mails / 20)
        total = 0.0
        for name in ("tickets", "tickets-worker", "inbox", "voicemail", "voicemail-worker"):
            pid = stack.processes.pid(name)
            if pid is None:
                raise RuntimeError(f"{name} does not run")
            pss, uss = _mib(pid)
            if name in LIMITED:
                total += pss
            figures.add(name, f"{pss:.0f} MiB (its own alone: {uss:.0f})")
        figures.add("all but voicemail together", f"{total:.0f} MiB", "under 400 MiB")
    return figures
