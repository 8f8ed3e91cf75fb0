"""Typed settings from the environment (and .env). Secrets have no default that works."""

from datetime import datetime, time
from functools import lru_cache
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.greeting_targets import AnyGreetingTarget


class ImapServer(BaseModel):
    host: str
    port: int = 993
    security: Literal["tls", "starttls", "none"] = "tls"  # none: loopback and tests only


class SmtpServer(BaseModel):
    host: str
    port: int = 587
    security: Literal["tls", "starttls", "none"] = "starttls"


class MailboxSettings(BaseModel):
    """One mailbox to watch and to send from. `password` or `oauth2_token_command`, not both."""

    name: str
    address: str  # what customers write to; replies leave from here with a plus token
    display_name: str = "Customer Center"
    username: str
    password: SecretStr | None = None
    oauth2_token_command: list[str] | None = None  # prints an access token; run again before it expires
    imap: ImapServer
    folders: list[str] = ["INBOX"]
    voicemail_folders: list[str] = []  # audio attachments of mail in these folders are voicemails
    voicemail_senders: list[str] = []  # and of mail from these addresses or domains, where it is shown to be theirs
    # Hosts (names, addresses, networks) whose mail under such an address is believed without DKIM or SPF: the phone
    # system in the house. As our own server noted them in its Received line. "*": any.
    voicemail_hosts: list[str] = []
    authserv_ids: list[str] = []  # our own mail server's id in Authentication-Results; others' are not believed
    arc_sealers: list[str] = []  # who forwards to us and is believed about what he received (ARC), e.g. google.com
    # Names of headers by which our own server marks spam, believed wherever they stand; empty: none is believed;
    # null: the usual ones, where a sender cannot have written them.
    spam_headers: list[str] | None = None
    form_senders: list[str] = []  # web forms: what they send is a customer's, who is named in Reply-To
    smtp: SmtpServer | None = None
    smtp_username: str | None = None  # null: the same as username
    keep_sent: bool | None = None  # copies of replies in its Sent folder; null: unless the server is known to do it
    sent_folder: str | None = None  # null: the one the server marks as \Sent, else one that is named so
    sends_per_minute: int | None = Field(default=None, ge=1)  # what the provider lets us send; null: no limit
    max_parse_bytes: int | None = Field(default=None, ge=1)  # null: as for all mailboxes

    @model_validator(mode="after")
    def one_secret(self) -> Self:
        if (self.password is None) == (self.oauth2_token_command is None):
            raise ValueError(f"mailbox {self.name}: give either password or oauth2_token_command")
        return self


class AmiServer(BaseModel):
    """Asterisk's manager interface (manager.conf)."""

    host: str
    port: int = 5038
    username: str
    secret: SecretStr
    tls: bool = False


class AsteriskSpool(BaseModel):
    """A folder in the layout of Asterisk's voicemail spool: {path}/{context}/{mailbox}/INBOX/msg0000.txt."""

    name: str  # which phone system: part of a recording's identity
    path: Path
    languages: dict[str, Literal["en", "es"]] = {}  # mailbox -> menu language it implies
    ami: AmiServer | None = None  # wakes the scan, and is told what became of a message
    after_ticket: Literal["leave", "move", "remove"] = (
        "leave"  # what the phone system does with it, once it is a ticket
    )
    move_to: str = "Old"  # as if somebody had heard it

    @model_validator(mode="after")
    def told_through_ami(self) -> Self:
        if self.after_ticket != "leave" and self.ami is None:
            raise ValueError(f"spool {self.name}: after_ticket needs ami; files are never touched")
        return self


class FreeSwitch(BaseModel):
    """A FreeSWITCH or FusionPBX: its event socket, and its voicemail storage mounted here."""

    name: str
    host: str | None = None  # of the event socket; null: the folder is scanned, nothing else
    port: int = 8021
    password: SecretStr | None = None
    storage: Path  # where {domain}/{user}/msg_{uuid}.wav lie here
    storage_there: str = "/var/lib/freeswitch/storage/voicemail/default"  # the same folder by FreeSWITCH's own name
    languages: dict[str, Literal["en", "es"]] = {}  # user -> menu language it implies
    mark_read: bool = False  # once it is a ticket
    since: datetime | None = None  # what was left earlier is not taken in; FreeSWITCH keeps heard messages there too

    @model_validator(mode="after")
    def asked_through_the_socket(self) -> Self:
        if self.host is not None and self.password is None:
            raise ValueError(f"FreeSWITCH {self.name}: the event socket needs a password")
        if self.mark_read and self.host is None:
            raise ValueError(f"FreeSWITCH {self.name}: mark_read needs the event socket's host")
        return self


class RecordingCallback(BaseModel):
    """A telephone provider that calls {voicemail_url}/api/v1/recording-callbacks/{name} when a recording is there."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    signed_by: Literal["twilio", "telnyx"] = "twilio"  # whose rule of signing; SignalWire signs as Twilio does
    tokens: list[SecretStr] = []  # Twilio's rule: the account's auth token, and the secondary one while it is changed
    public_key: str | None = None  # Telnyx: base64 of the Ed25519 public key
    url: str | None = None  # as entered at the provider, without a query; null: made from voicemail_url
    hosts: list[str] = ["api.twilio.com"]  # recordings are fetched from these only; ".example.com": and those below it
    username: str | None = None  # for fetching, where the provider asks for it
    password: SecretStr | None = None
    keeps_s: float = Field(default=86_400.0, gt=0)  # how long the provider keeps it; Telnyx: 600

    @model_validator(mode="after")
    def can_be_verified(self) -> Self:
        if self.signed_by == "twilio" and not self.tokens:
            raise ValueError(f"recording callback {self.name}: give tokens")
        if self.signed_by == "telnyx" and self.public_key is None:
            raise ValueError(f"recording callback {self.name}: give public_key")
        return self


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="CENTRALITA_", env_file=".env", env_nested_delimiter="__", extra="ignore"
    )

    # Shared by all services
    database_url: SecretStr = Field(description="postgresql+asyncpg://…")
    redis_url: SecretStr = SecretStr("redis://localhost:6379/0")
    secret_key: SecretStr = Field(min_length=32, description="signs and seals what is ours; `openssl rand -hex 32`")
    old_secret_keys: list[SecretStr] = []  # still open what they sealed, until it is sealed anew
    blob_dir: Path = Path("blobs")
    log_level: str = "INFO"
    log_format: Literal["json", "console"] = "json"
    environment: Literal["production", "demo", "test"] = "production"

    # The center
    center_name_en: str = "Customer Center"
    center_name_es: str = "Centro de Clientes"
    timezone: str = "America/Los_Angeles"
    languages: list[str] = ["en", "es"]  # what the center answers in
    utility_phone: str = "1-800-743-5000"  # told to customers who smell gas
    outage_phone: str = "1-800-743-5002"
    # Senders who call themselves this, or whose domain looks like one of these, are pointed out unless they are theirs.
    protected_names: list[str] = ["PG&E", "Pacific Gas and Electric"]
    protected_domains: list[str] = ["pge.com"]
    shift_lead_address: str | None = None  # is mailed about emergencies, day and night

    # Web
    public_url: str = "http://localhost:8000"  # of the tickets application
    voicemail_url: str = "http://localhost:8001"  # of the voicemail application, same host behind a proxy
    secure_cookies: bool = True
    trusted_proxies: list[str] = []
    health_host: str = "127.0.0.1"
    health_port: int = 8080  # of services that have no web application of their own

    # Inbox
    mailboxes: list[MailboxSettings] = []
    imap_poll_s: float = 30.0  # when the server has no IDLE
    reconcile_s: float = 3600.0  # how often each folder is compared with the ledger, whole
    mailbox_lease_s: float = 15.0  # a reader that is silent for so long is dead: another process takes its folders over
    max_parse_bytes: int = 25 * 1024 * 1024  # a larger mail is kept raw and shown as too large
    delivery_give_up_h: float = 72.0
    domain_interval_s: float = Field(default=0.2, ge=0)  # from one mail to the next to the same domain
    domain_concurrency: int = Field(default=2, ge=1)  # mails to one domain at the same moment, over all processes
    # Look senders' domains up in DNS (DKIM, DMARC, ARC): for mailboxes without authserv_ids; whenever no trusted server
    # said so; or never.
    verify_senders: Literal["auto", "always", "never"] = "auto"
    dns_servers: list[str] = []  # to ask, with :port where it is not 53; empty: the system's

    # Voicemail
    # A name (base, small…), or the path of a checkpoint or of a folder with a converted one; none: no transcripts.
    whisper_model: str | None = None
    # auto: faster-whisper where the model was converted for it, else openai-whisper.
    whisper_engine: Literal["auto", "openai-whisper", "faster-whisper"] = "auto"
    whisper_model_dir: Path | None = None
    whisper_threads: int = 2
    transcription_timeout_s: float = 900.0
    # Per language: the center's own words, as a hint to the recogniser; null: those in voicemail/data/words.json.
    transcription_words: dict[str, list[str]] | None = None
    transcription_prompts: dict[str, str] = {}  # per language: a sentence beside them, as a hint
    spools: list[AsteriskSpool] = []
    spool_scan_s: float = 5.0
    freeswitches: list[FreeSwitch] = []
    recording_callbacks: list[RecordingCallback] = []
    max_upload_bytes: int = 50 * 1024 * 1024
    greeting_lines: list[str] = ["main"]
    greeting_targets: list[AnyGreetingTarget] = []
    greeting_approval: bool = False  # a second person approves before callers hear it; emergencies excepted
    greeting_emergency_h: float = Field(default=8.0, gt=0, le=168)  # then it ends, when nobody said
    greeting_lufs: float = Field(default=-19.0, ge=-30, le=-10)
    greeting_true_peak: float = Field(default=-3.0, ge=-20, le=-1)  # dBTP
    # What somebody records on the phone system itself: keep it until a person decides, or put ours back at once.
    greeting_drift: Literal["ask", "put_back"] = "ask"
    greeting_voice: Literal["espeak-ng", "none"] = "espeak-ng"  # what reads drafts aloud

    # Tickets
    # A model trained with the center's own corrections (`make model OUT=…`); none: the one that came with Centralita.
    triage_model: Path | None = None
    offer_s: float = 180.0
    shift_end_minutes: float = Field(default=10.0, ge=0)  # before the end of a planned shift: no new offers
    reassign_undo_s: float = Field(default=600.0, ge=0)  # how long a supervisor may undo a reassignment
    # The forecast: how many weeks of history, and the goal that people are counted for.
    staffing_weeks: int = Field(default=8, ge=1, le=104)
    staffing_wait_minutes: float = Field(default=30.0, gt=0)  # until a ticket is begun with
    staffing_share: float = Field(default=0.8, gt=0, lt=1)  # of the tickets for which that is to hold
    staffing_away: float = Field(default=0.1, ge=0, lt=1)  # of planned people, who are away all the same
    # How much more a Spanish ticket counts than an English one of which the same share of the promise has passed. At
    # 2 both languages were answered alike in simulation: docs/decisions/0034-late-lets-pass-and-is-bounded.md
    bilingual_weight: float = Field(default=2.0, ge=1, le=3)
    # What only few may close counts more: among tickets that have waited alike, those few take it first.
    complex_weight: float = Field(default=1.25, ge=1, le=3)
    # What is late, or has fewer than so many minutes left, counts for this part of its wait, so that it lets pass what
    # can still be answered in time; until it has waited this many times its promise, when it comes before all that is
    # not urgent. A weight of 1 makes no difference of what is late.
    answer_minutes: float = Field(default=6.0, ge=0, le=60)
    late_weight: float = Field(default=0.5, gt=0, le=1)
    late_limit: float = Field(default=2.0, ge=1, le=10)
    balance_languages: bool = False  # decide the weight anew each week, from how promises were kept in each language
    balance_step: float = Field(default=0.1, gt=0, le=0.5)  # by which it moves in a week
    balance_lean: float = Field(default=0.05, ge=0, le=0.5)  # back towards bilingual_weight, in a week without a gap
    balance_gap: float = Field(default=2.0, ge=0, le=50)  # percentage points that are close enough
    balance_weeks: int = Field(default=4, ge=1, le=26)  # counted for each decision: single weeks swing by chance
    balance_least: int = Field(default=50, ge=1)  # first answers in each language, below which they say nothing
    balance_range: tuple[float, float] = (1.0, 3.0)  # it stays within
    barred_minutes: float = Field(default=10.0, ge=0)  # after no, no answer or giving back: not the same person again
    # Of the promised time: how long a returning ticket waits for who knows it, and how long easy English work leaves
    # the last free bilingual alone.
    sticky_share: float = Field(default=0.125, ge=0, le=1)
    reserve_share: float = Field(default=0.25, ge=0, le=1)
    # Who takes a ticket in a language the center does not answer in: any CSR (with an interpreter), or a bilingual.
    other_languages: Literal["any", "bilingual"] = "any"
    # When nobody who is there may take a ticket: which share of its promise has passed at each step. 0: at once.
    ladder_confirm_share: float = Field(default=0.25, ge=0, le=1)  # somebody should say which language it is
    ladder_alert_share: float = Field(default=0.5, ge=0, le=1)  # shift leads are told of each such ticket
    ladder_tell_share: float = Field(default=0.5, ge=0, le=1)  # the customer is told when to expect somebody
    ladder_supervisor_share: float = Field(default=0.75, ge=0, le=1)  # a supervisor must decide
    ladder_interpreter_share: float = Field(default=0.75, ge=0, le=1)  # and may use the interpreter line
    ladder_level_share: float = Field(default=0.75, ge=0, le=1)  # nobody there may close its level
    interpreter_line: str = ""  # name and number of the service that interprets, as CSRs are to read it
    # Of a promise to a customer (its target: on the page «Targets»): then whoever has the ticket is warned.
    due_warning_share: float = Field(default=0.75, gt=0, lt=1)
    # A recording of at most so many seconds without words is a hang-up, also when nothing has been transcribed; no
    # greeting lets anybody say what they want in less.
    hang_up_s: float = Field(default=2.0, ge=0)
    # Calls without words from one number within so many minutes are one matter; from so many calls on, somebody is
    # asked to call back. Who reaches the voicemail by mistake hangs up once or twice.
    repeated_calls: int = Field(default=3, ge=2)
    repeated_calls_minutes: float = Field(default=20.0, gt=0)
    reopen_days: float = 30.0  # a reply to a ticket closed longer ago opens a new one, linked to it
    call_attempts: int = Field(default=2, ge=1)  # calls without an answer after which the next one is scheduled
    call_again_minutes: int = Field(default=60, ge=0)  # at least so long after the last of them
    call_day_parts: list[time] = [time(12), time(17)]  # where parts of the day end: the next call falls into another
    undo_s: float = Field(default=10.0, ge=0, le=300)  # a reply waits so long for its writer's second thoughts
    quote_last_mail: bool = True  # below a reply, what the customer wrote last
    max_outgoing_bytes: int = 18 * 1024 * 1024  # attachments of one reply; in a mail they are larger by a third
    sweep_s: float = 5.0


@lru_cache
def get_settings() -> Settings:
    """The settings of this process. Raises pydantic.ValidationError, which names what is missing."""
    return Settings()
