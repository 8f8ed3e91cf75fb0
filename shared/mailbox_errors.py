"""Why a mailbox cannot be read: a code that stands in its row, and the sentence of each, a key of the catalogs."""


def N_(message: str) -> str:  # noqa: N802  (the name that gettext tools know)
    """Marks a sentence for the catalogs; it is translated where it is shown."""
    return message


MESSAGES = {
    "wrong_password": N_("The mail server refused the user name or the password."),
    "token_not_taken": N_("The mail server refused the access token."),
    "no_token": N_("The command that fetches the OAuth2 token failed."),
    "not_reachable": N_("The mail server does not answer."),
    "unknown_host": N_("The mail server's name cannot be found."),
    "bad_certificate": N_("The mail server's certificate is not trusted."),
    "tls_failed": N_("No secure connection to the mail server could be made."),
    "folder_missing": N_("A folder of this mailbox is not on the mail server."),
    "server_trouble": N_("The mail server answered with an error."),
    "disk_full": N_("The disk for raw mail is full: mail waits on the mail server."),
    "disk_fails": N_("Raw mail cannot be written to disk: mail waits on the mail server."),
    "client_refused": N_("The provider refused the client id or the client secret of this mailbox."),
    "grant_refused": N_("The provider no longer accepts the permission that was given for this mailbox."),
    "not_signed_in": N_("Nobody has signed in at the provider for this mailbox yet."),
    "not_allowed": N_("The provider does not let this application read and send mail."),
    "token_server_away": N_("The provider's token server does not answer."),
    "token_error": N_("The provider's token server answered with an error."),
    "cannot_open": N_(
        "A stored secret of this mailbox cannot be opened: the secret key of the installation was changed."
    ),
}
