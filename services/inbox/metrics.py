"""What Prometheus is told about mail in and out."""

from prometheus_client import Counter, Gauge, Histogram

MAILS_SEEN = Counter("centralita_inbox_mails_seen_total", "Mails fetched and recorded in the ledger", ["mailbox"])
MAILS_PARSED = Counter("centralita_inbox_mails_parsed_total", "Mails that became a message")
MAILS_KNOWN = Counter("centralita_inbox_mails_known_total", "Mails that were one we have already, from elsewhere")
MAILS_DEAD = Counter("centralita_inbox_mails_dead_total", "Mails on which our code failed")
MAIL_LAG = Histogram(
    "centralita_inbox_stored_to_message_seconds",
    "From the ledger row to the message row",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300),
)
WATCHING = Gauge("centralita_inbox_mailbox_up", "1 when this process watches or polls the mailbox", ["mailbox"])
FOLDER_MAILS = Gauge(
    "centralita_inbox_folder_mails",
    "What the last comparison with the server found: on_server, in_ledger, missing, repaired, refused, gone",
    ["mailbox", "folder", "what"],
)
RECONCILED = Gauge("centralita_inbox_folder_reconciled_timestamp_seconds", "When it ended last", ["mailbox", "folder"])
RECONNECTS = Counter("centralita_inbox_connection_failures_total", "Failed or lost IMAP connections", ["mailbox"])
DELIVERIES = Counter("centralita_inbox_deliveries_total", "Attempts to send, by what came of them", ["outcome"])
SEND_TIME = Histogram(
    "centralita_inbox_send_seconds",
    "From taking a delivery to the server's answer",
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60),
)
