"""Display names about recordings and callers, for the vocabulary."""

from collections.abc import Mapping

from shared.web.i18n import N_

CALLS: Mapping[str, Mapping[str, str]] = {
    "door": {  # by which a voicemail comes in
        "spool": N_("Asterisk’s folder"),
        "ami": N_("Line to Asterisk"),
        "freeswitch": N_("FreeSWITCH’s folder"),
        "esl": N_("Line to FreeSWITCH"),
        "email": N_("Voicemail by email"),
        "callback": N_("Telephone provider"),
        "upload": N_("Upload"),
    },
    "door_state": {
        "starting": N_("Starting"),
        "open": N_("Open"),
        "failed": N_("Not working"),
    },
    "region": {  # of a recording, in which no words are looked for
        "sound": N_("Music or noise, no words"),
        "silence": N_("Silence"),
    },
    "call": {  # how it ended
        "reached": N_("Reached"),
        "no_answer": N_("No answer"),
        "left_message": N_("Left a message"),
        "wrong_number": N_("Wrong number"),
        "not_made": N_("Not made"),
        "not_logged": N_("Nobody wrote down how it ended"),
    },
    "number_source": {  # of a customer's telephone number
        "confirmed": N_("said in the recording, confirmed"),
        "ticket": N_("this ticket’s number"),
        "caller_id": N_("the number the call came from"),
        "heard": N_("heard in the recording, not confirmed"),
        "customer": N_("a number of this customer"),
    },
    "caller_fact": {
        "callback": N_("Number to call back"),
        "account": N_("Account number"),
        "name": N_("Name"),
        "agreement": N_("Service agreement"),
    },
    "caller_doubt": {  # why a person should listen before a value is used
        "incomplete": N_("Not the whole number: digits are missing."),
        "not_valid": N_("No telephone can have this number."),
        "too_many": N_("More digits were said than a number has."),
        "unclear": N_("Not heard well: listen before you use it."),
        "disagrees": N_("Said more than once, and not the same."),
        "corrected": N_("The caller corrected it while speaking."),
        "spelled_differently": N_("Spelled differently from how it was said."),
    },
}
