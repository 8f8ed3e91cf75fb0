"""Who may do what: the one table of permissions that the API, the pages and the tests read."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from shared.errors import Forbidden
from shared.models import CertificationMode, Role


class Permission(StrEnum):
    """`noun.verb`; also the scopes of access tokens."""

    TICKET_READ = "ticket.read"  # see tickets, their mail and recordings
    TICKET_WORK = "ticket.work"  # accept, decline, reply, note, correct, close
    TICKET_CREATE = "ticket.create"  # phone and walk-in contacts
    TICKET_ASSIGN = "ticket.assign"  # assign and reassign anything
    PRESENCE_SET = "presence.set"  # one's own
    PRESENCE_SET_OTHERS = "presence.set_others"
    CAPACITY_WRITE = "capacity.write"  # how much somebody may hold at one time
    BOARD_READ = "board.read"
    ALERT_TAKE = "alert.take"
    GREETING_READ = "greeting.read"
    GREETING_WRITE = "greeting.write"  # upload, activate, roll back
    RECORDING_UPLOAD = "recording.upload"
    PEOPLE_READ = "people.read"
    PEOPLE_WRITE = "people.write"
    CERTIFY = "certification.write"
    HOURS_WRITE = "hours.write"
    SHIFT_WRITE = "shift.write"  # plan who works when
    TARGET_WRITE = "target.write"  # what customers are promised in time
    TEMPLATE_WRITE = "template.write"
    SAFETY_TEXT_APPROVE = "safety_text.approve"  # what is sent at once to somebody in danger
    AUDIT_READ = "audit.read"
    HEALTH_READ = "health.read"
    DEAD_LETTER_REPLAY = "dead_letter.replay"
    MAILBOX_WRITE = "mailbox.write"  # add, change, test, pause and remove; to look at them takes health.read


P = Permission
_INTERN = {P.TICKET_READ, P.TICKET_WORK, P.TICKET_CREATE, P.PRESENCE_SET, P.GREETING_READ}
_CSR1 = _INTERN
_CSR2 = _CSR1 | {P.GREETING_WRITE, P.RECORDING_UPLOAD}
_SUPERVISOR = _CSR2 | {
    P.TICKET_ASSIGN, P.BOARD_READ, P.ALERT_TAKE, P.PRESENCE_SET_OTHERS, P.CAPACITY_WRITE, P.PEOPLE_READ, P.CERTIFY,
    P.HOURS_WRITE, P.TARGET_WRITE, P.SHIFT_WRITE, P.TEMPLATE_WRITE, P.SAFETY_TEXT_APPROVE,
    P.HEALTH_READ,
}  # fmt: skip
_MANAGER = _SUPERVISOR | {P.PEOPLE_WRITE, P.AUDIT_READ}

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.INTERN: frozenset(_INTERN),
    Role.CSR1: frozenset(_CSR1),
    Role.CSR2: frozenset(_CSR2),
    Role.SUPERVISOR: frozenset(_SUPERVISOR),
    Role.MANAGER: frozenset(_MANAGER),
    Role.ADMINISTRATOR: frozenset(Permission),
    # Machines: a phone system that uploads recordings, a script that reads tickets.
    Role.SERVICE: frozenset({P.TICKET_READ, P.TICKET_CREATE, P.RECORDING_UPLOAD, P.HEALTH_READ}),
}


@dataclass(frozen=True)
class Actor:
    """Whoever is asking, resolved once per request. `scopes` narrows a token; None for a browser session."""

    id: int
    name: str
    email: str
    role: Role
    ui_language: str = "en"
    scopes: frozenset[str] | None = None
    ip: str = ""
    csrf_token: str = field(default="", repr=False)

    def may(self, permission: Permission) -> bool:
        granted = permission in PERMISSIONS[self.role]
        return granted and (self.scopes is None or permission.value in self.scopes)

    def require(self, permission: Permission) -> None:
        """Raises Forbidden, which the web layer audits."""
        if permission not in PERMISSIONS[self.role]:
            raise Forbidden(
                "Your role does not allow this. If you need it for your work, ask your supervisor ({permission}).",
                permission=permission.value,
            )
        if self.scopes is not None and permission.value not in self.scopes:
            raise Forbidden("This token does not have the scope {permission}.", permission=permission.value)


def certification_is_valid(verified_on: date, valid_until: date | None, revoked: bool, on: date) -> bool:
    return not revoked and verified_on <= on and (valid_until is None or on <= valid_until)


# Which certificate a channel needs: a mail is answered in writing, a voicemail by calling back.
CHANNEL_MODE = {
    "email": CertificationMode.WRITTEN,
    "voicemail": CertificationMode.SPOKEN,
    "phone": CertificationMode.SPOKEN,
    "walk_in": CertificationMode.SPOKEN,
}
