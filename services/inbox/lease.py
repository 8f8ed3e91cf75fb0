"""Who this process is on the row of a folder that it reads, and whether another reader is certainly dead.

The lease itself is SQL (`folders.py`). A reader that was killed leaves its lease to run out; one that lived in this
very PID namespace and is not there any more need not be waited for, so that a restarted inbox reads on at once.
"""

import os
import re
import secrets
import socket
from functools import cache
from pathlib import Path

_HOLDER = re.compile(r"(?P<shown>.+:(?P<pid>\d+))@(?P<place>\S+)#\S+")


@cache
def _place() -> str:
    """This boot's PID namespace, in which a process id means one thing; '' where the system does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def new_holder() -> str:
    """`host:pid@namespace#chance`: unique for each watcher, also of one process."""
    return f"{socket.gethostname()}:{os.getpid()}@{_place() or '-'}#{secrets.token_hex(6)}"


def is_dead(holder: str) -> bool:
    """Whether that reader's process is known to have ended. False wherever there is any doubt."""
    match = _HOLDER.fullmatch(holder)
    if match is None or not _place() or match["place"] != _place():
        return False
    try:
        os.kill(int(match["pid"]), 0)
    except ProcessLookupError:
        return True
    except OSError:  # it lives and is another user's
        return False
    return False
