"""The words for the store's values (states, priorities, roles…), and the helpers every template gets."""

from collections.abc import Callable, Mapping
from functools import partial

from shared.mailbox_errors import MESSAGES
from shared.web import i18n
from shared.web.i18n import N_
from shared.web.vocabulary_calls import CALLS

LABELS: Mapping[str, Mapping[str, str]] = {
    **CALLS,
    "state": {
        "queued": N_("In the queue"),
        "offered": N_("Offered"),
        "assigned": N_("In progress"),
        "waiting": N_("Waiting on the customer"),
        "closed": N_("Closed"),
    },
    "priority": {
        "emergency": N_("Emergency"),
        "high": N_("High"),
        "normal": N_("Normal"),
        "low": N_("Low"),
    },
    "channel": {
        "email": N_("Email"),
        "voicemail": N_("Voicemail"),
        "phone": N_("Phone call"),
        "walk_in": N_("Walk-in"),
    },
    "level": {
        "intern": N_("Intern"),
        "csr1": N_("CSR I"),
        "csr2": N_("CSR II"),
    },
    "role": {
        "intern": N_("Intern"),
        "csr1": N_("CSR I"),
        "csr2": N_("CSR II"),
        "supervisor": N_("Supervisor"),
        "manager": N_("Manager"),
        "administrator": N_("Administrator"),
        "service": N_("Service account"),
    },
    "intent": {
        "available": N_("Available"),
        "busy": N_("Busy"),
        "break": N_("On a break"),
        "offline": N_("Offline"),
    },
    "mode": {
        "spoken": N_("Spoken"),
        "written": N_("Written"),
    },
    "language_source": {
        "text": N_("text"),
        "audio": N_("voice"),
        "menu": N_("phone menu"),
        "line": N_("line that was called"),
        "history": N_("what we know of the customer"),
        "correction": N_("a representative's correction"),
        "none": N_("no evidence yet"),
    },
    "delivery": {
        "held": N_("About to leave"),
        "queued": N_("Waiting to be sent"),
        "sending": N_("Being sent"),
        "delayed": N_("Delayed"),
        "sent": N_("Sent"),
        "failed": N_("Could not be delivered"),
        "bounced": N_("Came back"),
        "cancelled": N_("Taken back before it left"),
    },
    "recording": {
        "received": N_("Waiting to be transcribed"),
        "transcribed": N_("Transcribed"),
        "failed": N_("Transcription failed"),
        "no_engine": N_("Transcription is not set up; the audio is here"),
        "unreadable": N_("The file cannot be played: it is empty or not audio"),
        "fetching": N_("The audio is being fetched from the telephone provider"),
        "missing": N_("The audio is not here"),
    },
    "machine": {
        "auto_reply": N_("Automatic reply"),
        "bounce": N_("Delivery report"),
        "list": N_("Mailing list"),
        "loop": N_("Our own mail, come back"),
        "complaint": N_("Complaint about a mail of ours"),
        "receipt": N_("Receipt: a mail of ours was read or arrived"),
        "challenge": N_("Asks us to prove that we are no machine"),
    },
    "held": {  # by which policy
        "auto_reply": N_("Automatic reply"),
        "list": N_("Mailing list"),
        "loop": N_("Our own mail, come back"),
        "complaint": N_("Complaint about a mail of ours"),
        "receipt": N_("Receipt: a mail of ours was read or arrived"),
        "challenge": N_("Asks us to prove that we are no machine"),
        "bounce_unmatched": N_("Delivery report about no mail of ours"),
        "voicemail": N_("Voicemail: its recording is a ticket"),
        "spam": N_("Looks like spam"),
        "mailbox_check": N_("Test of a mailbox"),
        "no_acknowledgement": N_("Wish for no more acknowledgements, honoured"),
    },
    "verdict": {  # of a mail: does it come from the domain that it names
        "verified": N_("Sender’s domain verified"),
        "not_verified": N_("Sender not verified"),
        "failed": N_("Sender check failed"),
        "unknown": N_("Sender not checked"),
    },
    "standing": {  # of an address that an answer goes to
        "verified": N_("Domain verified"),
        "checked": N_("Identity checked"),
        "staff": N_("A colleague"),
        "lookalike": N_("Looks like somebody else’s address"),
        "not_verified": N_("Not verified"),
        "failed": N_("The check of its mail failed"),
        "unknown": N_("Not checked"),
        "never_wrote": N_("Never wrote on this ticket"),
    },
    "identity_method": {
        "phone": N_("By telephone, with facts of the account"),
        "counter": N_("At the counter, with a document"),
        "other": N_("In another way"),
    },
    "fact": {
        "account_number": N_("Account number"),
        "service_number": N_("Service or meter number"),
        "amount": N_("Amount billed, paid or owed"),
        "address": N_("Address"),
        "history": N_("Balance, payments or usage"),
        "attachment": N_("File"),
    },
    "participant": {  # how they came to a ticket
        "customer": N_("began it"),
        "written_to": N_("we wrote to them"),
        "added": N_("let in by hand"),
        "copied": N_("was in copy and let in"),
        "merged": N_("came with a merged ticket"),
    },
    "dead_letter": {
        "receipt": N_("Could not be read"),
        "intake": N_("Could not be made a ticket"),
    },
    "ticket_kind": {
        "contact": N_("Somebody spoke"),
        "hang_up": N_("Hang-up"),
        "silence": N_("Silence"),
        "repeated_calls": N_("Called again and again, no words"),
    },
    "stated": {
        "phone": N_("Phone"),
        "account": N_("Account number"),
        "agreement": N_("Service agreement"),
        "amount": N_("Amount"),
        "date": N_("Date"),
        "address": N_("Address"),
        "name": N_("Name"),
    },
    "balance": {
        "raised": N_("Spanish speakers waited too long: Spanish weighs more"),
        "lowered": N_("English speakers waited too long: Spanish weighs less"),
        "balanced": N_("Close enough"),
        "too_few": N_("Too few contacts to tell: it stays"),
        "at_limit": N_("The weight may not go further: more people of that language are needed"),
    },
    # What the product sends by itself; templates that staff wrote are called as they named them.
    "template": {
        "acknowledgement": N_("To the customer: your message came in"),
        "language_wait": N_("To the customer: when somebody can answer in their language"),
        "language_wait_unknown": N_("To the customer: the answer in their language takes longer"),
        "page": N_("To the shift lead: an emergency"),
        "page_urgent": N_("To the shift lead: an urgent matter"),
        "signature": N_("Below every reply"),
        "need_account": N_("Asks for the account number"),
        "redirect_utility": N_("Says whom to turn to instead"),
    },
    "safety_text": {
        "danger": N_("Any danger"),
        "gas": N_("Gas leak"),
        "wire": N_("Fallen wire"),
        "crisis": N_("Person in crisis"),
        "life_support": N_("Life-support equipment at risk"),
        "shutoff": N_("Shut-off"),
    },
    "safety_text_means": {
        "danger": N_("To who writes of fire, shock or monoxide, or of a danger that is not clear."),
        "gas": N_("To who writes that it smells of gas."),
        "wire": N_("To who writes of a fallen or sparking wire."),
        "crisis": N_("To who may harm themselves, or fears it for somebody. Others may see the mail: be discreet."),
        "life_support": N_("To who depends on equipment whose power is off or will be."),
        "shutoff": N_("To who was told that their power will be shut off, or whose power is off for a debt."),
    },
    "safety_text_standing": {
        "sent": N_("is sent"),
        "waiting": N_("waits for approval"),
        "replaced": N_("replaced"),
        "withdrawn": N_("withdrawn"),
    },
    "alert": {
        "emergency": N_("Emergency"),
        "no_bilingual": N_("No verified bilingual is available"),
        "no_csr2": N_("Nobody is there who may close tickets of level CSR II"),
        "due_soon": N_("A promise is nearly due or late"),
        "missed_offers": N_("Offers were missed"),
        "greeting": N_("A greeting was changed on the phone system"),
        "crisis": N_("Somebody may harm themselves"),
        "threat": N_("Threat against people"),
        "life_support": N_("Life-support equipment without power"),
        "press": N_("The press asks"),
        "legal": N_("Lawyer, court or deadline in law"),
    },
    "assignment": {
        "offered": N_("asked now"),
        "accepted": N_("works on it"),
        "declined": N_("declined it"),
        "expired": N_("did not answer in time"),
        "withdrawn": N_("it was taken back"),
        "done": N_("finished it"),
    },
    "rung": {  # what was done for a ticket that nobody there may answer
        "confirm_language": N_("Somebody must say which language it is"),
        "alert": N_("The shift leads were told"),
        "tell_customer": N_("The customer was to be told"),
        "supervisor": N_("A supervisor must decide"),
        "interpreter": N_("The interpreter line is the way on"),
    },
    "rung_next": {  # what is done next
        "confirm_language": N_("somebody is asked to say which language it is"),
        "alert": N_("the shift leads are told"),
        "tell_customer": N_("the customer is told when to expect somebody"),
        "supervisor": N_("a supervisor is asked to decide"),
        "interpreter": N_("the interpreter line is proposed"),
    },
    "promise": {
        "first_response": N_("First answer"),
        "next_response": N_("Next answer"),
        "resolution": N_("Solved"),
    },
    "promise_means": {
        "first_response": N_(
            "From the customer’s message or call until a person has answered. It does not wait for the customer, "
            "except after calls that nobody answered; an automatic confirmation is no answer."
        ),
        "next_response": N_("From each further message of the customer’s until a person has answered it."),
        "resolution": N_("Until the ticket is closed. It stands still while the ticket waits for the customer."),
    },
    "clock_state": {
        "running": N_("running"),
        "nearly_due": N_("nearly due"),
        "late": N_("late"),
        "standing": N_("stands still"),
        "kept": N_("kept"),
        "kept_late": N_("kept late"),
        "dropped": N_("no longer needed"),
    },
    "mailbox_condition": {
        "starting": N_("Starting"),
        "watching": N_("Watching, new mail arrives at once"),
        "polling": N_("Checking now and then"),
        "failed": N_("Cannot be reached"),
        "paused": N_("Paused"),
        "removed": N_("Removed"),
        "left_settings": N_("No longer in the settings"),
    },
    "mailbox_error": MESSAGES,
    "sign_in_with": {
        "password": N_("Password"),
        "client_credentials": N_("OAuth: the application itself"),
        "refresh_token": N_("OAuth: a person allows it once"),
    },
    "security": {
        "tls": N_("TLS"),
        "starttls": N_("STARTTLS"),
        "none": N_("Unencrypted, on this machine only"),
    },
    "check_step": {
        "token": N_("Get an access token"),
        "connect": N_("Connect to the IMAP server"),
        "sign_in": N_("Sign in there"),
        "folders": N_("Find the folders"),
        "smtp_connect": N_("Connect to the SMTP server"),
        "smtp_sign_in": N_("Sign in there"),
        "sent": N_("Send a mail to itself"),
        "arrived": N_("See it arrive"),
        "plus_arrived": N_("See a mail to a plus address arrive"),
    },
    "check_state": {
        "waiting": N_("to come"),
        "running": N_("under way"),
        "good": N_("good"),
        "failed": N_("failed"),
        "skipped": N_("left out"),
    },
    "situation": {
        "open": N_("Open"),
        "after_hours": N_("After hours"),
        "holiday": N_("Holiday"),
        "emergency": N_("Emergency"),
    },
    "greeting_source": {
        "upload": N_("uploaded"),
        "record": N_("recorded here"),
        "tts": N_("read aloud by a machine"),
        "adopted": N_("found on the phone system"),
    },
    "in_the_way": {
        "role": N_("not for this role"),
        "available": N_("not available"),
        "live": N_("no browser of theirs is open"),
        "responsive": N_("missed an offer and has not clicked since"),
        "on_shift": N_("not on shift now"),
        "shift_end": N_("the shift ends in a moment"),
        "capacity": N_("no room for more"),
    },
    "assign_flag": {
        "unverified_language": N_("Not verified in the ticket's language"),
        "language_uncertain": N_("The language is not certain, and the person is no verified bilingual"),
        "over_capacity": N_("More than their work at one time"),
        "below_level": N_("Above the person's level"),
        "not_at_work": N_("The person is not at work now"),
    },
    "move_outcome": {
        "assigned": N_("assigned"),
        "queued": N_("back in the queue"),
        "unchanged": N_("was there already"),
        "needs_override": N_("not moved: not verified in the language"),
        "closed": N_("closed already"),
        "not_found": N_("not found"),
    },
    "undo_outcome": {
        "back": N_("put back"),
        "touched": N_("stays: somebody has worked on it since"),
        "moved_on": N_("stays: somebody else has it now"),
        "closed": N_("stays: closed meanwhile"),
        "left": N_("stays: who had it no longer works on tickets"),
    },
    "weekday": {
        "0": N_("Monday"),
        "1": N_("Tuesday"),
        "2": N_("Wednesday"),
        "3": N_("Thursday"),
        "4": N_("Friday"),
        "5": N_("Saturday"),
        "6": N_("Sunday"),
    },
}


def label(language: str, kind: str, value: object) -> str:
    """The word for a stored value in the reader's language; the value itself when it has no word."""
    key = getattr(value, "value", value)
    sentence = LABELS.get(kind, {}).get(str(key))
    return i18n.translate(language, sentence) if sentence else str(key)


def options(language: str, kind: str) -> list[tuple[str, str]]:
    """(value, word) pairs for a select."""
    return [(value, i18n.translate(language, sentence)) for value, sentence in LABELS[kind].items()]


def words(language: str, timezone: str) -> dict[str, Callable[..., object] | str]:
    """What every template needs to speak the reader's language: add it to the context."""
    return {
        "language": language,
        "timezone": timezone,
        "_": partial(i18n.translate, language),
        "ngettext": partial(i18n.ntranslate, language),
        "label": partial(label, language),
        "options": partial(options, language),
        "instant": partial(i18n.instant, language, timezone),
        "ago": partial(i18n.ago, language),
        "span": partial(i18n.span, language),
        "duration": partial(i18n.duration, language),
        "day": partial(i18n.day, language),
        "zone_name": partial(i18n.zone_name, language),
        "clock_time": partial(i18n.clock_time, language),
        "number": partial(i18n.number, language),
        "file_size": partial(i18n.file_size, language),
        "phone": i18n.phone,
        "playing_time": i18n.playing_time,
        "language_name": partial(i18n.language_name, language),
    }
