"""Words what to do about a mail of ours that failed or came back, in the reader's language."""

from collections.abc import Sequence

from services.tickets.views.models import ReturnView
from shared.web.i18n import N_, translate

# What to do about a mail that failed.
FAILURES = {
    "address": N_("This is not an address that mail can be sent to. Correct it and send again, or call the customer."),
    "recipient": N_(
        "The mail server takes no mail for this address: it may be misspelt or gone. Correct it and send again, or "
        "call the customer."
    ),
    "content": N_(
        "The mail server does not take this mail as it is, often because it looks like spam to it. Write it in other "
        "words, or call the customer."
    ),
    "size": N_("The mail is too large for the mail server. Send it with fewer or smaller files."),
    "sender": N_(
        "The mail server does not let us send. Tell your administrator, and send it again when it is put right."
    ),
    "file": N_("A file of this reply is lost on our side. Write the reply again and add the file anew."),
    "gave_up": N_("It was tried for days without success. Send it again, or call the customer."),
    "unknown": N_(
        "It may have arrived: the connection ended before the mail server confirmed it. Ask the customer, or send it "
        "again knowing that they may get it twice."
    ),
}


def failure_advice(language: str, failure: object) -> str:
    """What to do about a mail that failed, by its DeliveryFailure."""
    return translate(language, FAILURES.get(str(failure), FAILURES["gave_up"]))


def returned_advice(language: str, returned: Sequence[ReturnView]) -> str:
    """What to do about a mail that came back."""
    return translate(
        language,
        N_("It came back from {addresses}. Correct the address and send it again, or call the customer."),
        addresses=", ".join(each.address for each in returned),
    )
