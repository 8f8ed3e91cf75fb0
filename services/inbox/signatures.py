"""The signature below the author's words: a mark, a closing phrase with a name, or the name with how to reach them."""

import re
import unicodedata

from services.inbox.footers import is_legal, without_legal_footer, without_mobile_footers
from services.inbox.mail_lines import SIGNATURE, SIGNATURE_END, Line, strip_blank

# How long the tail of a mail may be to still be a signature.
SIGNATURE_LINES = 12
SIGNATURE_LINE_LENGTH = 100
MARKED_SIGNATURE_LINES = 15

_WORD = re.compile(r"[^\W\d_]{2,}")
_CONTACT = re.compile(
    r"\d{3}[-.\s)]{0,2}\d{3,4}|\S@\S|https?://|www\.|\b(?:tel|cel|cell|phone|mobile|fax|ext)\b", re.IGNORECASE
)
_CAPITAL = "A-ZÁÉÍÓÚÑÜÇÀÂÊÔÖ"
_TITLE_CASE = re.compile(
    rf"^[{_CAPITAL}][\w.'’-]{{0,30}}(?:\s+(?:[{_CAPITAL}][\w.'’-]{{0,30}}|de|del|la|las|los|y|e|van|von|&)){{0,5}}$"
)
_TITLES = re.compile(r"^(?:(?:mr|mrs|ms|dr|dra|sr|sra|srta|lic|ing|prof|arq|c\.?p|mtr[oa])\b\.?\s*)+", re.IGNORECASE)
_MARK = re.compile(r"^(?:-- ?|__|—)$")
# What a CSR needs to know is not thrown out with a signature, and «call me after five» is a request.
_FACTS = re.compile(
    r"\b(?:account|acct|cuenta|meter|medidor|contador|folio|expediente|contrato|contract|case|caso|ticket|"
    r"p\.?\s?s|p\.?\s?d|please|call me|text me|reach me|ll[áa]me|llamen|marqu?e|por favor|av[ií]se|after|before|"
    r"despu[ée]s|antes)\b",
    re.IGNORECASE,
)

# «Gracias. / Urgente»: one capital letter makes no name.
_NO_NAME = re.compile(
    r"\b(?:urgent|urgente|asap|help|ayuda|emergency|emergencia|yes|no|s[íi]|ok|today|hoy|tomorrow|ma[ñn]ana|gas|luz)\b",
    re.IGNORECASE,
)

_CLOSING = "|".join(
    (
        r"(?:with |many |very |my )?(?:best|kind|kindest|warm|warmest)(?: (?:regards|wishes))?",
        r"(?:regards|cheers|sincerely|sincerely yours|yours truly|yours sincerely|respectfully|cordially|take care)",
        r"(?:many )?(?:thanks|thank you|thx)(?: (?:so much|very much|again|in advance|a lot|kindly|"
        r"for (?:your|all your|the|any) (?:time|help|attention|assistance|support|understanding)))*"
        r"(?:,? (?:and )?(?:kind |best )?regards)?",
        r"(?:muchas |muchísimas |mil )?gracias"
        r"(?: (?:de antemano|por todo|por su (?:tiempo|ayuda|atenci[óo]n|apoyo|comprensi[óo]n)))*"
        r"(?:,? y (?:un )?(?:cordial )?saludos?)?",
        r"(?:muy )?(?:atentamente|atte|att|cordialmente|respetuosamente)",
        r"(?:un |reciba un |reciban un |le env[íi]o un |con un )?(?:cordial |afectuoso )?(?:saludo|saludos)"
        r"(?: (?:cordiales|cordial|atentos|afectuosos))?",
        r"(?:quedo|quedamos) (?:al pendiente|a la espera|atent[oa]s?|a sus [óo]rdenes)"
        r"(?: (?:de|a) su (?:respuesta|comentario))?",
    )
)
_SIGN_OFF = re.compile(rf"^(?:{_CLOSING})\s*[,.:!-]*$", re.IGNORECASE)
_SIGN_OFF_AND_NAME = re.compile(rf"^(?:{_CLOSING})\s*[,.!-]+\s*(?P<name>\S.{{0,50}})$", re.IGNORECASE)


def without_tail(lines: list[Line], author: str) -> list[Line]:
    """The author's lines without mobile footer, legal footer and signature. Never empties what says something."""
    return parted(lines, author)[0]


def parted(lines: list[Line], author: str) -> tuple[list[Line], list[Line]]:
    """The same, and the signature that was cut off: without the footers, empty where the whole was kept."""
    whole = strip_blank([line for line in lines if not line.mark])
    names = _folded(author)
    said, marked = _without_marked_html(lines)
    kept = strip_blank(without_mobile_footers(said))
    signature = without_legal_footer(strip_blank(without_mobile_footers(marked)))
    for _ in range(3):  # a footer may stand above a signature, and below it
        before = len(kept)
        kept = without_legal_footer(kept)
        below = _without_signature(_without_marked_signature(kept), names)
        signature = [*kept[len(below) :], *signature]
        kept = below
        if len(kept) == before:
            break
    if not kept:
        return strip_blank(without_mobile_footers(whole)), []
    while signature and (signature[0].blank or _MARK.match(signature[0].bare) or _SIGN_OFF.match(signature[0].bare)):
        signature = signature[1:]
    return kept, strip_blank(signature)


def _without_marked_html(lines: list[Line]) -> tuple[list[Line], list[Line]]:
    """Without what HTML says is the signature, unless the author wrote inside it (some programs let them); and that."""
    if not any(line.mark for line in lines):
        return lines, []
    kept: list[Line] = []
    marked: list[Line] = []
    region: list[Line] | None = None
    for line in lines:
        if line.mark == SIGNATURE:
            region = region or []
        elif line.mark == SIGNATURE_END:
            if region is not None:
                (marked if _only_signature(region, kept) else kept).extend(region)
            region = None
        elif not line.mark:
            (kept if region is None else region).append(line)
    if region is not None:
        (marked if _only_signature(region, kept) else kept).extend(region)
    if kept and kept[-1].bare == "--":
        kept = kept[:-1]
    return kept, marked


def _only_signature(region: list[Line], above: list[Line]) -> bool:
    written = [line.bare for line in region if line.bare]
    if not any(line.bare for line in above) or len(written) > 30:
        return False
    legal = is_legal(" ".join(written)) or any(is_legal(line) for line in written)
    return legal or not any("?" in line or _is_sentence(line) for line in written)


def _without_marked_signature(lines: list[Line]) -> list[Line]:
    for index in range(max(1, len(lines) - MARKED_SIGNATURE_LINES - 1), len(lines)):
        if not lines[index].depth and _MARK.match(lines[index].bare):
            if any("?" in line.bare for line in lines[index + 1 :]):
                return lines
            return strip_blank(lines[:index]) or lines
    return lines


def _without_signature(lines: list[Line], names: frozenset[str]) -> list[Line]:
    """A closing phrase with a name below it, or a last paragraph that is the author's name and how to reach them."""
    first = max(1, len(lines) - SIGNATURE_LINES - 1)
    for index in range(first, len(lines)):
        bare = lines[index].bare
        if lines[index].depth:
            continue
        inline = _SIGN_OFF_AND_NAME.match(bare) if index == len(lines) - 1 else None
        if inline and _begins_with_name(inline.group("name"), names):
            return strip_blank(lines[:index]) or lines
        if not _SIGN_OFF.match(bare):
            continue
        tail = [line for line in lines[index + 1 :] if line.bare]
        if tail and _is_signature(tail, names, after_closing=True):
            return strip_blank(lines[:index]) or lines
    for index in range(first, len(lines)):
        # Without a closing phrase a signature begins a paragraph, or is the name alone on the last line.
        if lines[index].depth or (not lines[index - 1].blank and index != len(lines) - 1):
            continue
        tail = [line for line in lines[index:] if line.bare]
        if tail and _begins_with_name(tail[0].bare, names) and _is_signature(tail, names, after_closing=False):
            return strip_blank(lines[:index]) or lines
    return lines


def _is_signature(tail: list[Line], names: frozenset[str], *, after_closing: bool) -> bool:
    if len(tail) > SIGNATURE_LINES or any(len(line.text) > SIGNATURE_LINE_LENGTH or line.depth for line in tail):
        return False
    first = tail[0].bare
    named = _begins_with_name(first, names) or _SIGN_OFF.match(first)
    if not named and not (after_closing and (_looks_like_name(first) or _CONTACT.search(first))):
        return False
    return not any("?" in line.bare or _is_sentence(line.bare) for line in tail)


def _is_sentence(line: str) -> bool:
    """Sentences, requests and account facts are the author's words, wherever they stand."""
    if _SIGN_OFF.match(line):
        return False
    words = len(_WORD.findall(line))
    if _FACTS.search(line) and not _TITLE_CASE.match(line.rstrip(".,")):
        return True
    if re.search(r"\d{8,}", line) and not re.search(r"(?:tel|cel|phone|mobile|fax|whatsapp|\+)", line, re.IGNORECASE):
        return True  # an account number, not a telephone
    return not _CONTACT.search(line) and (words > 9 or (words > 4 and line.endswith((".", "!"))))


def _folded(text: str) -> frozenset[str]:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text[:200]) if not unicodedata.combining(c))
    return frozenset(word.casefold() for word in _WORD.findall(plain))


def _head(line: str) -> str:
    """What stands before the first separator, without titles."""
    head: str = re.split(r"\s[–—-]\s|[|·•,;]", line, maxsplit=1)[0].strip()
    return _TITLES.sub("", head)


def _begins_with_name(line: str, names: frozenset[str]) -> bool:
    """The author's name, alone or at the beginning of a line of contact facts."""
    head = _head(line)
    plain = "".join(c for c in unicodedata.normalize("NFKD", head) if not unicodedata.combining(c))
    own = [word.casefold() for word in _WORD.findall(plain)]
    if not own or len(own) > 6:
        return False
    if not names:  # without the display name: a name and something to reach them by must stand below or beside it
        return False
    known = sum(word in names for word in own)
    return (own[0] in names and (known == len(own) or known >= 2 or len(own) <= 4)) or known >= 2


def _looks_like_name(line: str) -> bool:
    head = _head(line)
    if _NO_NAME.search(head):
        return False
    return len(_WORD.findall(head)) <= 6 and bool(_TITLE_CASE.match(head))
