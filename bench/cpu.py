"""CPU time by part of the running house: what one mail costs, and whom."""

import os
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

from local.stack import Stack

PARTS = ("inbox", "tickets-worker", "tickets", "voicemail", "voicemail-worker")
SHARED = "mail server and measurement"


@dataclass
class Clock:
    """Seconds of CPU (user and system) that each part has used since it was asked first; peak memory beside it.

    The mail server and the measurement itself share this process and are counted as one.
    """

    stack: Stack
    _start: dict[str, float] = field(default_factory=dict)
    _first: dict[str, float] = field(default_factory=dict)
    _highest: dict[str, float] = field(default_factory=dict)

    def start(self) -> None:
        self._start = self._now()

    def look(self) -> None:
        """Note the memory of each service as it is now (resident, MiB)."""
        for name in PARTS:
            pid = self.stack.processes.pid(name)
            if pid is not None:
                resident = psutil.Process(pid).memory_info().rss / 2**20
                self._first.setdefault(name, resident)
                self._highest[name] = max(resident, self._highest.get(name, 0.0))

    def used(self) -> dict[str, float]:
        now = self._now()
        return {name: seconds - self._start.get(name, 0.0) for name, seconds in now.items()}

    def first(self, name: str) -> float:
        """At the first look."""
        return self._first.get(name, 0.0)

    def highest(self, name: str) -> float:
        return self._highest.get(name, 0.0)

    def _now(self) -> dict[str, float]:
        seconds: dict[str, float] = {}
        for name in PARTS:
            pid = self.stack.processes.pid(name)
            if pid is not None:
                seconds[name] = _of(psutil.Process(pid))
        seconds[SHARED] = sum(os.times()[:2])
        for name, pid in (("PostgreSQL", self.stack.postgres.pid), ("Redis", self.stack.redis.pid)):
            if pid is not None:
                seconds[name] = _of(psutil.Process(pid), ended=True)
        return seconds


def _of(process: psutil.Process, *, ended: bool = False) -> float:
    """Of a process; `ended`: with its children, those that live and those that are gone."""
    times = process.cpu_times()
    seconds = times.user + times.system
    if ended:
        seconds += times.children_user + times.children_system
        for child in process.children():
            with suppress(psutil.NoSuchProcess):
                of_child = child.cpu_times()
                seconds += of_child.user + of_child.system
    return float(seconds)
