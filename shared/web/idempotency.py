"""`Idempotency-Key`: a request that is sent again is answered again, and done once."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Header, Request
from pydantic import BaseModel
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import JSONResponse, Response

from shared import clock
from shared.errors import CentralitaError
from shared.models import IdempotencyKey
from shared.people import Actor
from shared.web.depends import Me, Tx

KEPT = timedelta(hours=24)


class KeyReused(CentralitaError):
    """The same Idempotency-Key was sent with another request: use a new key for a new request."""

    status = 422
    slug = "idempotency-key-reused"


@dataclass(frozen=True)
class Once:
    """Runs the work of this request at most once per key, in the request's own transaction."""

    request: Request
    session: AsyncSession
    me: Actor
    key: str | None

    async def run(
        self,
        work: Callable[[], Awaitable[BaseModel]],
        *,
        status: int = 201,
        location: Callable[[BaseModel], str] | None = None,
        fingerprint: bytes | None = None,
    ) -> Response:
        """`fingerprint`: what makes the request this one, when its body was a stream; else the body itself.

        The key's row is written first. Whoever sends the same key meanwhile waits here for our commit and then
        finds our answer; if we fail, our row goes with everything else and the other one does the work.
        """
        if self.key is None:
            body = await work()
            return self._answer(status, self._kept(body, location))
        digest = await self._digest(fingerprint)
        await self.session.execute(
            delete(IdempotencyKey).where(
                IdempotencyKey.person_id == self.me.id,
                IdempotencyKey.key == self.key,
                IdempotencyKey.created_at < clock.now() - KEPT,
            )
        )
        ours = await self.session.scalar(
            insert(IdempotencyKey)
            .values(person_id=self.me.id, key=self.key, request_hash=digest, status=0, body={}, created_at=clock.now())
            .on_conflict_do_nothing()
            .returning(IdempotencyKey.key)
        )
        if ours is None:
            return await self._again(digest)
        kept = self._kept(await work(), location)
        await self.session.execute(
            update(IdempotencyKey)
            .where(IdempotencyKey.person_id == self.me.id, IdempotencyKey.key == self.key)
            .values(status=status, body=kept)
        )
        return self._answer(status, kept)

    async def _digest(self, fingerprint: bytes | None) -> bytes:
        body = fingerprint if fingerprint is not None else await self.request.body()
        head = f"{self.request.method} {self.request.url.path}?{self.request.url.query}\n"
        return hashlib.sha256(head.encode() + body).digest()

    async def _again(self, digest: bytes) -> Response:
        row = (
            await self.session.scalars(
                select(IdempotencyKey).where(IdempotencyKey.person_id == self.me.id, IdempotencyKey.key == self.key)
            )
        ).one()
        if row.request_hash != digest:
            raise KeyReused("This Idempotency-Key was used for another request. Use a new key for a new request.")
        return self._answer(row.status, row.body, {"Idempotency-Replayed": "true"})

    @staticmethod
    def _kept(body: BaseModel, location: Callable[[BaseModel], str] | None) -> dict[str, object]:
        return {"body": body.model_dump(mode="json"), "location": location(body) if location else None}

    @staticmethod
    def _answer(status: int, kept: dict[str, object], headers: dict[str, str] | None = None) -> Response:
        headers = dict(headers or {})
        if kept["location"]:
            headers["Location"] = str(kept["location"])
        return JSONResponse(kept["body"], status, headers)


async def _once(
    request: Request,
    session: Tx,
    me: Me,
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            min_length=8,
            max_length=200,
            pattern=r"^[\x21-\x7e]+$",
            description="Send the same key again when you do not know whether a request arrived: it is done once "
            "and answered the same for 24 hours.",
            examples=["8e03978e-40d5-43e8-bc93-6894a57f9324"],
        ),
    ] = None,
) -> Once:
    return Once(request, session, me, key)


Idempotent = Annotated[Once, Depends(_once)]
