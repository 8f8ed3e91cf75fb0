"""Who is calling: a name that was said after words that announce one, set right by its spelling. Never invented."""

import re
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from services.tickets.callers.facts import UNCLEAR_BELOW, Doubt, Fact, Kind
from services.tickets.callers.lexicon import is_family, is_given, may_be_given
from services.tickets.callers.numerals import NUMBER_WORDS
from services.tickets.callers.spelling import Spelled, spelled_at
from services.tickets.callers.told import place_of
from services.tickets.callers.words import Speech

# What announces a name, in words without accents, and how much it says; the caller's own words say most.
_OWN, _HELD, _OTHER = 3, 2, 1
_ANNOUNCED: tuple[tuple[tuple[str, ...], int], ...] = (
    (("my", "name", "is"), _OWN), (("my", "name's"), _OWN), (("my", "full", "name", "is"), _OWN),
    (("the", "name", "is"), _OWN), (("name", "is"), _OWN), (("this", "is"), _OWN), (("i", "am"), _OWN),
    (("i'm",), _OWN), (("it's",), _OWN), (("it", "is"), _OWN), (("first", "name", "is"), _OWN),
    (("first", "name"), _OWN),
    (("me", "llamo"), _OWN), (("mi", "nombre", "es"), _OWN), (("mi", "nombre", "completo", "es"), _OWN),
    (("soy",), _OWN), (("habla",), _OWN), (("le", "habla"), _OWN), (("les", "habla"), _OWN), (("le", "saluda"), _OWN),
    (("le", "llama"), _OWN), (("les", "llama"), _OWN), (("name's",), _OWN),
    (("el", "nombre", "es"), _OWN), (("de", "parte", "de"), _OTHER), (("a", "nombre", "de"), _HELD),
    (("al", "nombre", "de"), _HELD), (("titular", "es"), _HELD), (("titular",), _HELD),
    (("the", "name", "on", "the", "account", "is"), _HELD), (("name", "on", "the", "account", "is"), _HELD),
    (("account", "is", "under"), _HELD), (("under", "the", "name", "of"), _HELD), (("under", "the", "name"), _HELD),
    (("account", "under"), _HELD), (("on", "behalf", "of"), _OTHER),
)  # fmt: skip
_BY_FIRST: dict[str, list[tuple[tuple[str, ...], int]]] = {}
for _phrase, _weight in sorted(
    ((phrase if isinstance(phrase, tuple) else (phrase,), weight) for phrase, weight in _ANNOUNCED),
    key=lambda each: -len(each[0]),
):
    _BY_FIRST.setdefault(_phrase[0], []).append((_phrase, _weight))
# Announces a name for sure: also one that was written small follows it.
_SURE = frozenset({("my", "name", "is"), ("my", "name's"), ("me", "llamo"), ("mi", "nombre", "es")})
_WEAK = frozenset({("it's",), ("it", "is"), ("i", "am"), ("i'm",)})  # anything may follow
_TITLES = frozenset(
    ("mr", "mrs", "ms", "miss", "dr", "doctor", "doctora", "sr", "sra", "srta", "senor", "senora", "senorita", "don",
     "dona", "professor", "profesor", "profesora", "el", "la", "the")
)  # fmt: skip
PARTICLES = frozenset(("de", "del", "la", "las", "los", "van", "von", "der", "da", "dos", "di", "le", "st", "y", "mc"))
NO_NAME = frozenset(
    ("i", "i'm", "i'd", "i've", "the", "a", "an", "and", "my", "your", "calling", "call", "about", "from", "with", "in",
     "on", "at", "not", "so", "just", "trying", "having", "going", "here", "there", "spanish", "english", "monday",
     "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "january", "february", "march", "april", "may",
     "june", "july", "august", "september", "october", "november", "december", "pg", "care", "fera", "nem", "psps",
     "ev", "p", "sonoma", "clean", "power", "evergreen", "gridsavvy", "netgreen", "tesla", "yes", "no", "ok", "okay",
     "hello", "hi", "good", "thank", "thanks", "please", "sorry", "again", "for", "to", "of", "or", "but", "because",
     "regarding", "an", "urgent", "customer", "tenant", "owner", "is", "was", "what", "who", "that", "this", "it",
     "it's", "cliente", "inquilino", "inquilina", "dueno", "duena", "hola", "buenas", "buenos", "gracias", "por",
     "favor", "para", "porque", "pero", "con", "y", "que", "quiero", "llamo", "hablo", "estoy", "tengo", "vivo", "yo",
     "mi", "su", "un", "una", "uno", "otra", "nuevo", "nueva", "espanol", "ingles", "lunes", "martes", "miercoles",
     "jueves", "viernes", "sabado", "domingo", "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto",
     "septiembre", "octubre", "noviembre", "diciembre", "mexicano", "mexicana", "desde", "sobre", "cuenta", "numero",
     "telefono", "number", "account", "phone", "spelled", "se", "me", "le", "lo", "les", "nos", "ya", "es", "en", "al",
     "todo", "nadie", "alguien", "quien", "somebody", "nobody", "someone", "mom", "mama", "papa", "dad", "senores")
)  # fmt: skip
# What often follows a given name that is written small, and is no family name.
NO_FAMILY = frozenset(
    ("muchas", "muchisimas", "somos", "tiene", "necesito", "quisiera", "llame", "llamame", "llameme", "there", "over",
     "would", "could", "wants", "wanted", "needs", "called", "says", "said", "lives", "down", "have", "have", "been",
     "spelled", "siempre", "cuando", "como", "donde", "dice", "dijo", "vive", "quiere", "esta", "usted", "ustedes",
     "mire", "oiga", "fijese", "again", "back", "nuevamente", "hasta", "hace", "hablando", "speaking", "looking",
     "llamando", "pues", "also", "tambien", "solo", "only", "they", "them", "this", "when", "where", "last", "next",
     "today", "manana", "tomorrow", "vengo", "marco", "disculpe", "perdone", "espero", "were", "does", "will", "can't")
)  # fmt: skip
_RELATION = re.compile(
    r"(?:(?:su|el|la|un|una|the|his|her|their|a)\s+)?(?:hij[oa]|espos[oa]|herman[oa]|niet[oa]|mama|papa|madre|padre"
    r"|vecin[oa]|son|daughter|wife|husband|brother|sister|mother|father|neighbor|grandson|granddaughter|caregiver"
    r"|inquilin[oa]|tenant|landlord|duen[oa]|owner)"
)
_SPEAKING = frozenset(("calling", "speaking", "here", "llamando"))
_BEFORE_SPELLING = frozenset(
    ("that's", "that", "is", "spelled", "spelling", "i'll", "spell", "it", "se", "escribe", "deletrea", "deletreo",
     "lo", "le", "es", "con", "asi", "o", "sea", "as", "in", "it's", "last", "first", "name", "apellido", "nombre",
     "my", "mi", "el", "and", "y", "spells", "capital")
)  # fmt: skip
_LAST_NAME = frozenset(("last", "apellido", "apellidos", "surname"))
_BEFORE_LAST = _LAST_NAME | {"and", "my", "the", "name", "is", "y", "mi", "el", "de", "es"}
MAX_WORDS = 5
MAX_NAMES = 3
_SENTENCE_END = re.compile(r"[.!?…;:]")


@dataclass(frozen=True, slots=True)
class _Said:
    weight: int
    places: tuple[int, ...]
    sure: bool


def callers(speech: Speech) -> list[Fact]:
    """Names the message gives, the caller's own first; nobody's when none was said."""
    found: list[tuple[int, Fact]] = []
    place = 0
    while place < len(speech.words):
        announced = _announced(speech, place)
        if announced is None:
            place += 1
            continue
        phrase, weight = announced
        after = place + len(phrase)
        spelled = spelled_at(speech, after)
        said = None if spelled else _name_at(speech, after, sure=phrase in _SURE, weak=phrase in _WEAK)
        if spelled is not None:
            found.append((weight, _from_letters(speech, spelled, weight)))
            place = spelled.last + 1
        elif said is not None:
            fact, place = _with_spelling(speech, said, weight)
            found.append((weight, fact))
        else:
            place += 1
    return _ordered(found)


def _announced(speech: Speech, place: int) -> tuple[tuple[str, ...], int] | None:
    for phrase, weight in _BY_FIRST.get(speech.words[place].key, ()):
        end = place + len(phrase)
        if tuple(word.key for word in speech.words[place:end]) != phrase:
            continue
        if any(_SENTENCE_END.search(speech.between(i, i + 1)) for i in range(place, end - 1)):
            continue
        return phrase, weight
    return None


def _name_at(speech: Speech, at: int, *, sure: bool, weak: bool) -> list[int] | None:
    """The words of the name that begins here."""
    at = _past_apposition(speech, at)
    places: list[int] = []
    words = speech.words
    place = at
    while place < len(words) and len(places) < MAX_WORDS:
        word = words[place]
        if places and re.search(r"[^\s'’\-]", speech.between(place - 1, place)):
            break
        if word.key in _TITLES and not places:
            place += 1
            continue
        capital = word.text[:1].isupper() and len(word.text) > 1
        if word.key in PARTICLES and places and _particle_leads_on(speech, place, len(places)):
            places.append(place)
        elif word.key in NO_NAME or word.key.isdigit() or (not capital and word.key in NUMBER_WORDS):
            break
        elif capital or (sure and len(places) < 2 and len(word.key) > 1) or _known(speech, places, place):
            places.append(place)
        else:
            break
        place += 1
    while places and words[places[-1]].key in PARTICLES:
        places.pop()
    if not places or (weak and not (_stands_alone(speech, places) or _is_known(speech, places))):
        return None
    return places


def _known(speech: Speech, places: list[int], place: int) -> bool:
    """Written small, as some recognisers write everything: a given name that people bear, and what follows it."""
    key = speech.words[place].key
    if not places:
        titled = place > 0 and speech.words[place - 1].key in _TITLES
        return may_be_given(key) or (titled and is_family(key))  # «this is mrs tolliver», «don whitcomb»
    said = sum(speech.words[each].key not in PARTICLES for each in places)  # «maría de los ángeles tapia»
    if said > 2 or speech.words[places[0]].text[:1].isupper() or key in PARTICLES:
        return False
    small = not speech.words[place].text[:1].isupper()
    after = speech.words[place + 1].key if place + 1 < len(speech.words) else ""
    if len(places) == 1 and small and after in _SPEAKING and key not in NO_FAMILY:
        return True  # «this is hannah cho calling»
    return small and (is_family(key) or is_given(key) or (len(places) == 1 and len(key) > 3 and key not in NO_FAMILY))


def _is_known(speech: Speech, places: list[int]) -> bool:
    """«It's renee call me back», «I'm skye patterson»: what nobody could take for other words."""
    first, last = speech.words[places[0]].key, speech.words[places[-1]].key
    return is_given(first) or (len(places) > 1 and may_be_given(first) and is_family(last))


def _particle_leads_on(speech: Speech, place: int, said: int) -> bool:
    """«Rocío de la Vega», but not «Ana Ruiz de Petaluma»: behind a whole name «de» tells where somebody is from."""
    words = speech.words
    if said > 1 and words[place].key == "de" and words[place + 1 : place + 2] and words[place + 1].text[:1].isupper():
        return False
    last = place
    while last + 1 < len(words) and words[last + 1].key in PARTICLES:
        last += 1
    follows = (
        last + 1 < len(words)
        and (words[last + 1].text[:1].isupper() or (_is_name(words[last + 1].key) and words[place - 1].text.islower()))
        and speech.between(last, last + 1) == " "
    )
    return follows and words[last + 1].key not in NO_NAME


def _is_name(key: str) -> bool:
    return is_family(key) or may_be_given(key)


def _past_apposition(speech: Speech, at: int) -> int:
    """«Soy su hijo, Fidel», «de parte de mi mamá, la señora Casimira»: the name stands behind."""
    keys = [word.key for word in speech.words[at : at + 4]]
    for size in (3, 2, 1):
        if len(keys) > size and _RELATION.fullmatch(" ".join(keys[:size]).removeprefix("mi ").removeprefix("my ")):
            return at + size
    return at


def _stands_alone(speech: Speech, places: list[int]) -> bool:
    """After «it's» and «I'm» anything may follow: a name is followed by a pause or the end, or by where they are."""
    last = places[-1]
    if last + 1 >= len(speech.words):
        return True
    return bool(re.search(r"[.,;!?…]", speech.between(last, last + 1))) or speech.words[last + 1].key in (
        "from", "calling", "over", "at", "in", "and", "de", "y", "with"
    )  # fmt: skip


def _with_spelling(speech: Speech, places: list[int], weight: int) -> tuple[Fact, int]:
    """The name with what was spelled behind it, and where to go on reading."""
    names = [speech.words[place].text for place in places]
    used, doubts = list(places), list[Doubt]()
    at = places[-1] + 1
    for _ in range(3):  # first and last name may both be spelled, and the last one named behind the first
        start, last_name = _to_spelling(speech, at)
        spelled = spelled_at(speech, start) if start is not None else None
        if spelled is not None:
            names, fits = _matched(names, spelled, last_name)
            if not fits:
                doubts.append(Doubt.BY_NAME)
            used += spelled.places
            at = spelled.last + 1
        more = _last_name(speech, at, behind_letters=spelled is not None and len(names) == 1)
        if more:
            names += [speech.words[place].text for place in more]
            used += more
            at = more[-1] + 1
        elif spelled is None:
            break
    value = " ".join(_dressed(name) for name in names)
    return _fact(speech, value, used, doubts, weight), at


def _last_name(speech: Speech, at: int, *, behind_letters: bool) -> list[int] | None:
    """«…, last name Iyer», «…, apellido Ruiz»; right behind the letters of a first name also without those words."""
    place, named = at, behind_letters
    while place < min(at + 4, len(speech.words)) and speech.words[place].key in _BEFORE_LAST:
        named = named or speech.words[place].key in _LAST_NAME
        place += 1
    if not named or place >= len(speech.words) or not place:
        return None
    if behind_letters and place == at and not re.fullmatch(r",?\s+", speech.between(place - 1, place)):
        return None
    return _name_at(speech, place, sure=False, weak=False)


def _to_spelling(speech: Speech, at: int) -> tuple[int | None, bool]:
    """Where letters may begin behind a name, past «that's», «spelled», «se escribe»; whether it is the last name's."""
    last_name = False
    for place in range(at, min(at + 6, len(speech.words))):
        if spelled_at(speech, place, least=3) is not None and speech.words[place].key not in ("es",):
            return place, last_name
        key = speech.words[place].key
        if key not in _BEFORE_SPELLING:
            return None, False
        last_name = last_name or key in _LAST_NAME
    return None, False


def _matched(names: list[str], spelled: Spelled, last_name: bool) -> tuple[list[str], bool]:
    """Letters beat what was heard, where they spell that word; as a last name they are added."""
    best = max(
        ((_alike(name, variant), i, variant) for i, name in enumerate(names) for variant in spelled.variants),
        key=lambda each: (each[0], each[1]),
    )
    alike, i, variant = best
    whole = max(((_alike("".join(names), each), each) for each in spelled.variants), key=lambda each: each[0])
    if len(names) > 1 and whole[0] > 0.9 and whole[0] > alike:
        return names, True  # the whole name in one go
    if alike >= 0.5:
        return [*names[:i], variant, *names[i + 1 :]], True
    if last_name or (len(names) == 1 and names[0][:1].lower() != variant[:1]):
        return [*names, spelled.variants[0]], True
    return names, False


def _alike(name: str, spelled: str) -> float:
    return SequenceMatcher(None, name.lower(), spelled, autojunk=False).ratio()


def _dressed(name: str) -> str:
    if any(c.isupper() for c in name) or name in PARTICLES:
        return name
    return name[:1].upper() + name[1:]


def _from_letters(speech: Speech, spelled: Spelled, weight: int) -> Fact:
    return _fact(speech, _dressed(spelled.variants[0]), list(spelled.places), [], weight)


def _fact(speech: Speech, value: str, places: list[int], doubts: list[Doubt], weight: int) -> Fact:
    place = place_of(speech, places)
    if place.confidence is not None and place.confidence < UNCLEAR_BELOW:
        doubts = [*doubts, Doubt.UNCLEAR]
    return Fact(Kind.NAME, value, (place,), doubts=tuple(doubts), for_other=weight < _OWN)


def _ordered(found: list[tuple[int, Fact]]) -> list[Fact]:
    """Each name once: who says less of it strengthens who says more of it («Ana», «Ana Ruiz»)."""
    out: list[tuple[int, Fact]] = []
    for weight, fact in found:
        for i, (known_weight, known) in enumerate(out):
            shorter, longer = sorted((known.value.lower(), fact.value.lower()), key=len)
            if set(shorter.split()) <= set(longer.split()):
                best = known if len(known.value) >= len(fact.value) else fact
                merged = replace(best, places=(*known.places, *fact.places), for_other=max(weight, known_weight) < _OWN)
                out[i] = (max(weight, known_weight), merged)
                break
        else:
            out.append((weight, fact))
    ranked = sorted(out, key=lambda each: -each[0])
    return [fact for _, fact in ranked[:MAX_NAMES]]
