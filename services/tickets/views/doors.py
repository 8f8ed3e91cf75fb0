"""The doors of recordings, as the page Health and the API show them: is it open, what came last, what to do."""

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock
from shared.models import Door, DoorKind, DoorState, Intake, Message
from shared.people import Actor, Permission
from shared.web.i18n import N_

SILENT = timedelta(minutes=5)  # the voicemail worker speaks of each door that it keeps once a minute
LOOK_BACK = timedelta(days=7)
KEPT = (DoorKind.SPOOL, DoorKind.AMI, DoorKind.FREESWITCH, DoorKind.ESL)  # by a process; the others are called upon
HINTS = {
    DoorKind.SPOOL: N_("Is the folder mounted, may the service read it, has the disk room?"),
    DoorKind.AMI: N_("Check host, port, user and secret in manager.conf. Messages arrive all the same, by the folder."),
    DoorKind.FREESWITCH: N_("Is the folder mounted, may the service read it, has the disk room?"),
    DoorKind.ESL: N_(
        "Check host, port, password and access list of the event socket. Messages arrive all the same, by the folder."
    ),
    DoorKind.CALLBACK: N_("Check user and password of the provider, and the hosts that are named in the settings."),
    DoorKind.EMAIL: N_("See Mailboxes above: voicemail by mail comes in with all other mail."),
    DoorKind.UPLOAD: N_("See the voicemail application."),
}
NO_PROCESS = N_("Nothing has been heard of it for a while: is the voicemail worker running?")
REFUSED_MAIL = N_(
    "Mail that looks like a voicemail and could not show where it is from became an ordinary ticket with a warning. If "
    "it was your phone system, name its host under the mailbox."
)
REFUSED_CALL = N_(
    "Requests with a wrong signature were refused. If they were your provider’s, check the token and the address as "
    "entered there."
)


class DoorView(BaseModel):
    """One way in for recordings."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(examples=["spool:pbx"])
    kind: DoorKind
    state: DoorState
    state_at: datetime
    error: str | None
    last_message_at: datetime | None
    last_ticket_id: int | None
    messages: int = Field(description="How many came through it first.")
    refused: int = Field(description="Knocked without showing that they may: in mail, of the last seven days.")
    last_refused_at: datetime | None
    hint: str = Field(description="What to do, when there is something to do.")


async def doors(session: AsyncSession, me: Actor) -> list[DoorView]:
    me.require(Permission.HEALTH_READ)
    rows = await session.execute(
        select(Door, Intake.ticket_id)
        .outerjoin(Intake, Intake.recording_id == Door.last_recording_id)
        .order_by(Door.kind, Door.name)
    )
    doubted = await session.scalar(
        select(func.count())
        .select_from(Message)
        .where(
            Message.voicemail.is_not(None),
            ~Message.voicemail["accepted"].as_boolean(),
            Message.created_at > clock.now() - LOOK_BACK,
        )
    )
    return [_view(door, ticket_id, doubted or 0) for door, ticket_id in rows]


def _view(door: Door, ticket_id: int | None, doubted: int) -> DoorView:
    silent = door.kind in KEPT and door.seen_at < clock.now() - SILENT
    state = DoorState.FAILED if silent else door.state
    refused = doubted if door.kind is DoorKind.EMAIL else door.refused
    hint = ""
    if silent:
        hint = NO_PROCESS
    elif state is DoorState.FAILED:
        hint = HINTS[door.kind]
    elif refused:
        hint = REFUSED_MAIL if door.kind is DoorKind.EMAIL else REFUSED_CALL
    return DoorView(
        name=door.name,
        kind=door.kind,
        state=state,
        state_at=door.state_at,
        error=door.error,
        last_message_at=door.last_message_at,
        last_ticket_id=ticket_id,
        messages=door.messages,
        refused=refused,
        last_refused_at=door.last_refused_at,
        hint=hint,
    )
