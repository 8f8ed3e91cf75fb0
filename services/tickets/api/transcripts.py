"""What was heard in a voicemail, and what people say was said."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from services.tickets import transcripts
from services.tickets.api.common import Body, Id
from services.tickets.views.models import CorrectionView, PersonRef, TranscriptView
from shared.people import Permission
from shared.web.depends import Cfg, Me, Tx
from shared.web.idempotency import Idempotent

router = APIRouter(prefix="/api/v1", tags=["tickets"])


class NewCorrection(Body):
    text: str = Field(
        max_length=transcripts.MAX_CHARACTERS,
        description="The whole text, as it was said. Empty: nobody said anything.",
        examples=["Habla Rosa López. Huele a gas en mi casa."],
    )
    language: Annotated[str, Field(pattern="^([a-z]{2}|mixed|unknown)?$")] = Field(
        default="", description="Given, it becomes the ticket's, which is routed again.", examples=["es"]
    )
    based_on: int | None = Field(
        default=None, ge=0, description="The version that you saw; 0 is the machine's. 409 when there is a newer one."
    )


@router.get("/tickets/{ticket_id}/recordings/{recording_id}/transcript", summary="What was heard in a voicemail")
async def transcript(session: Tx, me: Me, ticket_id: Id, recording_id: Id) -> TranscriptView:
    """`text` and `segments` are the machine's and never change; `corrections` are what people wrote, newest first."""
    return await transcripts.transcript_of(session, me, ticket_id, recording_id)


@router.post(
    "/tickets/{ticket_id}/recordings/{recording_id}/corrections",
    status_code=201,
    summary="Correct a transcript",
    response_model=CorrectionView,
)
async def correct(
    session: Tx, settings: Cfg, me: Me, once: Idempotent, ticket_id: Id, recording_id: Id, body: NewCorrection
) -> Any:
    """A new version beside the others. What the caller wants, and what is found, follow it."""

    async def work() -> CorrectionView:
        me.require(Permission.TICKET_WORK)
        made = await transcripts.correct(
            session, settings, me, ticket_id, recording_id, body.text, language=body.language, based_on=body.based_on
        )
        return CorrectionView(
            version=made.version,
            text=made.text,
            language=made.language,
            by=PersonRef(id=me.id, name=me.name),
            at=made.created_at,
        )

    return await once.run(work)
