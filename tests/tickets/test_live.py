"""Whose screens hear of what."""

from services.tickets.live import concerns
from shared.events import Event
from shared.models import Role
from shared.people import Actor


def test_who_hears_what() -> None:
    csr = Actor(1, "Carla", "c@example.org", Role.CSR1)
    lead = Actor(2, "Sofía", "s@example.org", Role.SUPERVISOR)
    offer = Event("offer", 9, people=(1,), what="offered")
    assert concerns(csr, offer)
    assert not concerns(Actor(3, "Inés", "i@example.org", Role.INTERN), offer)
    assert concerns(lead, offer)
    assert concerns(csr, Event("ticket", 1))
    assert not concerns(csr, Event("alert", 1))
    assert not concerns(csr, Event("problem"))
    assert concerns(lead, Event("problem"))
    assert concerns(csr, Event("presence", 1))
    assert not concerns(csr, Event("presence", 2))
    assert not concerns(csr, Event("something new"))
