"""How mail programs mark quoted and forwarded mail, in English and Spanish, as patterns for single lines.

Every pattern is tried on lines cut to 500 characters, and none can backtrack over more than one repetition, so that no
body can make the work grow. Signatures and footers have theirs in `signatures.py`.
"""

import re

LINE_LIMIT = 500


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


# «On Tue, Nov 10, 2026 at 10:04 AM X <x@…> wrote:», wrapped over up to four lines by the program that sent it.
ATTRIBUTION_LINES = 4
# «On», «El»… in the languages that mail programs speak, Yahoo's «En lunes», the dashes of Zoho; a date first (old
# Gmail); an address («X <x@…> wrote:», Mutt).
ATTRIBUTION_START = _any(
    r"^(?:On|El|En|Le|Am|Em|Il|Op|Den|Dnia|W dniu)\b",
    r"^-{2,}\s*[^-\s]",
    r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b",
    r"^[^<>]{0,200}<[^<>\s]{1,200}@",
)
_VERB = r"(?:wrote|writes|escribi[óo]|escribe|ha escrito|escreveu|a écrit|schrieb)"
ATTRIBUTION_VERB = re.compile(rf"\b{_VERB}\s*(?::|-{{2,}}\s*$)", re.IGNORECASE)
# The address right before the verb: what a program writes, and hardly a person.
ADDRESS_AND_VERB = re.compile(rf"@[^\s<>()@]{{1,200}}[>)\]]{{1,2}},?\s*{_VERB}\s*(?::|-{{2,}}\s*$)", re.IGNORECASE)
FRAMED_ATTRIBUTION = re.compile(rf"^-{{2,}}\s*[^-\s].{{0,300}}\b{_VERB}\s*:?\s*-{{2,}}$", re.IGNORECASE)
DATE_AND_ADDRESS = re.compile(r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b[^<>]{0,200}<[^<>\s]{1,200}@[^<>\s]{1,200}>:?$")
NAME_AND_ADDRESS = re.compile(rf"^[^<>:]{{0,100}}<[^<>\s]{{1,200}}@[^<>\s]{{1,200}}>\s*{_VERB}\s*:$", re.IGNORECASE)
ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:]{1,100}@[^\s<>()\[\]\"',;:]{1,200}")
CLOCK = re.compile(r"\b\d{1,2}[:.]\d{2}\b")
DAY = re.compile(r"\b(?:19|20)\d\d\b|\b\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}\b")

ORIGINAL_MESSAGE = _any(
    r"^[-_]{2,}\s*(?:Original (?:Message|Appointment)|Reply message)\s*[-_]{2,}$",
    r"^[-_]{2,}\s*(?:Mensaje (?:original|de respuesta)|Mensagem original|Message d'origine)\s*[-_]{2,}$",
    r"^[-_]{2,}\s*Urspr[üu]ngliche Nachricht\s*[-_]{2,}$",
)
REPLY_ABOVE = _any(
    r"^#{2,}\s*-\s*(?:Please type your reply above this line|Por favor, escriba su respuesta (?:por )?encima)\b",
    r"^-{2,}\s*(?:Please )?(?:Reply above this line|Responda (?:por )?encima de esta l[íi]nea)\b",
)
FORWARDED = _any(
    r"^[-_]{2,}\s*(?:Forwarded message|Forwarded by [^<>]{0,100}|Mensaje (?:re-?enviado|remitido))\s*[-_]{2,}$",
    r"^(?:Begin forwarded message|(?:Inicio|Comienzo|Principio) del mensaje (?:reenviado|remitido))\s*:?$",
)
# The first mark of a subject says what was done last: «RE: FW: x» answers a forward.
FORWARD_SUBJECT = re.compile(r"^\s*(?:fw|fwd|rv|reenv|reenviado|enc|tr|wg|i)\s*:", re.IGNORECASE)
ANSWER_SUBJECT = re.compile(r"^\s*(?:re|r|aw|sv|res|resp)\s*(?:\[\d+\])?\s*:", re.IGNORECASE)

# The header lines that stand above a quoted or forwarded mail: the name as written -> the field.
FIELDS = {
    "from": "from", "de": "from", "desde": "from", "von": "from",
    "sent": "date", "date": "date", "fecha": "date", "enviado": "date", "enviado el": "date", "enviados": "date",
    "enviada": "date", "gesendet": "date", "datum": "date", "data": "date",
    "to": "to", "para": "to", "a": "to", "an": "to",
    "cc": "cc", "con copia": "cc", "copia": "cc", "bcc": "cc", "cco": "cc",
    "subject": "subject", "asunto": "subject", "betreff": "subject", "assunto": "subject",
    "reply-to": "other", "responder a": "other", "importance": "other", "importancia": "other",
    "attachments": "other", "adjuntos": "other", "datos adjuntos": "other",
}  # fmt: skip
_NAMES = "|".join(sorted((re.escape(name) for name in FIELDS), key=len, reverse=True))
HEADER = re.compile(rf"^[*_]{{0,2}}(?P<name>{_NAMES})[*_]{{0,2}}\s?:[*_]{{0,2}}\s*(?P<value>.*)$", re.IGNORECASE)
# eM Client writes them without colons, below «Mensaje original» only.
BARE_HEADER = re.compile(rf"^(?P<name>{_NAMES})\s+(?P<value>.+)$", re.IGNORECASE)
HEADER_LINES = 12  # a block of them, wrapped lists of recipients included

RULE = re.compile(r"^[_\-=*]{5,}$")  # Outlook's line above the headers
QUOTED = re.compile(r"^\s{0,3}((?:>\s?)+)")

# «My answers are below in red»: what follows is quote and answer in one, and only a person can tell them apart.
ANSWERS_WITHIN = _any(
    r"\b(?:answers?|answered|comments?|commented|repl(?:y|ies|ied)|respon(?:se|ses|ded|d)|notes)\b[^.?!]{0,60}"
    r"\b(?:below|in-?line|within|in between|in (?:red|blue|green|bold|caps|purple))\b",
    r"\b(?:below|in-?line)\b[^.?!]{0,20}\b(?:are|is)\b[^.?!]{0,20}\b(?:answers?|comments|repl(?:y|ies)|responses?)\b",
    r"\b(?:respuestas?|respondo|respond[íi]|contesto|contest[ée]|comentarios|coment[ée]|anoto|anot[ée])\b[^.?!]{0,60}"
    r"\b(?:abajo|debajo|entre l[íi]neas|en (?:rojo|azul|verde|negritas?|may[úu]sculas)|"
    r"dentro del (?:texto|correo|mensaje))",
    r"\b(?:abajo|debajo|entre l[íi]neas)\b[^.?!]{0,30}\b(?:respuestas|respondo|contesto|comentarios)\b",
)
GREETING = re.compile(
    r"^(?:hi|hello|hey|dear|good (?:morning|afternoon|evening)|hola|buen(?:os|as)? ?(?:d[íi]as?|tardes|noches)?|"
    r"estimad[oa]s?|querid[oa]s?)(?:[\s,]+[\w.'’-]+){0,4}[\s,.:!;]*$",
    re.IGNORECASE,
)
