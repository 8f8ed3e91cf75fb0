"""From a transcript to what its caller wants: the one entrance to the reading of facts."""

from services.tickets.callers.facts import Wishes
from services.tickets.callers.names import callers
from services.tickets.callers.telephone import callbacks_and_accounts
from services.tickets.callers.words import Speech


def listen(speech: Speech, caller_id: str | None = None) -> Wishes:
    """Callback numbers as they were said, then account numbers, then names. `caller_id`: E.164, only compared with."""
    return Wishes((*callbacks_and_accounts(speech, caller_id), *callers(speech)))
