"""What stands between a version and its callers: pure, and the same for pages, programs and whoever asks beforehand."""

from collections.abc import Collection
from enum import StrEnum

from shared.errors import Conflict
from shared.models import (
    ApprovalDecision,
    GreetingApproval,
    GreetingCheck,
    GreetingCheckState,
    GreetingSource,
    GreetingVersion,
    Situation,
)
from shared.settings import Settings
from shared.web.i18n import N_


class Obstacle(StrEnum):
    """Why a version is not published just so."""

    WRONG_LANGUAGE = "wrong_language"
    REJECTED = "rejected"
    NOT_APPROVED = "not_approved"
    DRAFT = "draft"
    UNCHECKED = "unchecked"


# What a person may answer for with an explicit word; the rest has to be put right.
CONFIRMABLE = frozenset({Obstacle.DRAFT, Obstacle.UNCHECKED})

SENTENCES: dict[Obstacle, str] = {
    Obstacle.WRONG_LANGUAGE: N_(
        "This recording is not in the language of its slot: its callers would not understand it. Record it again, or "
        "upload it to the other language."
    ),
    Obstacle.REJECTED: N_("A second person has rejected this version. Make another, or ask them to approve it."),
    Obstacle.NOT_APPROVED: N_("A second person must approve this version first: somebody other than its author."),
    Obstacle.DRAFT: N_(
        "This is a draft read aloud by a machine. Record it with a voice, or confirm that callers shall hear the draft."
    ),
    Obstacle.UNCHECKED: N_(
        "Nobody has listened to this recording for its language yet: the check takes a moment. Wait for it, or confirm "
        "that you have listened to it yourself."
    ),
}


class NotPublishable(Conflict):
    """`obstacle` says why; of some, the request may be sent again with it in `confirm`."""

    slug = "greeting-not-publishable"

    def __init__(self, obstacle: Obstacle, version_id: int) -> None:
        super().__init__(SENTENCES[obstacle])
        self.obstacle, self.version_id = obstacle, version_id

    def extension(self) -> dict[str, object]:
        return {
            "obstacle": self.obstacle.value,
            "version_id": self.version_id,
            "confirmable": self.obstacle in CONFIRMABLE,
        }


def obstacles(
    version: GreetingVersion,
    situation: Situation,
    approval: GreetingApproval | None,
    check: GreetingCheck | None,
    settings: Settings,
) -> list[Obstacle]:
    """In the order in which they are to be put right. `approval` is the newest."""
    found: list[Obstacle] = []
    if check is not None and check.wrong_language:
        found.append(Obstacle.WRONG_LANGUAGE)
    # Gas does not wait for a second person. The audit log says that there was none.
    if settings.greeting_approval and situation is not Situation.EMERGENCY:
        if approval is not None and approval.decision is ApprovalDecision.REJECTED:
            found.append(Obstacle.REJECTED)
        elif approval is None or approval.person_id == version.author_id:
            found.append(Obstacle.NOT_APPROVED)
    if version.source is GreetingSource.TTS:
        found.append(Obstacle.DRAFT)
    waiting = check is not None and check.state is GreetingCheckState.WAITING
    if waiting and situation is not Situation.EMERGENCY:
        found.append(Obstacle.UNCHECKED)
    return found


def refuse(version_id: int, found: Collection[Obstacle], confirmed: Collection[Obstacle]) -> None:
    """Raises NotPublishable for the first that nobody has answered for."""
    for each in found:
        if each not in CONFIRMABLE or each not in confirmed:
            raise NotPublishable(each, version_id)
