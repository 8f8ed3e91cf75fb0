"""Peak memory of the inbox while it takes in a full mailbox: it must not grow with the number of mails."""

from pathlib import Path

from bench.figures import Figures
from bench.mails import mail
from bench.parsing.samples import HEAD, attached
from bench.rig import running_stack
from bench.throughput import count, reached
from local.config import HELP_ADDRESS
from local.stack import services

ATTACHED_BYTES = 20_000
HUGE_BYTES = 50_000_000  # more than `max_parse_bytes`


def peak_mib(pid: int) -> float:
    """The highest resident set size so far (VmHWM of proc(5))."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the system does not tell a process's peak memory")


async def take_in(mails: int) -> float:
    """The peak of a fresh inbox process that finds so many mails of 30 kB, in MiB."""
    async with running_stack(services=False) as (stack, database):
        for number in range(mails):
            message = mail(number)
            message.add_attachment(bytes([number % 251]) * ATTACHED_BYTES, "application", "pdf", filename="bill.pdf")
            await stack.mail.deliver(HELP_ADDRESS, message.as_bytes())
        await stack.processes.start(next(each for each in services(stack.config) if each.name == "inbox"))
        await stack.processes.ready("inbox")
        parsed = "SELECT count(*) FROM mail_receipt WHERE state = 'parsed'"
        await reached(lambda: count(database, parsed), mails, within_s=1_200)
        pid = stack.processes.pid("inbox")
        if pid is None:
            raise RuntimeError("the inbox does not run")
        return peak_mib(pid)


async def take_in_one(size: int) -> tuple[float, float]:
    """(before, at the peak), in MiB, of an inbox that takes in one mail of so many bytes, until it is a ticket."""
    async with running_stack(services=False) as (stack, database):
        started = [each for each in services(stack.config) if each.name in ("inbox", "tickets-worker")]
        for service in started:
            await stack.processes.start(service)
            await stack.processes.ready(service.name)
        pid = stack.processes.pid("inbox")
        if pid is None:
            raise RuntimeError("the inbox does not run")
        await stack.mail.deliver(HELP_ADDRESS, mail(0).as_bytes())
        await reached(lambda: count(database, "SELECT count(*) FROM ticket"), 1, within_s=120)
        before = peak_mib(pid)
        await stack.mail.deliver(HELP_ADDRESS, HEAD + attached(size))
        await reached(lambda: count(database, "SELECT count(*) FROM ticket"), 2, within_s=300)
        shown = "SELECT count(*) FROM message m JOIN attachment a ON a.message_id = m.id"
        shown += " WHERE m.defects @> '[\"too large to display\"]' AND a.size > 30000000"
        if await count(database, shown) != 1:
            raise RuntimeError("the large mail is not shown as such, with its attachment")
        return before, peak_mib(pid)


async def measure(mails: int) -> Figures:
    figures = Figures(
        "Memory of the inbox, by size of the mailbox",
        "A fresh inbox process finds a mailbox of that many mails of 30 kB and takes them in, to message rows; its "
        "highest resident set. Beside the mails it keeps the UIDs, about 100 bytes each.",
    )
    few = await take_in(mails // 10)
    many = await take_in(mails)
    figures.add(f"{mails // 10:,} mails", f"{few:.0f} MiB")
    figures.add(f"{mails:,} mails", f"{many:.0f} MiB", "at most 20 MiB more")
    before, peak = await take_in_one(HUGE_BYTES)
    figures.add(
        f"one mail of {HUGE_BYTES / 1e6:.0f} MB through IMAP, kept, with its attachment, on a ticket",
        f"{peak:.0f} MiB ({peak - before:.0f} more than before, {(peak - before) * 2**20 / HUGE_BYTES:.1f} × the mail)",
        "at most 4 × the mail more",
    )
    return figures
