"""What is the same for every mailbox of a provider: servers, endpoints and scopes, to begin a form with.

Sources: Microsoft's «Authenticate an IMAP, POP or SMTP connection using OAuth» and Google's «OAuth 2.0 for Web Server
Applications» and «XOAUTH2 Mechanism».
"""

import re
from enum import StrEnum
from typing import Any

from shared.models import SignInWith


class Preset(StrEnum):
    MICROSOFT = "microsoft"
    GOOGLE = "google"
    OTHER = "other"


_TENANT = re.compile(r"^[A-Za-z0-9.-]{1,200}$")
_MICROSOFT_SCOPES = {
    SignInWith.CLIENT_CREDENTIALS: "https://outlook.office365.com/.default",
    SignInWith.REFRESH_TOKEN: (
        "offline_access https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send"
    ),
}


def begin(preset: Preset, sign_in_with: SignInWith | None = None, tenant: str = "") -> dict[str, Any]:
    """Values of the form. `tenant`: the directory (tenant) id at Microsoft, or one of its domains."""
    common = {"imap_port": 993, "imap_security": "tls", "smtp_port": 587, "smtp_security": "starttls"}
    if preset is Preset.MICROSOFT:
        way = sign_in_with if sign_in_with in _MICROSOFT_SCOPES else SignInWith.CLIENT_CREDENTIALS
        directory = tenant if _TENANT.match(tenant) else "organizations"
        base = f"https://login.microsoftonline.com/{directory}/oauth2/v2.0"
        return {
            **common,
            "sign_in_with": way,
            "imap_host": "outlook.office365.com",
            "smtp_host": "smtp.office365.com",
            "token_endpoint": f"{base}/token",
            "authorization_endpoint": f"{base}/authorize" if way is SignInWith.REFRESH_TOKEN else "",
            "scope": _MICROSOFT_SCOPES[way],
            "sends_per_minute": 30,
        }
    if preset is Preset.GOOGLE:
        return {
            **common,
            "sign_in_with": SignInWith.REFRESH_TOKEN,
            "imap_host": "imap.gmail.com",
            "smtp_host": "smtp.gmail.com",
            "token_endpoint": "https://oauth2.googleapis.com/token",
            # offline and consent: else Google gives no refresh token, or only the first time
            "authorization_endpoint": "https://accounts.google.com/o/oauth2/v2/auth?access_type=offline&prompt=consent",
            "scope": "https://mail.google.com/",
        }
    return {**common, "sign_in_with": sign_in_with or SignInWith.PASSWORD}
