"""What a telephone provider's callback says of a recording, read without I/O.

 Twilio's names; Telnyx (TeXML), SignalWire and others use the same. Source:
twilio.com/docs/voice/twiml/record, «recordingStatusCallback», «action», «transcribeCallback».
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from shared.errors import Invalid

LONGEST = 2000


@dataclass(frozen=True)
class Told:
    """What a verified callback says of one recording; empty where it says nothing."""

    recording_id: str
    url: str
    status: str
    caller: str
    called: str
    caller_name: str
    started_at: datetime | None
    seconds: float | None
    text: str  # the provider's own transcript
    # From the query of our address, which the provider signs with the rest.
    mailbox: str
    line: str
    language: str

    @property
    def is_complete(self) -> bool:
        """Of others («in-progress», «absent», «failed») there is nothing to fetch."""
        return bool(self.url) and self.status in ("", "completed")


def read(parameters: Mapping[str, str], query: Mapping[str, str]) -> Told:
    """Raises Invalid when it names no recording."""

    def said(*names: str) -> str:
        for name in names:
            if value := parameters.get(name, "").strip():
                return value[:LONGEST]
        return ""

    recording_id = said("RecordingSid", "RecordingId", "recording_id")[:200]
    if not recording_id:
        raise Invalid("The request names no recording.", field="RecordingSid")
    return Told(
        recording_id=recording_id,
        url=said("RecordingUrl", "recording_url"),
        status=said("RecordingStatus").lower(),
        caller=said("From", "Caller") or query.get("from", "")[:100],
        called=said("To", "Called") or query.get("to", "")[:100],
        caller_name=said("CallerName")[:200],
        started_at=_instant(said("RecordingStartTime")),
        seconds=_number(said("RecordingDuration")),
        text=said("TranscriptionText") if said("TranscriptionStatus").lower() in ("", "completed") else "",
        mailbox=query.get("mailbox", "")[:100],
        line=query.get("line", "")[:100],
        language=query.get("language", "").lower()[:10],
    )


def audio_url(url: str) -> str:
    """Twilio's address of a recording has no ending; with .wav it gives what is nearest to the call."""
    path = url.partition("?")[0].rpartition("/")[2]
    return url if "." in path or "?" in url else f"{url}.wav"


def _number(text: str) -> float | None:
    try:
        return max(0.0, float(text)) if text else None
    except ValueError:
        return None


def _instant(text: str) -> datetime | None:
    """RFC 2822, as Twilio writes it, or ISO 8601."""
    for read_as in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            at = read_as(text)
        except (ValueError, TypeError):
            continue
        return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return None
