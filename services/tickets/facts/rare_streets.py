"""Addresses without one of the usual types of street: «218 Blucher Draw, Sebastopol», «la calle lazzini». Pure.

Written with capitals, a number and a name are an address where a city follows, or a word that streets are called by;
spoken, where a space of a trailer park or a calle is named.
"""

import re
from collections.abc import Iterator

from services.tickets.facts.street_words import CITIES, CITY, NOT_IN_NAME, SPOKEN_NUMBER, TYPES, UNIT

# What streets are called besides the usual types; only behind a number and with a capital.
CALLED = frozenset(
    ("annex", "arch", "bend", "bluff", "bluffs", "canyon", "close", "commons", "cottages", "cove", "creek", "crest",
     "crossing", "dell", "draw", "estates", "flat", "flats", "fork", "gardens", "gate", "glen", "grade", "greens",
     "grove", "heights", "hill", "hills", "hollow", "knoll", "landing", "mall", "mansions", "meadow", "meadows", "mews",
     "oak", "oaks", "park", "pass", "path", "pines", "point", "ranch", "reach", "ridge", "rise", "row", "run", "siding",
     "slope", "spring", "springs", "spur", "station", "step", "trace", "valley", "view", "village", "villas",
     "vineyard", "vista", "walk", "wood", "woods")
)  # fmt: skip
_NO_NAMES = frozenset(
    ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
     "December", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "PM", "AM", "Percent",
     "Day", "Days", "Hour", "Hours", "Month", "Months", "Year", "Years", "Dollars", "The", "In", "And", "Of", "KWh",
     "Thanks", "Thank", "Please", "Is", "It", "My", "Enero", "Octubre", "Noviembre", "Diciembre")
)  # fmt: skip
_PARTS = r"(?:Unit|Space|Apt|Suite|Lot|Room|Espacio|Apto|Apartamento|Depto|Departamento)\b"
_CAPITALS = re.compile(
    r"(?<![\w$.,/#:-])(?:(?P<plot>[Ll]ot|[Ss]pace|[Bb]lock|[Ll]ote|[Ee]spacio|[Bb]loque)\s\d{1,3},?\s|\d{1,6}[A-D]?\s)"
    rf"(?:(?:(?!{_PARTS})[A-ZÁÉÍÓÚÑ][a-záéíóúñ'’]+|[NSEW]\.|del?|de\s(?:la|las|los))\s){{0,3}}(?!{_PARTS})[A-ZÁÉÍÓÚÑ][a-záéíóúñ'’]+\b"
)
_TAIL = re.compile(rf"{UNIT}?{CITY}")
_IN_CITY = re.compile(rf"{UNIT}?,\s(?:{'|'.join(CITIES)})\b")
# «el espacio treinta y dos del park de la moorland», «la traila cinco de los robles»
_SPACE = re.compile(
    rf"\b(?:la\s|el\s)?(?:espacio|traila|trailer|lote)\s(?:numero\s)?(?!y\b)(?:\d{{1,4}}|(?:(?:{SPOKEN_NUMBER})\s){{0,4}}?"
    rf"(?:{SPOKEN_NUMBER}))\s(?:de|del|en)\s(?:(?:el|la|los)\s)?(?:(?:trailer\s)?(?:park|parque)\s(?:de\s)?(?:(?:la|el|los|las)\s)?)?"
    rf"{NOT_IN_NAME}(?!(?:{SPOKEN_NUMBER}|parque|park|casas|fondo|terreno|complejo|lugar)\b)[a-z']{{3,20}}"
    r"(?:\s(?:verde|vista|park|glen|village|grande|oaks|hills))?\b"
)
# «space forty two in the rancho grande mobile home park»
_SPACE_AT = re.compile(
    rf"\b(?:space|lot|trailer)\s(?:number\s)?(?:\d{{1,4}}|(?:(?:{SPOKEN_NUMBER})\s){{0,3}}(?:{SPOKEN_NUMBER})),?\s"
    rf"(?:at|in|of|over at)\s(?:the\s)?(?:{NOT_IN_NAME}[a-z']{{3,20}}\s){{1,3}}?"
    r"(?:mobile\shome\s(?:park|estates)|trailer\s(?:park|court)|park|estates|village|court)\b"
)
_PARK = re.compile(
    rf"\b(?:{NOT_IN_NAME}[a-z']{{3,20}}\s){{1,2}}(?:mobile\shome\spark|park|village|estates)\s(?:space|lot|unit|trailer)"
    rf"\s(?:number\s)?(?:\d{{1,4}}|(?:(?:{SPOKEN_NUMBER})\b\s?){{1,3}})"
)
# «trescientos nueve de la south a»
_FLATS = re.compile(
    r"\b(?:los\s)?(?:apartamentos|departamentos|condominios|parque\sde\s(?:trailas|trailers|casas))\s(?:(?:de|la|los|las)\s)*"
    rf"(?:{NOT_IN_NAME}(?!(?:{SPOKEN_NUMBER})\b)[a-z']{{3,20}}\s){{1,2}}(?:numero|apartamento|departamento|espacio|unidad|traila)"
    rf"\s(?:\d{{1,4}}|(?:{SPOKEN_NUMBER})(?:\s(?:{SPOKEN_NUMBER})){{0,2}})\b(?!\s(?:{SPOKEN_NUMBER}|\d))"
)
_OF_THE = re.compile(
    rf"\b(?:(?:{SPOKEN_NUMBER})\s){{1,5}}de\sla\s(?:north|south|east|west)\s[a-z]{{1,15}}\b{UNIT}?{CITY}"
)
_BOX = re.compile(rf"\b(?:p\.?\s?o\.?|post\soffice)\sbox\s(?:(?:{SPOKEN_NUMBER})\b\s?){{1,5}}{CITY}")
_NO_CALLE = (
    r"(?!(?:esta|estan|es|de|del|donde|que|y|en|con|principal|enfrente|mojada|oscura|obscura|entera|completa|al|a|sin|se"
    r"|hay|tambien|ahora|ahorita|ya|para|por|no|mia|nuestra|abajo|arriba|paralela|porque|pero|cuando|como|mientras|toda"
    r"|todo|todos|los|las|el|la|cerrada|ancha|ni|o|mi|su|sus|nos|me|le|lo|hasta|desde|junto|frente|atras|jugando"
    r"|tirado|tirada|con|y|luego|entre|una|un|salen|sale|viene|quedo|huele|huelen|apesta|olor|\w+isim[oa])\b)"
)
# A calle by its name alone: «en la calle lazzini», «estamos en camino Pudding Creek, Fort Bragg»
_CALLE = re.compile(
    rf"(?<!\w)(?P<street>(?:la\s)?calle\s{_NO_CALLE}[a-z']{{4,20}}|(?:camino|avenida|bulevar)\s(?:(?:san|santa)\s)?"
    rf"{_NO_CALLE}[a-z']{{4,20}}"
    rf"(?:\s(?:creek|canyon|hill|ridge|valley|springs|verde|grande))?{CITY}"
    rf"|rancho\s(?:los|las|el|la|san|santa|del)\s{_NO_CALLE}[a-z']{{4,20}})"
    r"(?=\s*$|[.,;!?\n]|\s(?:por|en|y|junto|frente|cerca|entre|con|hay|se|apurense|vengan|rapido|gracias)\b)"
)
_LEADS = re.compile(r"\b(?:en|de|por|a|sobre|desde|hasta)\s(?:la\s|el\s)?$|(?:^|[.:!?\n]\s?)$")


def said_apart(plain: str, words: set[str]) -> Iterator[tuple[int, int]]:
    """Begin and end of what would be taken for a part of itself: spaces of trailer parks, streets with a letter, and
    post boxes. `plain`: the text, folded; `words`: the words in it."""
    if not words.isdisjoint(("north", "south", "east", "west")) and "la" in words:
        yield from (match.span() for match in _OF_THE.finditer(plain))
    if "box" in words:
        yield from (match.span() for match in _BOX.finditer(plain))
    if not words.isdisjoint(("espacio", "traila", "trailer", "lote")):
        yield from (match.span() for match in _SPACE.finditer(plain))
    if not words.isdisjoint(("apartamentos", "departamentos", "condominios", "parque")):
        yield from (match.span() for match in _FLATS.finditer(plain))
    if not words.isdisjoint(("space", "lot", "unit", "trailer")):
        yield from (match.span() for match in _PARK.finditer(plain))
        yield from (match.span() for match in _SPACE_AT.finditer(plain))


def rare_streets(plain: str, text: str, words: set[str]) -> Iterator[tuple[int, int]]:
    """Begin and end of each. `plain`: the text, folded; `words`: the words in it."""
    if any(char.isdigit() for char in plain):
        yield from _written(plain, text)
    if not words.isdisjoint(("calle", "camino", "avenida", "bulevar", "rancho")):
        for match in _CALLE.finditer(plain):
            if _LEADS.search(plain[max(0, match.start() - 8) : match.start()]):
                yield match.span("street")


def _written(plain: str, text: str) -> Iterator[tuple[int, int]]:
    for match in _CAPITALS.finditer(text):
        name = match.group().split()[1:]
        if not _NO_NAMES.isdisjoint(name):
            continue
        city = _IN_CITY.match(plain, match.end())
        called = name[-1].lower()
        if city is None and called not in CALLED and not (match["plot"] and called in TYPES):
            continue
        tail = _TAIL.match(plain, match.end())
        yield match.start(), tail.end() if tail else match.end()
