"""Erlang C: how long those wait who come at random to a number of people who each do one thing at a time.

A. K. Erlang (1917); as in G. Koole, Call Center Optimization (2013), chapter 3. Loads are in erlangs: arrivals per
hour times hours of handling. Without abandonment (Erlang A) on purpose: a mail or a voicemail does not hang up.
"""

from math import exp, inf, lgamma, log

MOST_SERVERS = 10_000


def blocked(servers: int, load: float) -> float:
    """Erlang B: the probability that all are busy when nobody queues."""
    if load <= 0:
        return 1.0 if servers == 0 else 0.0
    from scipy.special import pdtr  # here: it is a seventh of a process that may never plan anybody

    log_pmf = servers * log(load) - load - lgamma(servers + 1)
    at_most = float(pdtr(servers, load))
    # Where nearly all mass lies above, the quotient of two vanishing numbers is found by its recursion.
    if at_most > 0:
        return min(1.0, exp(log_pmf) / at_most)
    probability = 1.0
    for busy in range(1, servers + 1):
        probability = load * probability / (busy + load * probability)
    return probability


def waits(servers: int, load: float) -> float:
    """Erlang C: the probability of waiting at all. 1 when there are not enough people for the work."""
    if load <= 0:
        return 0.0
    if servers <= load:
        return 1.0
    lost = blocked(servers, load)
    return lost / (1 - load / servers * (1 - lost))


def mean_wait(servers: int, load: float, handle: float) -> float:
    """Of everybody, in the unit of `handle`, the mean time of handling one. Infinite when it never ends."""
    if load <= 0:
        return 0.0
    return inf if servers <= load else waits(servers, load) * handle / (servers - load)


def served_within(servers: int, load: float, handle: float, wait: float) -> float:
    """The share of those who are begun with within `wait`, in the unit of `handle`."""
    if load <= 0:
        return 1.0
    if servers <= load:
        return 0.0
    return 1 - waits(servers, load) * exp(-(servers - load) * wait / handle)


def required(load: float, handle: float, wait: float, share: float) -> int:
    """The fewest people with whom `share` (below 1) of the arrivals are begun with within `wait`."""
    if load <= 0:
        return 0
    servers = int(load) + 1
    while served_within(servers, load, handle, wait) < share and servers < MOST_SERVERS:
        servers += 1
    return servers
