"""TXT records for those who check senders: with a time-out, cached, and given up for a while when no server answers."""

import threading
import time
from collections.abc import Sequence
from typing import Protocol

import dns.exception
import dns.nameserver
import dns.resolver

LOOKUP_S = 1.0  # for one record
PATIENCE = 5  # lookups in a row without an answer; then nobody waits for DNS until AWAY_S have passed
AWAY_S = 60.0
CACHE_SIZE = 10_000


class DnsAway(Exception):
    """No answer in time: nothing is known about the record."""


class Txt(Protocol):
    """The TXT records of a name, each with its strings joined; none when there are none. Raises DnsAway."""

    def __call__(self, name: str, timeout_s: float) -> list[bytes]: ...


class Resolver:
    """Safe for threads. `servers`: addresses, with `:port` where it is not 53; none: those of the system."""

    def __init__(self, servers: Sequence[str] = ()) -> None:
        self._resolver = dns.resolver.Resolver(configure=False)
        self._configured = not servers
        if servers:
            self._resolver.nameservers = [_nameserver(server) for server in servers]
        self._resolver.cache = dns.resolver.LRUCache(CACHE_SIZE)
        self._lock = threading.Lock()
        self._unanswered = 0
        self._away_until = 0.0
        self.troubled: bool | None = None  # None until it is known

    def __call__(self, name: str, timeout_s: float) -> list[bytes]:
        self._read_system_configuration()
        if time.monotonic() < self._away_until:
            raise DnsAway(name)
        try:
            answer = self._resolver.resolve(name, "TXT", lifetime=max(0.05, min(LOOKUP_S, timeout_s)))
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            self._answered(True)
            return []
        except dns.exception.Timeout as error:
            self._answered(False)
            raise DnsAway(name) from error
        except (dns.exception.DNSException, OSError, ValueError, UnicodeError) as error:
            raise DnsAway(name) from error  # a server that fails for this name, or a name that is none
        self._answered(True)
        return [b"".join(record.strings) for record in answer]

    def _read_system_configuration(self) -> None:
        if not self._configured:
            return
        with self._lock:
            if self._configured:
                try:
                    self._resolver.read_resolv_conf("/etc/resolv.conf")
                except (dns.exception.DNSException, OSError) as error:
                    raise DnsAway("no DNS servers are configured") from error
                self._configured = False

    def _answered(self, answered: bool) -> None:
        with self._lock:
            self._unanswered = 0 if answered else self._unanswered + 1
            if answered:
                self.troubled = False
            elif self._unanswered >= PATIENCE:
                self._unanswered, self._away_until = 0, time.monotonic() + AWAY_S
                self.troubled = True


def _nameserver(server: str) -> dns.nameserver.Nameserver:
    host, colon, port = server.rpartition(":")
    if colon and port.isdigit() and ":" not in host:
        return dns.nameserver.Do53Nameserver(host, int(port))
    return dns.nameserver.Do53Nameserver(server.strip("[]"), 53)
