"""Amounts of money, written («$1,234.56», «120 bucks») and spoken («ciento veinte dólares»), as dollars. Pure."""

import re
from collections.abc import Iterator, Sequence

from services.tickets.callers.words import Word
from services.tickets.facts import cardinals
from services.tickets.facts.found import FactKind, Found

_DIGITS = r"\d{1,3}(?:,\d{3})+|\d{1,7}"
_UNIT = r"dollars?|bucks|dolar(?:es)?|usd|pesos"
# Written: with its sign, or with its unit. Cents of one digit («$3.5») belong to thousands and rates.
WRITTEN = re.compile(
    r"(?:us\s?)?\$\s?(?P<elsewhere>\d{1,3}(?:\.\d{3})+(?:,\d\d)?)(?!\d)"
    rf"|(?:us\s?)?\$\s?(?P<signed>{_DIGITS})(?P<cents>[.,]\d{{1,5}})?(?!\d)(?P<thousand>\s?k\b)?"
    rf"|(?<![\d.,$#-])(?P<named>{_DIGITS})(?P<named_cents>[.,]\d\d)?\s?(?:{_UNIT}|grand)\b"
)
_UNITS = frozenset(("dollar", "dollars", "bucks", "buck", "dolar", "dolares", "usd", "pesos"))
_CENTS = frozenset(("cents", "cent", "centavos", "centavo"))
# What says that a bare number is money.
_OWED = re.compile(
    r"\b(?:(?:i|we|he|she|they) (?:still )?owes?(?: you| them)?|says i owe|owing|debo|debe|debemos|adeud\w+"
    r"|(?:bill|balance|true.?up|recibo|factura|cuenta|saldo|ajuste|tru ap)(?: (?:de la luz|came|is|was|went|jumped|que"
    r"|me|nos|le|llego|salio|vino|subio|kemando|dice|went up|one|now|here|of|ahora|esta vez)){0,3}"
    r"(?: (?:from|to|at|in at|for|de|por|en|a|is|was|says|son|dice))?"
    r"|(?:subio|bajo|paso|brinco) (?:de|a)|(?:jumped|went|goes|gone|climbed) (?:up )?(?:from|to)|jump from"
    r"|(?:me|nos|le|les) (?:llego|cobr\w+|salio|vino|quit\w+)(?: (?:de|por|en|como))?"
    r"|(?:pag(?:o|ue|aba|amos|abamos|ar|an)|paid|pay|paying)(?: (?:como|like|about|almost|casi|only|just|nomas"
    r"|de)){0,2}"
    r"|(?:can|could) (?:do|pay|give you)|puedo (?:dar|pagar)|(?:never|nunca) (?:had one|pag\w+)(?: (?:over|mas de))?"
    r"|and (?:this month|now) (?:it's|its|is)|y ahora(?: (?:son|pago|es|es de|me cobran))?|ahora son|son como"
    r"|(?:cargo|cobro|recargo|ajuste|multa)(?: [a-z]+){0,4} (?:de|por)|(?:should|debe|tiene que) (?:be|ser)"
    r"|and it's two|used to be(?: around)?"
    r"|(?:month|week|year|before|\w+ber|january|february|march|april|june|july|august)(?: it)? was|y otro de|another"
    r"|(?:i want the |the )?extra|make the same|factura,|bill,|y son|jaja|debo como|owe (?:like|about|you)|charged me"
    r"|cobraron|cobran|costo|sale en|salio en)\s+$"
)
_NOT_MONEY = re.compile(
    r"\s?(?:%|percent|por ?ciento|kwh|kw\b|kilo\w+|watts?|amps?|hours?|horas?|days?|dias?|weeks?|semanas?|months?"
    r"|mes(?:es)?"
    r"|years?|anos?|times|veces|am\b|pm\b|minutes|minutos|people|personas|units?|degrees|grados|o'clock|st\b|nd\b|rd\b"
    r"|th\b|feet|miles|millas|calls|llamadas|bills|recibos|of them|de ellos|de [a-z]+(?:re|io|il|yo|to)\b|[/:-]\d|\.\d"
    r"|months'|different|more|mas\b|panels|paneles|houses|casas|messages|mensajes|years'|dates|fechas|emails)"
)
# «de noventa a doscientos diez»: what follows a sum of money with «to» is one too.
_TO = re.compile(r"\s(?:to|a|up to|hasta|and now|y ahora|y ahora son|or|o)\s(?:like |como |casi |los )?$")
_BARE = re.compile(r"(?<![\d.,$#/:+-])(?:\d{1,2},\d{3}|\d{2,5})(?:\.\d\d)?(?![\d/:-]|[.,]\d)")
_CENTED = re.compile(r"(?<![\d.,$#/:+-])\d{1,5}\.\d\d(?![\d/:-]|[.,]\d)")


def amounts(plain: str, words: Sequence[Word]) -> list[Found]:
    """In the order in which they stand. `plain`: the text, folded; `words`: its words, empty where it names none."""
    found = list(_written(plain))
    if words:
        found += _spoken(plain, words)
    taken = [(each.start, each.end) for each in found]
    for match in _BARE.finditer(plain):
        start, end = match.span()
        if any(a < end and start < b for a, b in taken) or _NOT_MONEY.match(plain, end):
            continue
        if _is_money(plain, start, taken):
            found.append(Found(FactKind.AMOUNT, _dollars(match.group()), start, end, 0.6))
            taken.append((start, end))
    return sorted(found, key=lambda each: each.start)


def value_of(match: re.Match[str]) -> str:
    """Of a match of WRITTEN."""
    if match["elsewhere"]:  # «$1.234,50», as it is written in other countries
        return _dollars(match["elsewhere"].replace(".", "").replace(",", "."))
    whole = match["signed"] or match["named"]
    cents = match["cents"] or match["named_cents"] or ""
    if match["thousand"] or match.group().endswith("grand"):
        return f"{float(_dollars(whole + cents.replace(',', '.'))) * 1_000:.2f}"
    return _dollars(whole + cents.replace(",", "."))


def _written(plain: str) -> Iterator[Found]:
    if "$" in plain or re.search(r"\d\s?(?:dol|buck|usd|grand|peso)", plain):
        for match in WRITTEN.finditer(plain):
            yield Found(FactKind.AMOUNT, value_of(match), match.start(), match.end(), 0.97)


def _dollars(digits: str) -> str:
    whole, _, cents = digits.replace(",", "").partition(".")
    return f"{int(whole)}.{cents.ljust(2, '0') if cents else '00'}"


def _is_money(plain: str, start: int, taken: Sequence[tuple[int, int]]) -> bool:
    before = plain[max(0, start - 60) : start].replace("\n", " ")
    if _OWED.search(before):
        return True
    link = _TO.search(before)
    return link is not None and any(end == start - len(link.group()) for _, end in taken)


def _spoken(plain: str, words: Sequence[Word]) -> list[Found]:
    found: list[Found] = []
    keys = [word.key for word in words]
    at = 0
    while at < len(keys):
        starts = keys[at] in cardinals.WORDS or (
            keys[at] == "a" and keys[at + 1 : at + 2] in (["hundred"], ["thousand"])
        )
        read = cardinals.cardinal(keys, at, _same_breath(plain, words, at)) if starts else None
        if read is None:
            at += 1
            continue
        value, used = read
        after = at + used
        unit = after < len(keys) and keys[after] in _UNITS
        cents, behind = _cents(keys, after + unit)
        start, end = words[at].start, words[(behind if cents is not None else after + unit) - 1].end
        if keys[at] == "a" and not unit and value < 100:
            at = after
            continue
        if unit or (cents is not None and value < 5_000 and keys[behind - 1] in _CENTS):
            found.append(Found(FactKind.AMOUNT, f"{value}.{cents or 0:02d}", start, end, 0.93))
        elif (
            (value >= 20 or cents is not None)
            and not _NOT_MONEY.match(plain, end)
            and _is_money(plain, start, _places(found))
        ):
            if cents is None and used > 6:
                at = after
                continue
            found.append(Found(FactKind.AMOUNT, f"{value}.{cents or 0:02d}", start, end, 0.6))
        at = behind if cents is not None else after + unit
    return found


def _places(found: Sequence[Found]) -> list[tuple[int, int]]:
    return [(each.start, each.end) for each in found]


def _same_breath(plain: str, words: Sequence[Word], at: int) -> int:
    """Where a run of words ends that nothing but blanks and hyphens divides."""
    end = at + 1
    while end < len(words) and end - at < 12 and not plain[words[end - 1].end : words[end].start].strip(" -"):
        end += 1
    return end


def _cents(keys: Sequence[str], at: int) -> tuple[int | None, int]:
    """«… and eighteen cents», «… con cincuenta (centavos)»; (None, …) without any."""
    place = at
    linked = place < len(keys) and keys[place] in ("and", "y", "con")
    con = linked and keys[place] == "con"
    place += linked
    read = cardinals.cardinal(keys, place, min(place + 3, len(keys))) if place < len(keys) else None
    if read is None or not 0 < read[0] < 100:
        return None, at
    after = place + read[1]
    if after < len(keys) and keys[after] in _CENTS:
        return read[0], after + 1
    return (read[0], after) if con else (None, at)
