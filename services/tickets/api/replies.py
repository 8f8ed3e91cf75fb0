"""Replies by mail: their files, sending them, taking them back, and sending again what did not arrive."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Query, Response, UploadFile
from pydantic import BaseModel, Field

from services.tickets import deliveries, desk, files, reply_files, signatures, way_out
from services.tickets.api.common import BIGINT, Body, Id, Number, Reason
from services.tickets.api.files import BYTES
from services.tickets.signatures import Signature
from services.tickets.views.deliveries import file_view, status_of
from services.tickets.views.models import DeliveryStatus, FileView
from shared import clock
from shared.errors import Invalid
from shared.models import Delivery, TicketState
from shared.people import Permission
from shared.web.depends import BlobStore, Cfg, Me, Tx
from shared.web.idempotency import Idempotent

router = APIRouter(prefix="/api/v1", tags=["tickets"])

Address = Annotated[str, Field(min_length=3, max_length=254, examples=["ana@example.com"])]
Addresses = Annotated[list[Address], Field(max_length=20)]


class NewReply(Body):
    text: Annotated[
        str,
        Field(
            min_length=1,
            max_length=100_000,
            description="Markdown. `![…](cid:…)` shows a file of `file_ids` by its `content_id`.",
            examples=["Buenos días, Ana:\n\nSu factura…"],
        ),
    ]
    to: Addresses | None = Field(default=None, description="None: whoever wrote last.")
    cc: Addresses = Field(default=[])
    then: Literal["waiting", "closed"] | None = Field(default=None, description="What becomes of the ticket.")
    seen_entry_id: Annotated[int, Field(ge=1, le=BIGINT)] | None = Field(
        default=None, description="The last timeline entry you have read: 409 when the customer wrote since."
    )
    file_ids: list[Number] = Field(default=[], max_length=20, description="Files uploaded for this ticket before.")
    confirm_release: Reason | None = Field(
        default=None, description="Why facts of the account may go to a recipient whom nobody verified."
    )


CONFIRM: dict[str, Any] = {
    "description": "Facts of an account would leave to somebody unverified: confirm it with a reason.",
    "content": {
        "application/problem+json": {
            "schema": {"$ref": "#/components/schemas/Problem"},
            "example": {
                "type": "/api/problems/confirm-release",
                "title": "This needs to be confirmed first.",
                "status": 428,
                "detail": "This reply has facts of the account, and nobody has made sure that ana@example.com is the "
                "customer.",
                "found": [{"kind": "amount", "found": "$412.77", "quote": "Your October bill came to $412.77."}],
                "unverified": [{"address": "ana@example.com", "standing": "not_verified"}],
            },
        }
    },
}


class AgainBody(Body):
    to: Addresses | None = Field(default=None, description="None: as it was.")
    cc: Addresses | None = Field(default=None, description="None: as it was.")
    confirm_release: Reason | None = Field(
        default=None, description="Why facts of the account may go to another address whose owner nobody verified."
    )


class DeliveryAnswer(BaseModel):
    delivery_id: int
    status: DeliveryStatus
    undo_until: datetime | None = Field(
        description="Until then it waits for second thoughts; null when it leaves at once."
    )
    to: list[str]
    cc: list[str]
    subject: str
    language: str


class WrittenView(BaseModel):
    """A reply that was taken back, as it can be sent again."""

    text: str
    to: list[str]
    cc: list[str]
    then: str
    file_ids: list[int]


def _answer(sent: Delivery) -> DeliveryAnswer:
    return DeliveryAnswer(
        delivery_id=sent.id,
        status=status_of(sent, [], clock.now()),
        undo_until=sent.undo_until,
        to=sent.to_addresses,
        cc=sent.cc_addresses or [],
        subject=sent.subject,
        language=sent.language,
    )


@router.post(
    "/tickets/{ticket_id}/replies",
    status_code=201,
    summary="Reply to the customer by mail",
    response_model=DeliveryAnswer,
    responses={428: CONFIRM},
)
async def reply(session: Tx, settings: Cfg, me: Me, once: Idempotent, ticket_id: Id, body: NewReply) -> Any:
    """Send an `Idempotency-Key`: a repeated request must not become a second mail.

    428 when the reply has facts of an account and nobody has made sure who gets them: the problem lists them as `found`
    and the recipients as `unverified`. To send it all the same, say why in `confirm_release`; that is audited.
    """

    async def work() -> DeliveryAnswer:
        me.require(Permission.TICKET_WORK)
        sent = await desk.reply(
            session,
            settings,
            me,
            ticket_id,
            text=body.text,
            to=body.to,
            cc=body.cc,
            then=TicketState(body.then) if body.then else None,
            seen_entry_id=body.seen_entry_id,
            file_ids=body.file_ids,
            release_reason=body.confirm_release.reason if body.confirm_release else None,
        )
        return _answer(sent)

    return await once.run(work)


@router.post("/tickets/{ticket_id}/replies/{delivery_id}/undo", summary="Take a reply back before it leaves")
async def undo(session: Tx, settings: Cfg, me: Me, ticket_id: Id, delivery_id: Id) -> WrittenView:
    """Possible as long as nothing was handed to the mail server (`held`, `queued`, `delayed`); 409 afterwards. The
    ticket is again what it was before, and the files can be sent with another reply."""
    written = await deliveries.take_back(session, settings, me, ticket_id, delivery_id)
    return WrittenView(
        text=written.text, to=written.to, cc=written.cc, then=written.then, file_ids=written.file_ids
    )  # fmt: skip


@router.post(
    "/tickets/{ticket_id}/replies/{delivery_id}/again",
    status_code=201,
    summary="Send a reply again that failed or came back",
    response_model=DeliveryAnswer,
    responses={428: CONFIRM},
)
async def again(
    session: Tx, settings: Cfg, me: Me, once: Idempotent, ticket_id: Id, delivery_id: Id, body: AgainBody
) -> Any:
    """To the same addresses it is the same mail with the same Message-ID; to others it is a new one.

    428 as for a reply, when facts of an account would go to another address and nobody has made sure whose it is.
    """

    async def work() -> DeliveryAnswer:
        me.require(Permission.TICKET_WORK)
        sent = await deliveries.send_again(
            session, settings, me, ticket_id, delivery_id, to=body.to, cc=body.cc,
            release_reason=body.confirm_release.reason if body.confirm_release else None,
        )  # fmt: skip
        return _answer(sent)

    return await once.run(work)


@router.post("/tickets/{ticket_id}/files", status_code=201, summary="Upload files for a reply")
async def upload(
    session: Tx,
    settings: Cfg,
    me: Me,
    blobs: BlobStore,
    ticket_id: Id,
    uploads: Annotated[list[UploadFile], File(alias="files", description="One or several.")] = [],  # noqa: B006
) -> list[FileView]:
    """As `multipart/form-data`. They wait a week for the reply that names them in `file_ids`."""
    me.require(Permission.TICKET_WORK)
    if not uploads:
        raise Invalid("Send at least one file.", field="files")
    return [
        file_view(
            await reply_files.upload(
                session, settings, blobs, me, ticket_id,
                filename=each.filename or "", content_type=each.content_type or "", data=await each.read(),
            )
        )
        for each in uploads
    ]  # fmt: skip


@router.get(
    "/tickets/{ticket_id}/files/{file_id}", summary="Download a file of a reply", response_class=Response,
    responses=BYTES,
)  # fmt: skip
async def download(
    session: Tx,
    me: Me,
    blobs: BlobStore,
    ticket_id: Id,
    file_id: Id,
    inline: Annotated[bool, Query(description="Show it, when it is a picture.")] = False,
) -> Response:
    blob, content_type, name = await files.reply_file(session, me, ticket_id, file_id)
    return files.download(blobs, blob, content_type=content_type, filename=name, inline=inline)


@router.delete("/tickets/{ticket_id}/files/{file_id}", status_code=204, summary="Forget a file that was not sent")
async def remove(session: Tx, me: Me, ticket_id: Id, file_id: Id) -> None:
    await reply_files.remove(session, me, ticket_id, file_id)


@router.get("/me/signature", summary="What stands under my replies", tags=["me"])
async def my_signature(session: Tx, me: Me) -> Signature:
    return await signatures.of_person(session, me.id)


@router.put("/me/signature", summary="Change what stands under my replies", tags=["me"])
async def set_signature(session: Tx, me: Me, body: Signature) -> Signature:
    """In each language; empty: my name. The center's own lines are the template `signature`."""
    return await signatures.set_own(session, me, body)


@router.get("/no-acknowledgements", summary="Who asked for no automatic confirmations")
async def list_quiet(session: Tx, me: Me) -> list[way_out.Quiet]:
    """Newest first: by the List-Unsubscribe of an acknowledgement. Safety instructions are sent all the same."""
    return await way_out.list_quiet(session, me)


@router.delete("/no-acknowledgements/{address}", status_code=204, summary="Confirm automatically again")
async def allow_again(session: Tx, me: Me, address: Address) -> None:
    """When the customer wants it."""
    await way_out.allow_again(session, me, address)
