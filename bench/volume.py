"""A store with many tickets, as a center has after some years: made by SQL, so that it takes seconds."""

from sqlalchemy import text

from shared.database import Database

CUSTOMERS = """
INSERT INTO customer (name, language)
SELECT 'Customer ' || g, CASE WHEN g % 5 = 0 THEN 'es' END FROM generate_series(1, :tickets / 3) g
"""
IDENTITIES = """
INSERT INTO customer_identity (kind, value, customer_id)
SELECT 'email', 'customer' || id || '@example.com', id FROM customer
"""
# One ticket in a hundred is still open, one in five is Spanish: 1,000 open of 100,000.
TICKETS = """
INSERT INTO ticket (channel, state, subject, customer_id, language, language_confidence, language_source, topic,
                    priority, level, reply_token, queued_at, due_at, closed_at, created_at)
SELECT CASE WHEN g % 3 = 0 THEN 'voicemail' ELSE 'email' END,
       CASE WHEN g % 100 = 0 THEN 'queued' ELSE 'closed' END,
       CASE WHEN g % 5 = 0 THEN 'Pregunta sobre mi factura ' ELSE 'Question about my bill ' END || g,
       (SELECT min(id) FROM customer) + g % (:tickets / 3),
       CASE WHEN g % 5 = 0 THEN 'es' ELSE 'en' END, 0.98, 'text',
       (ARRAY['split_billing', 'billing_dispute', 'opt_out', 'care_fera', 'rate_plan'])[1 + g % 5],
       CASE WHEN g % 40 = 0 THEN 'high' ELSE 'normal' END,
       (ARRAY['intern', 'csr1', 'csr2'])[1 + g % 3],
       md5(g::text || 'token'), at, at + interval '4 hours', CASE WHEN g % 100 <> 0 THEN at + interval '1 day' END, at
FROM (SELECT g, now() - (:tickets - g) * interval '10 minutes' AS at FROM generate_series(1, :tickets) g) AS made
"""
MAILBOX = "INSERT INTO mailbox (name, address) VALUES ('bench', 'help@center.example') ON CONFLICT DO NOTHING"
MESSAGES = """
INSERT INTO message (mailbox_id, blob, rfc_message_id, from_address, from_name, to_addresses, subject, received_at,
                     text_new, text_full)
SELECT (SELECT id FROM mailbox WHERE name = 'bench'), md5(t.id::text || n) || md5(n || t.id::text),
       '<' || t.id || '.' || n || '@example.com>', 'customer' || t.customer_id || '@example.com', 'A customer',
       '["help@center.example"]', t.subject, t.created_at + n * interval '1 hour',
       repeat(CASE t.language WHEN 'es' THEN 'Me llegó la factura y no entiendo el cargo de generación. '
                              ELSE 'The bill arrived and I do not understand the generation charge. ' END, 6),
       repeat('The whole message with its quotes and its signature. ', 20)
FROM ticket t, generate_series(1, 2) n
"""
ENTRIES = """
INSERT INTO entry (ticket_id, kind, message_id, at)
SELECT t.id, 'mail_in', m.id, m.received_at
FROM message m JOIN ticket t ON t.id = split_part(ltrim(m.rfc_message_id, '<'), '.', 1)::bigint
"""
# Taken in long ago: without these the sweep would take them in as new.
INTAKES = """
INSERT INTO intake (message_id, outcome, ticket_id) SELECT message_id, 'attached', ticket_id FROM entry
WHERE kind = 'mail_in'
"""
NOTES = """
INSERT INTO entry (ticket_id, kind, text, at)
SELECT id, 'note', 'Checked the account and the meter read with the customer.', created_at + n * interval '2 hours'
FROM ticket, generate_series(1, 3) n
"""
SEARCH = """
INSERT INTO search_text (ticket_id, source, source_id, language, body)
SELECT t.id, 'ticket', t.id, t.language, t.subject FROM ticket t
UNION ALL
SELECT e.ticket_id, 'message', m.id, t.language, m.text_new
FROM message m JOIN entry e ON e.message_id = m.id JOIN ticket t ON t.id = e.ticket_id
"""


async def fill(database: Database, tickets: int) -> None:
    """Add `tickets` tickets with two mails and three notes each, indexed for search."""
    for statement in (CUSTOMERS, IDENTITIES, TICKETS, MAILBOX, MESSAGES, ENTRIES, INTAKES, NOTES, SEARCH):
        async with database.transaction() as session:
            values = {"tickets": tickets} if ":tickets" in statement else {}
            await session.execute(text(statement), values)
    async with database.transaction() as session:
        await session.execute(text("ANALYZE"))
