"""Names that a message tells: said after words that announce one, signed below it, or plain to see. Pure.

What announces a name is known in `callers/names.py`, for calls and mails alike; here are names without such words.
"""

import re
from collections.abc import Sequence

from services.tickets.callers.facts import Fact
from services.tickets.callers.lexicon import is_family, is_given, may_be_given
from services.tickets.callers.names import NO_FAMILY, NO_NAME, PARTICLES
from services.tickets.callers.numerals import NUMBER_WORDS
from services.tickets.callers.words import Speech, Word
from services.tickets.facts.found import FactKind, Found
from services.tickets.facts.street_words import CITIES

MAX_WORDS = 4
# Capital letters that are no person: the trade, its places, what stands at the head of a line.
_NO_PERSON = NO_NAME | frozenset(
    ("sonoma", "mendocino", "santa", "rosa", "rohnert", "petaluma", "sebastopol", "windsor", "healdsburg", "cotati",
     "cloverdale", "guerneville", "forestville", "ukiah", "california", "bay", "area", "valley", "county", "park",
     "city",
     "san", "los", "las", "dear", "hi", "hello", "hola", "estimado", "estimada", "estimados", "sincerely", "regards",
     "thanks", "gracias", "atentamente", "saludos", "cordialmente", "respectfully", "warmly", "best", "yours", "truly",
     "street", "avenue", "road", "drive", "lane", "court", "way", "highway", "creek", "trail", "loop", "terrace",
     "circle", "school", "church", "senora",
     "senor", "center", "customer", "service", "services", "energy", "electric", "electrica", "gas", "solar", "team",
     "billing", "plan", "baseline", "medical", "final", "notice", "house", "apartment", "apt", "unit", "suite", "true",
     "up", "black", "friday", "press", "democrat", "state", "university", "college", "police", "fire", "department",
     "you", "we", "she", "he", "they", "how", "when", "where", "why", "please", "could", "would", "can", "do", "does",
     "did", "if", "as", "after", "before", "since", "while", "until", "our", "his", "her", "their", "its", "now",
     "then",
     "today", "tomorrow", "also", "el", "la", "los", "las", "lo", "como", "cuando", "donde", "si", "aqui", "hoy",
     "manana", "mis", "sus", "nuestro", "nuestra", "esta", "este", "eso", "buen", "dia", "tarde", "tardes", "noches",
     "virgen", "dios", "god", "lord", "amazon", "google", "apple", "costco", "target", "walmart", "chase", "wells",
     "fargo", "bank", "america", "nest", "ford", "chevy", "nissan", "honda", "toyota", "kia", "hyundai", "generac",
     "sunrun", "sunpower", "enphase", "powerwall", "bolt", "leaf", "prius", "account", "cuenta", "phone", "tel", "cell",
     "address", "name", "nombre", "subject", "re", "fwd", "attached", "see", "sent", "from", "iphone", "android",
     "senator", "judge", "dr")
) | {word for city in CITIES for word in city.split()}  # fmt: skip
_CLOSES = re.compile(
    r"(?:(?:thanks?|thank you|many thanks|sincerely|regards|best|yours|respectfully|warmly|cheers|gracias|saludos|atte"
    r"|atentamente|cordialmente|respetuosamente|un saludo|quedo|bendiciones|love|appreciate it|please|porfa|por favor)"
    r"[^.!?\n]{0,30}?[,.!]?|[.!?;:)]|\n|^|,)[\s-]*$"
)
_AFTER_NAME = re.compile(
    r"\s*(?:$|[.,;!)\n]|\d|\(\d|(?:account|acct|cuenta|cta|tel|cell|cel|phone|apt|espacio|unit|space)\b)"
)
_RELATED = frozenset(
    ("neighbor", "husband", "wife", "son", "daughter", "mother", "father", "brother", "sister", "landlord", "tenant",
     "vecino", "vecina", "esposo", "esposa", "marido", "hijo", "hija", "suegro", "suegra", "hermano", "hermana", "tio",
     "tia", "abuelo", "abuela", "mama", "papa", "mom", "dad", "senor", "senora", "don", "dona", "mr", "mrs", "ms")
)  # fmt: skip
_NUMBERS_FOLLOW = NUMBER_WORDS | {"account", "cuenta", "my", "mi", "phone", "telefono", "number", "numero", "at"}
_NEVER_FIRST = frozenset(("mrs", "mr", "ms", "miss", "dr", "sr", "sra", "srta", "don", "dona", "senor", "senora"))


def names(speech: Speech, announced: Sequence[Fact]) -> list[Found]:
    """Every time that one is told. `announced`: what `callers.names` made of the same words."""
    found = [
        Found(FactKind.NAME, fact.value, place.start, place.end, 0.7 if fact.for_other else 0.9)
        for fact in announced
        for place in fact.places
    ]
    at = 0
    while at < len(speech.words):
        run = _written(speech, at) or _lower(speech, at)
        if run is None:
            at += 1
            continue
        places, sure = run
        start, end = speech.words[places[0]].start, speech.words[places[-1]].end
        here = Found(FactKind.NAME, " ".join(speech.text[start:end].split()), start, end, sure)
        if not any(here.overlaps(other) for other in found):
            found.append(here)
        at = places[-1] + 1
    return _couples(speech, found)


def _capital(word: Word) -> bool:
    return word.text[:1].isupper() and len(word.text) > 1 and not (word.text.isupper() and len(word.text) < 4)


def _written(speech: Speech, at: int) -> tuple[list[int], float] | None:
    """A run of capital words that begins here and is a person's name."""
    words = speech.words
    if not _capital(words[at]) or words[at].key in _NO_PERSON or words[at].key in _NEVER_FIRST:
        return None
    places = [at]
    place = at + 1
    while place < len(words) and len(places) < MAX_WORDS:
        between = speech.between(place - 1, place)
        if between not in (" ", "-", ". ", "  ") or (between == ". " and len(words[place - 1].text) > 1):
            break
        word = words[place]
        follows = place + 1 < len(words) and _capital(words[place + 1])
        joins = word.key in PARTICLES and word.key not in ("y", "st") and follows and word.text.islower()
        initial = len(word.text) == 1 and word.text.isupper()
        if joins or ((_capital(word) or initial) and word.key not in _NO_PERSON):
            places.append(place)
        else:
            break
        place += 1
    while words[places[-1]].key in PARTICLES and len(places) > 1 and words[places[-1]].text.islower():
        places.pop()
    if words[places[-1]].key in _NO_PERSON:
        return None
    first = words[places[0]]
    before, after = (
        speech.text[max(0, first.start - 40) : first.start],
        speech.text[words[places[-1]].end : words[places[-1]].end + 24],
    )
    closing = bool(_CLOSES.search(before.lower()))
    ends = bool(_AFTER_NAME.match(after))
    whole = all(word.text.isupper() for word in words[max(0, at - 6) : at + 6] if word.key.isalpha())
    if len(places) > 1:
        if may_be_given(first.key) and not whole:
            return places, 0.85 if closing and ends else 0.75
        if whole and is_given(first.key) and is_family(words[places[-1]].key):
            return places, 0.7
        if not whole and closing and ends and before.strip() and _last(speech, places):
            return places, 0.7
        if (
            not whole
            and is_family(words[places[-1]].key)
            and ends
            and before.strip()
            and not before.rstrip().endswith(".")
        ):
            return places, 0.55
        return None
    alone = before.strip() and closing and ends and _last(speech, places)
    if alone and (is_given(first.key) or (before.rstrip(" ").endswith("\n") and may_be_given(first.key))):
        return places, 0.7
    if alone and before.rstrip(" ").endswith("\n") and not re.search(r"\w", after):
        return places, 0.6
    return None


def _last(speech: Speech, places: Sequence[int]) -> bool:
    """Behind it come numbers at most: it is signed."""
    behind = speech.words[places[-1] + 1 : places[-1] + 25]
    return sum(word.key.isalpha() and len(word.key) > 2 for word in behind) < 3


def _lower(speech: Speech, at: int) -> tuple[list[int], float] | None:
    """A given and a family name without capitals, as recognisers and telephones write them."""
    words = speech.words
    related = at > 0 and words[at - 1].key in _RELATED
    # «carol haddad», «fern abplanalp»: the given name is another word too, so that what follows has to show it.
    ambiguous = not related and not is_given(words[at].key)
    known = may_be_given(words[at].key)
    if words[at].key in _NO_PERSON:
        return None
    if not known or words[at].text[:1].isupper() or at + 1 >= len(words):
        return None
    places = [at]
    place = at + 1
    while place < len(words) and len(places) < 3 and speech.between(place - 1, place) == " ":
        key = words[place].key
        if (
            is_family(key)
            or is_given(key)
            or (
                len(places) == 1
                and key not in _NO_PERSON
                and key not in NO_FAMILY
                and len(key) > 3
                and (related or _goes_on(speech, place + 1))
            )
        ):
            places.append(place)
        else:
            break
        place += 1
    if len(places) < 2 or (ambiguous and not _closes(speech, places)):
        return None
    if ambiguous and len(places) > 2 and is_given(words[places[1]].key):
        return None  # «on my bill peter lindahl»: the name begins with the next word
    return places, 0.6


def _closes(speech: Speech, places: Sequence[int]) -> bool:
    """A given name that is another word as well, and a family name: at the end, or a number or an account follow."""
    if not is_family(speech.words[places[-1]].key):
        return False
    after = places[-1] + 1
    return after >= len(speech.words) or speech.words[after].key in _NUMBERS_FOLLOW


def _couples(speech: Speech, found: Sequence[Found]) -> list[Found]:
    """«ron and peggy stile» is one name: whose given name stands before it is of the same family."""
    places = {word.start: place for place, word in enumerate(speech.words)}
    out: list[Found] = []
    for each in sorted(found, key=lambda each: each.start):
        place = places.get(each.start, 0)
        if place > 1 and " " in each.value and speech.words[place - 1].key in ("and", "y"):
            first = speech.words[place - 2]
            joined = re.fullmatch(r"\s+(?:and|y|&)\s+", speech.text[first.end : each.start])
            alone = place < 3 or not may_be_given(speech.words[place - 3].key)
            if joined and alone and may_be_given(first.key) and first.key not in _NO_PERSON:
                out = [other for other in out if other.start != first.start or other.end != first.end]
                whole = " ".join(speech.text[first.start : each.end].split())
                if not any(other.start < each.end and first.start < other.end for other in out):
                    each = Found(FactKind.NAME, whole, first.start, each.end, each.confidence)
        out.append(each)
    return out


def _goes_on(speech: Speech, at: int) -> bool:
    """Whether what follows a name nobody knows shows that it ended: the end, a number, «my», «account»."""
    if at >= len(speech.words):
        return True
    key = speech.words[at].key
    return key in NUMBER_WORDS or key.isdigit() or key in (
        "account", "cuenta", "my", "mi", "number", "numero", "and", "y", "gracias", "thanks", "thank", "calling",
        "again",
        "from", "de", "telefono", "phone", "bye", "please", "i", "i'm", "vivo", "tengo", "at",
    )  # fmt: skip
