"""Routing at fifty times a center's size: how quick it is, and that faults lose and repeat nothing."""

from bench.routing_scale.run import measure

__all__ = ["measure"]
