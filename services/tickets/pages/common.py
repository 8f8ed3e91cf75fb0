"""What every page of the workspace shares: its frame's facts, savepoints around actions, and flashed answers."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import HTMLResponse, Response

from services.tickets.pages import wording_urgency
from services.tickets.topics import taxonomy
from services.tickets.views.presence import presences
from shared import clock
from shared.errors import CentralitaError, Forbidden, NotFound, NotSignedIn
from shared.people import Actor, Permission
from shared.web import pages
from shared.web.context import language_of
from shared.web.depends import Me, Tx
from shared.web.i18n import translate
from shared.web.security import safe_next

T = TypeVar("T")


@dataclass(frozen=True)
class Screen:
    """One request for a page: who asks, in which transaction, and how to answer."""

    request: Request
    session: AsyncSession
    me: Actor

    @property
    def language(self) -> str:
        return language_of(self.request, self.me)

    def say(self, message: str, /, **values: object) -> str:
        return translate(self.language, message, **values)

    async def render(
        self, template: str, *, status_code: int = 200, headers: Mapping[str, str] | None = None, **context: Any
    ) -> HTMLResponse:
        presence = None
        if self.me.may(Permission.PRESENCE_SET):
            presence = (await presences(self.session, [self.me.id]))[self.me.id]
        return pages.render(
            self.request,
            template,
            me=self.me,
            status_code=status_code,
            headers=headers,
            **{"presence": presence, **self._words(), **context},
        )

    def fragment(self, template: str, **context: Any) -> HTMLResponse:
        """A part of a page for htmx to put in its place."""
        return pages.render(
            self.request,
            template,
            me=self.me,
            headers={"X-Fragment": "1"},
            **{**self._words(), **context},
        )

    def _words(self) -> dict[str, Any]:
        """What every template needs beside the words of the store's values."""
        now = clock.now()
        today = now.astimezone(ZoneInfo(self.timezone)).date()
        return {
            "now": now,
            "topic_name": self.topic_name,
            "urgency_word": lambda found: wording_urgency.what(self.language, found, today),
        }

    @property
    def timezone(self) -> str:
        """The center's."""
        zone: str = self.request.app.state.settings.timezone
        return zone

    def topic_name(self, key: str) -> str:
        topic = taxonomy().get(key)
        if topic is None:
            return key
        return topic.name_es if self.language == "es" else topic.name_en

    def topics(self) -> list[tuple[str, str]]:
        """(key, name) by name, with the emergency first and the rest of the world last."""
        named = [(key, self.topic_name(key)) for key in taxonomy()]
        return sorted(named, key=lambda each: (each[0] != "emergency_safety", each[0] == "other", each[1].lower()))

    async def attempt(self, action: Awaitable[T]) -> T:
        """Run one action in a savepoint: when it refuses, nothing of it stays and the page can still be shown."""
        async with self.session.begin_nested():
            return await action

    async def act(
        self,
        action: Awaitable[T],
        done: str,
        go: str,
        /,
        *,
        asks: tuple[type[CentralitaError], ...] = (),
        **values: object,
    ) -> Response:
        """Do it, say so and look at `go`; say what is in the way when it refuses. 403 and 404 stay errors, and so does
        what `asks` something, for which the page has a form."""
        kind, sentence = "success", done
        try:
            await self.attempt(action)
        except CentralitaError as error:
            if isinstance(error, (Forbidden, NotFound, NotSignedIn, *asks)):
                raise
            kind, sentence, values = "error", error.message, dict(error.values)
        return self.see_other(go, kind, self.say(sentence, **values) if sentence else "")

    def see_other(self, url: str, kind: str = "", message: str = "") -> Response:
        response = pages.see_other(safe_next(self.request.app.state.settings, url, "/work"))
        if message:
            pages.flash(response, kind, message)
        return response


async def _screen(request: Request, session: Tx, me: Me) -> Screen:
    return Screen(request, session, me)


Page = Annotated[Screen, Depends(_screen)]
