"""Street addresses in California, as they are written and as they are said, in English and Spanish. Pure."""

import re

from services.tickets.callers.lexicon import is_family, is_given
from services.tickets.facts.cardinals import cardinal
from services.tickets.facts.day_words import MONTHS, ORDINALS, WEEKDAYS
from services.tickets.facts.found import FactKind, Found
from services.tickets.facts.rare_streets import CALLED, rare_streets, said_apart
from services.tickets.facts.spanish_streets import said_in_spanish
from services.tickets.facts.street_words import (
    CITY,
    COUNTED,
    DIRECTION,
    END,
    NOT_IN_NAME,
    NUMBER,
    NUMBERS,
    SAID,
    SPANISH_TYPES,
    SPOKEN_NUMBER,
    TYPE,
    TYPES,
    UNIT,
    WORD,
)
from shared.language.words import shipped

# With its number: surely an address.
STREETS = (
    re.compile(rf"{NUMBER}\s{DIRECTION}(?:{NOT_IN_NAME}{WORD}\s){{1,4}}?{TYPE}\b\.?{END}{UNIT}?{CITY}"),
    re.compile(
        rf"{NUMBER},?\s(?:de\s(?:la\s)?)?(?:{'|'.join(SPANISH_TYPES)}|av\.?|carretera)\s"
        rf"(?:del?\s(?:la\s|las\s|los\s|el\s)?)?{NOT_IN_NAME}{WORD}(?:\s{NOT_IN_NAME}(?!(?:los|las|me|se|hay|donde|numero|departamento"
        rf"|apartamento)\b)[a-z'-]{{3,20}}){{0,2}}{UNIT}?{CITY}"
    ),
    re.compile(
        rf"\b(?:calle|camino|avenida|av\.|paseo|domicilio en)\s{WORD}(?:\s(?!en\b)[a-z'-]{{1,30}}){{0,4}}?"
        rf"\s?,?\s?(?:#|num\.?|no\.?|numero)?\s?\d{{1,6}}\b{UNIT}?{CITY}"
    ),
    re.compile(rf"\bp\.?\s?o\.?\s?box\s\d{{1,6}}\b{CITY}|\bapartado(?:\spostal)?\s\d{{1,6}}\b{CITY}"),
)
# As it is said: «eleven oh nine slater street», «ochenta y ocho de la calle quarry bend».
_SPOKEN = re.compile(
    rf"\b{SAID}(?:de\s(?:la\s)?)?(?:calle\s)?(?!lanes?\b|households\b){DIRECTION}"
    rf"(?P<street>(?:{NOT_IN_NAME}[a-z'.-]{{2,30}}\s|[a-h]\s(?=(?:street|avenue)\b)){{1,4}}?{TYPE}\b){END}{UNIT}?{CITY}"
)
# Where words say that somebody lives or something is there, a number and a name are enough.
_HERE = re.compile(
    r"\b(?:live at|lives at|living at|i'm at|im at|we're at|we are at|it's at|is at|am at|are at|home at|house at"
    r"|down at|over at|here at|address is|address:|power at|service at|meter at|address|out of|to|at|on|place on"
    r"|mother's on|next door to|back of|behind|up on|out on|across from|frente al?|enfrente de|atras de"
    r"|al lado de|junto a|vivo en|vive en|vivimos en|estamos en|estoy en|es en|esta en|direccion es|direccion|domicilio"
    r"|aqui en|alla es|casa en|casa es|numero de casa es|domicilio es|property is|house is|de|mudar a|mudo a|cambio a"
    r"|cambiamos a|from|en)\s(?:uh\s|um\s|el\s|la\s|los\s)?$"
)
_GOES_ON = (  # words behind a street's name
    r"(?:and|y|i|my|me|mi|the|el|la|there's|there|hay|no|in|en|se|it's|it|please|apurense|apurenle|vengan|rapido|hurry"
    r"|quick|thanks|thank|gracias|apt|space|espacio|trailer|traila|not|we|nos|le|que|soy|con|this|us|our|a|was|is|ya"
    r"|from|to|with|for|apartamento|apartment|unit|number|numero|por|esta|their|his|her|he's|she's|they|they're|i'm|call"
    r"|so|but|because|pero|porque|luego|where|um|uh|okay|you|can|what|how|donde|cuando|when|si|on|at|since|starting|over|right|near|by|until|before|after|para|desde|hasta|aqui|ahi|alli|suite"
    r"|unidad|edificio|building|lot|lote|entonces|tengo|tiene|tenemos|quiero|quisiera|necesito|todavia)\b"
)
_NAME = rf"{NOT_IN_NAME}(?!(?:{SPOKEN_NUMBER})\b)(?!{_GOES_ON})[a-z'-]{{3,20}}"
_SAID_HERE = re.compile(
    rf"\b(?P<number>{SAID}|{NUMBER}\s)(?:de\s)?(?:(?:la|las|los)\s)?(?P<name>{_NAME}(?:\s{_NAME}){{0,2}}?)"
    rf"(?={UNIT}?{CITY}(?:\s*$|[.,;!?\n]|\s{_GOES_ON})){UNIT}?{CITY}"
)
_NTH = "|".join(name for name in ORDINALS if name != "first")
_NTH_ES = "tercera|cuarta|quinta|sexta|septima|octava|novena|decima"
_CROSSED = (
    rf"{NOT_IN_NAME}(?!(?:{_NTH}|{_NTH_ES}|ultima|segunda|primera|parte|semana|hora|vez|carta|first|last|then|again|now"
    r"|still|there|he|she)\b)[a-z']{3,20}"
)
_MONTHS_AND_DAYS = rf"(?:{'|'.join(name for name in (*MONTHS, *WEEKDAYS) if len(name) > 2)})\b"
_INTERSECTION = re.compile(
    rf"(?<![\w'])(?P<one>(?:[a-z0-9'.-]{{1,30}}\s){{1,3}}?{TYPE}\b\.?)\s(?:and|y|&|con|at|e)\s"
    rf"(?P<two>(?!\d{{3}})(?:{NOT_IN_NAME}[a-z0-9'.-]{{1,30}}\s){{1,3}}?{TYPE}\b\.?|highway\s\d+"
    rf"|la\s(?:(?:{SPOKEN_NUMBER})\s?)+\b|(?:la\s)?{NOT_IN_NAME}[a-z'.]{{3,20}}(?:\s(?:point|creek|hill|canyon|park|west|east))?"
    rf"(?=\s*$|[.,;!?\n]|\s(?:there|and|hay|se|please|hurry|it|by|near|in|en|por|is|are|esta|estan|somebody|the)\b))"
    rf"|\b(?:corner\sof|intersection\sof|esquina\sde|interseccion\sde|cruce\sde)\s"
    rf"(?P<corner>(?:(?:las\s)?calles?\s|la\s|el\s)?[a-z0-9'.]{{2,20}}(?:\s[a-z'.]{{2,20}})?)"
    rf"\s(?:and|y|&|con)\s(?:la\s|el\s)?(?:{NOT_IN_NAME}[a-z0-9'.]{{2,20}})(?:\s{TYPE}\b|\s\d+)?"
    rf"|\b(?P<highway>(?:highway|hwy|carretera)\s(?:\d+|(?:(?:{SPOKEN_NUMBER})\s)+?))\s?(?:and|y|&|at|con)\s"
    rf"(?:la\s|el\s)?{NOT_IN_NAME}[a-z'.]{{3,20}}(?:\s{TYPE}\b)?"
    rf"|\b(?P<calle>(?:calle|camino|avenida)\s{WORD})\s(?:(?:con|y)\s(?:la\s)?(?:calle|camino|avenida)\s"
    rf"(?:del?\s(?:la\s)?)?|esquina\s(?:con|y|de)\s(?:la\s)?(?:calle\s)?)[a-z']+"
    rf"|\b(?:on|at|near|by|off)\s(?P<nth>(?:{_NTH})\s(?:and|&)\s{_CROSSED}(?=\s*$|[.,;!?\n]|\s{_GOES_ON})"
    rf"|(?!{_MONTHS_AND_DAYS}){_CROSSED}\s(?:and|&)\s(?:{_NTH})\b(?!\s(?:of|{_MONTHS_AND_DAYS})))"
    rf"|\b(?:en|de|entre)\s(?:la\s)?(?P<cruce>(?:calle\s)?(?:{_NTH_ES})\s(?:y|con)\s(?:la\s)?{_CROSSED}"
    rf"|{_CROSSED}\s(?:y|con)\s(?:la\s)?(?:{_NTH_ES}))(?=\s*$|[.,;!?\n]|\s{_GOES_ON})"
)
# «power out on tillamook and wexler», «el parque de Bellevue y Arrowroot»: words that customers say of nothing else.
_UNHEARD_CROSSING = re.compile(
    r"\b(?:on|at|near|en|por|parque de|parque en|escuela de|esquina de)\s(?:la\s)?(?P<one>[a-z']{4,20})\s(?:and|y)"
    rf"\s(?:la\s)?(?P<two>[a-z']{{4,20}})(?=\s*$|[.,;:!?\n]|\s{_GOES_ON})"
)
_NAMED = re.compile(
    rf"\b(?:on|at|in|of|en|a|along|across|over|from|de|por|la|down)\s(?P<street>(?:{NOT_IN_NAME}(?:st\.|[a-z']{{1,30}})\s){{1,3}}"
    rf"(?:street|avenue|ave|road|rd|drive|dr|lane|ln|court|ct|boulevard|blvd|way|terrace|circle|highway)\b{UNIT}?)"
)
# «en la calle once», «la calle west tercera»: a street by its number, as it is said in Spanish.
_NUMBERED = re.compile(
    rf"\b(?:on|along|off|en\s(?:la|el)|por\s(?:la|el)|sobre\s(?:la|el))\s(?P<highway>(?:highway|hwy|route|carretera|autopista)\s"
    rf"(?:\d{{1,3}}|(?:{SPOKEN_NUMBER})(?:\s(?:{SPOKEN_NUMBER})){{0,2}}))\b"
    r"|\b(?P<street>(?:la\s)?calle\s(?:(?:west|east|north|south|norte|sur)\s)?(?:primera|segunda|tercera|cuarta|quinta"
    r"|sexta|septima|octava|novena|decima|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|trece|catorce"
    r"|quince))\b"
)
_NO_STREET = re.compile(
    r"\b(?:first|third|main)\s(?:way|place|drive|court|road|circle|lane|highway)\b"
    r"|\b(?:our|her|his|their|its|thing|says|natural|right|only|best|same|other|this|that|long|whole|any|some|no|certain"
    r"|wrong|every|either|my|your|one|a|take|hard|easy|test|great|cheaper|cheapest|wide|real|in|by|under|half|much"
    r"|another|better|all|meeting|nice|safe|quick|small|big|people's|claims|appeals|food|hard drive"
    r"|left|old|few|busy|next|private|back|two|whose|what"
    r"|which|nearest|these|those)\s"
    r"(?:[a-z]+\s)?(?:way|place|drive|court|road|street|circle|lane|ct|dr|highway)\b"
    r"|\b(?:our|my|your|his|her|their)\s(?:[a-z']+\s){2}(?:way|drive|street|road|court)\b"
    r"|\b(?:two|three|four|five|six|eight|ten|twelve)\slane\b|\b(?:superior|supreme|district|federal|county|traffic|claims|moot|food|tennis|basketball)\scourt\b"
)

# Without one of these a text has nothing that the patterns above find: to look for words costs a tenth of the patterns.
_EVERYDAY = re.compile(r"\b(?:way|place|bench|court|square|circle|loop|trail|drive|plaza|alley)\.?$")
_RUN = re.compile(r"[a-z]+")
_STREET_WORDS = frozenset(TYPES)
_SPANISH_STREETS = frozenset(SPANISH_TYPES)
_NAMED_FIRST = (
    _STREET_WORDS | _SPANISH_STREETS | {"cuesta", "vuelta", "hilera", "subida", "bajada", "kilometro", "numero"}
)
_WITH_NUMBERS = frozenset(("calle", "highway", "hwy", "route", "carretera", "autopista"))
_CROSSINGS = (
    _STREET_WORDS
    | _SPANISH_STREETS
    | {"corner", "intersection", "esquina", "carretera", *ORDINALS, *_NTH_ES.split("|"), "interseccion", "cruce"}
)


def addresses(plain: str, text: str) -> list[Found]:
    """Written with a number, said with a number, and streets by name. `plain`: the text, folded."""
    found: list[Found] = []

    def add(start: int, end: int, sure: float) -> None:
        while end > start and (plain[end - 1] in " .,\n" or plain.endswith((" y", " o"), start, end)):
            end -= 1
        said = Found(FactKind.ADDRESS, " ".join(text[start:end].split()), start, end, sure)
        if not any(said.overlaps(other) for other in found):
            found.append(said)

    words = set(_RUN.findall(plain))
    first = next(filter(str.isalpha, text), "a")
    written = first.isupper()  # who begins with a capital; recognisers often write names alone with one
    numbered, counts = any(char.isdigit() for char in plain), not words.isdisjoint(NUMBERS)
    for match in _INTERSECTION.finditer(plain) if not words.isdisjoint(_CROSSINGS) else ():
        if _NO_STREET.search(match.group()) is None:
            named = next((name for name in ("calle", "corner", "highway", "nth", "cruce") if match[name]), None)
            start = match.start(named) if named else _trimmed(plain, match.start("one"), match.end("one"))
            if named is None and _is_everyday(plain[start : match.end("one")], start, text, written):
                continue
            add(start, match.end(), 0.7)
    if numbered:
        for start, end in streets(plain):
            add(start, end, 0.93)
    for start, end in said_apart(plain, words):
        add(start, end, 0.7)
    if counts and not words.isdisjoint(_STREET_WORDS):
        for match in _SPOKEN.finditer(plain):
            counted = match["street"].split()[0] in COUNTED
            if counted or (written and _is_everyday(match["street"], match.start("street"), text, written)):
                continue
            add(match.start(), match.end(), 0.85)
    if counts and not words.isdisjoint(_NAMED_FIRST):
        for start, end in said_in_spanish(plain):
            add(start, end, 0.85)
    for match in _SAID_HERE.finditer(plain) if counts or numbered else ():
        # «four oh two mcdowell», «once cero nueve slater»: with a nought in it nothing is counted.
        like_a_house = re.search(r"\b(?:oh|cero)\s", match["number"]) is not None
        here = like_a_house or _unheard(match) or _HERE.search(plain[max(0, match.start() - 24) : match.start()])
        if here and _is_house(text, match):
            add(match.start(), _before_a_person(match), 0.6)
    for match in _UNHEARD_CROSSING.finditer(plain) if not words.isdisjoint(("and", "y")) else ():
        if not any(_is_often(match[part]) or is_given(match[part]) for part in ("one", "two")):
            add(match.start("one"), match.end("two"), 0.5)
    for match in _NAMED.finditer(plain) if not words.isdisjoint(_STREET_WORDS) else ():
        street = match["street"]
        if _NO_STREET.search(street) is None and not _is_everyday(street, match.start("street"), text, written):
            add(match.start("street"), match.end("street"), 0.6)
    for match in _NUMBERED.finditer(plain) if not words.isdisjoint(_WITH_NUMBERS) else ():
        group = match.lastgroup or "street"
        add(match.start(group), match.end(group), 0.6)
    for start, end in rare_streets(plain, text, words):
        add(start, end, 0.7)
    return found


def _is_everyday(street: str, start: int, text: str, written: bool) -> bool:
    """«A red circle», «a smart way»: who writes capitals writes them in the names of streets; elsewhere words tell that
    are said of much."""
    if _EVERYDAY.search(street) is None or not text[start : start + len(street)].islower():
        return False
    name = street.split()[:-1]
    return written or (bool(name) and _is_often(name[-1]))


def streets(plain: str) -> list[tuple[int, int]]:
    """Where addresses with a number are written; also what must not leave in a reply is found by it."""
    return [match.span() for pattern in STREETS for match in pattern.finditer(plain)]


def _trimmed(plain: str, start: int, end: int) -> int:
    """Without the words before the street's name."""
    words = list(re.finditer(r"\S+", plain[start:end]))
    for word in reversed(words[:-1]):
        if re.fullmatch(
            r"(?:on|at|of|in|en|de|la|the|esquina|corner|aqui|poste|between|entre|is|was|y|\w{3,}\.)", word.group()
        ):
            return start + word.end() + 1
    return start


def _before_a_person(match: re.Match[str]) -> int:
    """Where the address ends: a street's name of one word, and behind it who lives there («mcdowell luis pena»)."""
    words = list(re.finditer(r"\S+", match["name"]))
    spoken = not match["number"][0].isdigit()
    if spoken and len(words) > 1 and is_given(words[1].group()) and (len(words) < 3 or is_family(words[2].group())):
        return match.start("name") + words[0].end()
    return match.end()


def _unheard(match: re.Match[str]) -> bool:
    """«fourteen eighty garrison»: a number like a house's and words that customers say of nothing else."""
    number, name = match["number"].split(), match["name"].split()
    if number[0].isdigit():
        return False
    read = cardinal(number, 0, len(number))
    if read is not None and read[1] == len(number) and not (100 <= read[0] < 1900 or 2050 < read[0] < 20_000):
        return False
    if len(number) < 3 and (read is None or read[1] < len(number)):  # «one one six quail hollow» counts nothing
        return False
    if name[0] in ("north", "south", "east", "west") and len(name) > 1:
        return name[1] not in ("facing", "side", "wall", "roof", "end")
    if name[-1] in CALLED:
        return True
    if is_given(name[0]) and " de la " not in match.group():
        return False  # somebody's name
    return not any(map(_is_often, name))


def _is_often(word: str) -> bool:
    return sum(shipped().counts.get(word, _NEVER)) > _OFTEN


_NEVER, _OFTEN = (0, 0), 4  # times that writers of the corpus used a word


def _is_house(text: str, match: re.Match[str]) -> bool:
    """A number and words that count something are no house; nor is «a» or «two», nor a year."""
    number = match["number"].split()
    if match["name"].split()[0] in COUNTED or (number[:2] == ["dos", "mil"] and len(number) > 2):  # «dos mil dieciocho»
        return False
    if number[0].isdigit():
        return len(number[0]) > 1 and text[match.start("name")].isupper()
    return len(number) > 1 and number[-1] not in ("y", "o", "and")
