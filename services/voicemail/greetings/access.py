"""Who may come to greetings: asked before anything else about a request is looked at."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends

from shared.people import Actor, Permission
from shared.web.depends import Me


def _may(permission: Permission) -> Callable[[Actor], Awaitable[Actor]]:
    async def check(me: Me) -> Actor:
        me.require(permission)
        return me

    return check


Reader = Annotated[Actor, Depends(_may(Permission.GREETING_READ))]
Writer = Annotated[Actor, Depends(_may(Permission.GREETING_WRITE))]
