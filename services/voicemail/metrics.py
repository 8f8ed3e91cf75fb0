"""What Prometheus learns about recordings and their transcription."""

from prometheus_client import Counter, Gauge, Histogram

RECORDINGS = Counter("voicemail_recordings", "Recordings at the doors", ["source", "outcome"])
TRANSCRIPTIONS = Counter("voicemail_transcriptions", "Attempts to transcribe", ["outcome"])
TRANSCRIPTION_SECONDS = Histogram(
    "voicemail_transcription_seconds", "Time to transcribe one recording", buckets=(1, 2, 5, 10, 30, 60, 120, 300, 900)
)
ENGINE_CRASHES = Counter("voicemail_engine_crashes", "Deaths of the speech process", ["why"])
WAITING = Gauge("voicemail_waiting", "Recordings that wait for a transcript")
