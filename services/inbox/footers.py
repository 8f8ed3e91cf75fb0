"""What stands below the author's words and nobody wrote for this mail: mobile footers and legal footers."""

import re

from services.inbox.mail_lines import Line, strip_blank

# «Sent from my Verizon, Samsung Galaxy smartphone»: after the beginning, only words of devices and programs may follow,
# or it is a sentence («Sent from my iPhone are all the photos…»).
_MOBILE = re.compile(
    r"^(?:sent|enviad[oa])\s+(?:from|desde|via|vía|con|with|by|por)\s+(?P<rest>.{2,100})$|"
    r"^(?:get|obtener|obtén|obtenga|descargar|descarga)\s+(?:outlook|bluemail|typeapp|spark)"
    r"(?:\s+(?:for|para)\b.{0,100}|\s*[<\[(].{0,200})?$|"
    r"^yahoo\s+(?:mail|correo)\s*:\s*.{0,80}$|"
    r"^(?:virus-free|libre de virus|este correo electrónico ha sido comprobado|this email has been checked for)\b"
    r".{0,120}$",
    re.IGNORECASE,
)
_LINK = re.compile(r"\[?\]?[<(]?https?://[^\s<>()]{1,300}[>)]?")
_DEVICE_WORDS_TEXT = """
    my mi mis the el la un una an a your su for para on de del using con through través by over via en with y
    and iphone ipad ipod watch mac apple ios icloud android samsung galaxy huawei honor xiaomi redmi poco
    motorola moto lg nokia pixel google oneplus oppo vivo realme zte tcl alcatel sony xperia blackberry htc
    windows lenovo nexus phone smartphone cell cellphone mobile device tablet móvil movil celular teléfono
    telefono dispositivo handheld tableta computadora mail email correo gmail outlook hotmail yahoo aol proton
    spark newton bluemail mymail airmail thunderbird fairemail fastmail zoho gmx edison nine app aplicación
    aplicacion secure seguro k-9 typeapp aquamail verizon at&t t-mobile tmobile sprint cricket telcel movistar
    claro telefónica telefonica tigo boost metropcs xfinity wireless network red lte 4g 5g 3g inalámbrico
    inalambrico pro max plus mini ultra lite note edge fold flip air fe neo prime duos play
"""
_NAMED_TEXT = """
    iphone ipad ipod apple ios android samsung galaxy huawei honor xiaomi redmi motorola moto lg pixel nokia
    oppo zte blackberry windows phone smartphone cell cellphone mobile device tablet móvil movil celular
    teléfono telefono dispositivo mail email correo gmail outlook hotmail yahoo aol proton spark bluemail
    mymail verizon at&t t-mobile telcel handheld
"""
_DEVICE_WORDS, _NAMED = (frozenset(words.split()) for words in (_DEVICE_WORDS_TEXT, _NAMED_TEXT))
_MODEL = re.compile(r"^[a-z]{0,3}\d{1,4}[a-z]{0,3}$")

# A legal footer is told by its beginning, or by two things that only lawyers say.
_LEGAL_HEADING = re.compile(
    r"^\W{0,3}(?:confidentiality (?:notice|statement|note)|legal (?:notice|disclaimer)|disclaimer|privacy notice|"
    r"aviso (?:legal|de (?:confidencialidad|privacidad))|nota de confidencialidad|cl[áa]usula de confidencialidad|"
    r"advertencia legal|protecci[óo]n de datos|confidencialidad)\s*[:.\-–]",
    re.IGNORECASE,
)
_GREEN = re.compile(
    r"^\W{0,3}(?:"
    r"(?:p )?(?:please )?(?:consider|think (?:of|about)) (?:the|our) (?:environment|planet)"
    r"|(?:save (?:a tree|paper)|go green)\b.{0,80}\bprint"
    r"|antes de imprimir"
    r"|(?:por favor,? )?(?:considere|piense en|cuide|cuidemos) (?:el|nuestro|su) (?:medio ?ambiente|planeta)"
    r"|no imprima este (?:correo|mensaje|e-?mail))",
    re.IGNORECASE,
)
_THIS_MAIL = (
    r"\bthis (?:e-?mail|message|communication|transmission)\b|\b(?:este|presente) (?:correo|mensaje|e-?mail)\b|"
    r"\besta (?:comunicaci[óo]n|transmisi[óo]n)\b|\binformation (?:contained|transmitted)\b|"
    r"\binformaci[óo]n contenida\b"
)
_LEGAL_SIGNS = tuple(
    re.compile(sign, re.IGNORECASE)
    for sign in (
        r"\bintended (?:solely|only|recipients?|for)\b|\baddressees?\b|\buso exclusivo\b|\bdestinatari[oa]s?\b|"
        r"\bdirigid[oa]s? (?:únicamente|exclusivamente|solo)",
        r"\b(?:in|by) error\b|\bpor error\b|\bmistakenly\b|\bpor equivocaci[óo]n\b",
        r"\bprivileged\b|\bprivilegiad[oa]",
        r"\bconfidential\b|\bconfidencial(?:es|idad)?\b|\bconfidentiality\b",
        r"\bunauthori[sz]ed\b|\bprohibited\b|\bprohibid[oa]|\bno autorizad[oa]|\bwithout authority\b",
        r"\bnotify\b|\bnotif[ií]que|\bcomun[ií]que|\bthe sender\b|\bal remitente\b|\bav[ií]se(?:nos)? de inmediato",
        r"\bdelete\b|\bdestroy\b|\belim[ií]n|\bb[óo]rre|\bdestruy",
        r"\battachments?\b|\banex[oa]s?\b|\badjunt[oa]s\b",
        r"\bcopying\b|\bdissemination\b|\bdistribution\b|\bdisclos(?:e|ure)\b|\bcopia o\b|"
        r"\b(?:difusi|distribuci|reproducci|divulgaci)[óo]n\b",
        r"\bdatos personales\b|\bpersonal data\b|\bRGPD\b|\bGDPR\b|\bLey Org[áa]nica\b|\bHIPAA\b",
        _THIS_MAIL,
    )
)
_BEGINS_LEGAL = re.compile(rf"^\W{{0,3}}(?:the )?(?:{_THIS_MAIL})", re.IGNORECASE)
# «Este correo es confidencial, no quiero que mi casero sepa…» is a person.
_PERSON = re.compile(r"\b(?:I|I'm|I've|my|me|we live|yo|mi|mis|quiero|necesito|tengo)\b", re.IGNORECASE)
_LEGAL_LINES = 40
_BANNER = re.compile(
    r"^\W{0,3}(?:caution|warning|external(?: e-?mail)?|precauci[óo]n|advertencia|atenci[óo]n|correo externo)\b.{0,60}"
    r"\b(?:originated|outside|externo|fuera de|external sender|remitente externo)\b",
    re.IGNORECASE,
)


def is_mobile_footer(line: str) -> bool:
    """One line that a program on a telephone, a mail program or a virus scanner adds."""
    found = _MOBILE.match(line)
    if not found:
        return False
    rest = found.group("rest")
    if rest is None:
        return True
    words = [word.strip(".,;:()[]<>’'\"").lower() for word in _LINK.sub(" ", rest).split()]
    words = [word for word in words if word]
    return (
        0 < len(words) <= 12
        and any(word in _NAMED for word in words)
        and all(word in _DEVICE_WORDS or _MODEL.match(word) for word in words)
    )


def without_mobile_footers(lines: list[Line]) -> list[Line]:
    """Wherever they stand: words below them are the author's all the same."""
    kept: list[Line] = []
    after_footer = False
    for line in lines:
        if not line.depth and is_mobile_footer(line.bare):
            after_footer = True
            continue
        if after_footer and line.bare and _LINK.fullmatch(line.bare):
            continue  # the footer's link, wrapped
        after_footer = after_footer and not line.bare
        kept.append(line)
    return kept


def _paragraphs(lines: list[Line]) -> list[tuple[int, int]]:
    """(start, end) of each; a legal heading begins one even without a blank line above it."""
    found: list[tuple[int, int]] = []
    start: int | None = None
    for index, line in enumerate(lines):
        if line.blank:
            if start is not None:
                found.append((start, index))
            start = None
        elif start is None:
            start = index
        elif _LEGAL_HEADING.match(line.bare) or _GREEN.match(line.bare) or _begins_legal(line.bare):
            found.append((start, index))
            start = index
    if start is not None:
        found.append((start, len(lines)))
    return found


def _begins_legal(bare: str) -> bool:
    return bool(_BEGINS_LEGAL.match(bare)) and _signs(bare) >= 2


def _signs(text: str) -> int:
    return sum(1 for sign in _LEGAL_SIGNS if sign.search(text))


def is_legal(text: str) -> bool:
    """A paragraph that is a legal footer, or asks not to print."""
    if _LEGAL_HEADING.match(text) or _GREEN.match(text):
        return True
    return _signs(text) >= 2 and "?" not in text and not _PERSON.search(text)


def without_legal_footer(lines: list[Line]) -> list[Line]:
    """Without legal paragraphs at the end, when something stands above them."""
    first = max(0, len(lines) - _LEGAL_LINES)
    paragraphs = _paragraphs(lines[first:])
    cut = None
    for position in range(len(paragraphs) - 1, -1, -1):
        start, end = paragraphs[position]
        text = " ".join(line.bare for line in lines[first + start : first + end])
        if is_legal(text):
            cut = first + start
        elif not (cut is not None or position) or not _may_continue(text):
            break
    if cut is None or not strip_blank(lines[:cut]):
        return lines
    return strip_blank(lines[:cut])


def _may_continue(text: str) -> bool:
    """A paragraph of a legal text that says only one thing that lawyers say, between or below others."""
    return _signs(text) == 1 and "?" not in text and not _PERSON.search(text) and len(text) > 60


def without_banner(lines: list[Line]) -> list[Line]:
    """Without the warning about mail from outside that a server puts on top."""
    lines = strip_blank(lines)
    end = next((index for index, line in enumerate(lines) if line.blank), len(lines))
    if end < len(lines) and _BANNER.match(" ".join(line.bare for line in lines[:end])[:300]):
        return strip_blank(lines[end:])
    return lines
