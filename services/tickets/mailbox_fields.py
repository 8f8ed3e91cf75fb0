"""What an administrator may say about a mailbox, and whether it can be used: decided without looking anywhere."""

import ipaddress
import re
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from services.tickets.people import clean_email
from shared.errors import Invalid
from shared.models import MailboxAccount, Security, SignInWith

Port = Annotated[int, Field(ge=1, le=65535)]
Line = Annotated[str, Field(max_length=1000)]
Lines = Annotated[list[Annotated[str, Field(min_length=1, max_length=500)]], Field(max_length=50)]
Secret = Annotated[SecretStr, Field(max_length=10_000)]

SECRETS = ("password", "client_secret")
LISTS = (
    "folders", "voicemail_folders", "voicemail_senders", "voicemail_hosts", "authserv_ids", "arc_sealers",
    "spam_headers", "form_senders",
)  # fmt: skip
# Where a secret is sent: who changes one of these must enter the secret again, so that nobody can send a stored one to
# a server of their own.
DESTINATIONS = ("imap_host", "imap_port", "imap_security", "smtp_host", "smtp_port", "smtp_security", "token_endpoint")
_OAUTH = ("client_id", "token_endpoint", "authorization_endpoint", "scope", "client_secret_expires_on")
_NAME = re.compile(r"^[a-z0-9][a-z0-9._-]{0,39}$")
_DOMAIN = re.compile(r"^(?=.{1,253}$)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")
_HOST = re.compile(r"^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}\.?)*$")


class MailboxFields(BaseModel):
    """How to reach a mailbox. Secrets are taken and never given back."""

    model_config = ConfigDict(extra="forbid")

    address: Line = Field(description="Customers write to it, answers leave from it.", examples=["help@center.example"])
    display_name: Line = Field(default="", description="What customers see beside the address.")
    username: Line = Field(default="", description="To sign in with; empty: the address.")
    sign_in_with: SignInWith = SignInWith.PASSWORD
    password: Secret | None = Field(default=None, description="For `password`.")
    client_id: Line | None = Field(default=None, description="Of the application at the provider.")
    client_secret: Secret | None = None
    client_secret_expires_on: date | None = Field(default=None, description="Its last day: told thirty days before.")
    token_endpoint: Line | None = None
    authorization_endpoint: Line | None = Field(default=None, description="For `refresh_token`: where one signs in.")
    scope: Line | None = None
    imap_host: Line
    imap_port: Port = 993
    imap_security: Security = Security.TLS
    folders: Lines = Field(default=["INBOX"], description="Watched for mail.")
    voicemail_folders: Lines = Field(default=[], description="Watched; audio attached there is a voicemail.")
    voicemail_senders: Lines = Field(
        default=[], description="Addresses or domains: audio in mail that is shown to be theirs is a voicemail."
    )
    voicemail_hosts: Lines = Field(
        default=[], description="Hosts or networks believed to be theirs without DKIM or SPF; `*`: any."
    )
    authserv_ids: Lines = Field(default=[], description="Our mail server's names in Authentication-Results.")
    arc_sealers: Lines = Field(default=[], description="Who forwards to us and is believed (ARC), e.g. google.com.")
    spam_headers: Lines | None = Field(default=None, description="That say «spam» of a mail. Null: the usual ones.")
    form_senders: Lines = Field(default=[], description="Web forms: what they send is from whom Reply-To names.")
    smtp_host: Line | None = Field(default=None, description="Null: the mailbox only receives.")
    smtp_port: Port | None = None
    smtp_security: Security | None = None
    smtp_username: Line | None = None
    keep_sent: bool | None = Field(
        default=None, description="Copies of replies in the Sent folder. Null: unless the server is known to make them."
    )
    sent_folder: Line | None = Field(default=None, description="Null: the one that the server marks as Sent.")
    sends_per_minute: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        default=None, description="What the provider lets us send. Null: no limit."
    )
    max_parse_bytes: Annotated[int, Field(ge=100_000, le=500_000_000)] | None = Field(
        default=None, description="A larger mail is kept whole and only its beginning shown. Null: as in the settings."
    )


def clean_name(name: str) -> str:
    """Raises Invalid."""
    name = name.strip().lower()
    if not _NAME.match(name):
        raise Invalid("A name is up to 40 letters, digits, dots and hyphens, without spaces.", field="name")
    return name


def columns(fields: MailboxFields) -> dict[str, Any]:
    """What goes into the row, without the secrets: made tidy and fitting together. Raises Invalid."""
    values = fields.model_dump(exclude={*SECRETS})
    for key, value in values.items():
        if isinstance(value, str) and not isinstance(value, SignInWith | Security):
            values[key] = _one_line(key, value)
    values["address"] = _address("address", values["address"])
    values["username"] = values["username"] or values["address"]
    values["display_name"] = values["display_name"] or values["address"]
    for key in (
        "smtp_host", "smtp_username", "client_id", "token_endpoint", "authorization_endpoint", "scope", "sent_folder"
    ):  # fmt: skip
        values[key] = values[key] or None
    for key in LISTS:
        if values[key] is None:
            continue
        values[key] = list(dict.fromkeys(each for each in (_one_line(key, one) for one in values[key]) if each))
    values["form_senders"] = [_address("form_senders", each) for each in values["form_senders"]]
    values["voicemail_senders"] = [
        each.lstrip("@").lower() if _DOMAIN.match(each.lstrip("@")) else _address("voicemail_senders", each)
        for each in values["voicemail_senders"]
    ]
    if not values["folders"] and not values["voicemail_folders"]:
        raise Invalid("Name at least one folder to watch.", field="folders")
    _server(values, "imap")
    if values["smtp_host"] is None:
        values["smtp_port"] = values["smtp_security"] = values["smtp_username"] = None
    else:
        values["smtp_port"] = values["smtp_port"] or 587
        values["smtp_security"] = values["smtp_security"] or Security.STARTTLS
        _server(values, "smtp")
    _oauth(values)
    return values


def _oauth(values: dict[str, Any]) -> None:
    if values["sign_in_with"] is SignInWith.PASSWORD:
        values.update(dict.fromkeys(_OAUTH))
        return
    if not values["client_id"]:
        raise Invalid("Enter the client id that the provider gave the application.", field="client_id")
    _endpoint(values, "token_endpoint")
    if values["sign_in_with"] is SignInWith.REFRESH_TOKEN:
        _endpoint(values, "authorization_endpoint")
    else:
        values["authorization_endpoint"] = None
        if not values["scope"]:
            raise Invalid("Enter the scope that the provider asks for.", field="scope")


def secrets_of(fields: MailboxFields) -> dict[str, str]:
    """Those that were entered."""
    entered = {name: getattr(fields, name) for name in SECRETS}
    return {name: value.get_secret_value() for name, value in entered.items() if value and value.get_secret_value()}


def needed_secret(values: dict[str, Any]) -> str | None:
    """Which one this way to sign in cannot do without; a person's application may have none."""
    return {
        SignInWith.PASSWORD: "password",
        SignInWith.CLIENT_CREDENTIALS: "client_secret",
        SignInWith.REFRESH_TOKEN: None,
    }[values["sign_in_with"]]


def goes_elsewhere(account: MailboxAccount, values: dict[str, Any]) -> bool:
    """Whether the stored secrets would be sent somewhere else, or less safely, than when they were entered."""
    return any(getattr(account, name) != values[name] for name in (*DESTINATIONS, "sign_in_with"))


def _one_line(field: str, text: str) -> str:
    text = text.strip()
    if any(ord(c) < 32 or ord(c) == 127 for c in text):
        raise Invalid("This must be one line.", field=field)
    return text


def _address(field: str, text: str) -> str:
    try:
        return clean_email(text)
    except Invalid as error:
        raise Invalid(error.message, field=field) from None


def _server(values: dict[str, Any], kind: str) -> None:
    host = values[f"{kind}_host"]
    if not _HOST.match(host) and not _is_address(host):
        raise Invalid("Enter the host alone, such as imap.center.example.", field=f"{kind}_host")
    if values[f"{kind}_security"] is Security.NONE and not is_loopback(host):
        raise Invalid("Without TLS only a server on this machine can be used.", field=f"{kind}_security")


def _endpoint(values: dict[str, Any], field: str) -> None:
    text = values[field] or ""
    try:
        parts = urlsplit(text)
        safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
        good = safe and bool(parts.hostname) and parts.username is None and not parts.fragment and " " not in text
    except ValueError:
        good = False
    if not good:
        raise Invalid("Enter the provider's whole address, beginning with https://.", field=field)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    return _is_address(host) and ipaddress.ip_address(host).is_loopback
