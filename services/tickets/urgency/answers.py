"""Which approved text answers a message at once: pure, from its topic, its words and what is urgent in them."""

from services.tickets.priority import Triage
from services.tickets.topics import EMERGENCY
from services.tickets.urgency.find import says
from services.tickets.urgency.kinds import Kind
from shared.models import SafetyKey

# These do not wait for the hour of a plain acknowledgement.
AT_ONCE = frozenset({SafetyKey.DANGER, SafetyKey.GAS, SafetyKey.WIRE, SafetyKey.CRISIS})


def text_for(triage: Triage, text: str) -> SafetyKey | None:
    """What goes out, the gravest first. None: the plain acknowledgement."""
    if triage.topic == EMERGENCY:
        return danger_of(text)
    if triage.has(Kind.CRISIS):
        return SafetyKey.CRISIS
    if any(each.kind is Kind.LIFE_SUPPORT and each.at_risk for each in triage.findings):
        return SafetyKey.LIFE_SUPPORT
    if triage.has(Kind.DISCONNECTED, Kind.DISCONNECTION):
        return SafetyKey.SHUTOFF
    return None


def danger_of(text: str) -> SafetyKey:
    """Gas or a wire where the words name that one danger only; else the text that is right for all."""
    gas, wire, other = (says(section, text) for section in ("gas", "wire", "other_danger"))
    if gas and not wire and not other:
        return SafetyKey.GAS
    if wire and not gas and not other:
        return SafetyKey.WIRE
    return SafetyKey.DANGER
