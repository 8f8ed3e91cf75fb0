"""Street addresses as Spanish-speaking callers say them, in folded text. Pure.

The number stands before («doscientos once de la calle Benito Juárez») or behind («avenida de las Flores doscientos»),
also behind a street that has kept its English name («petaluma hill road dos cero siete»).
"""

import re
from collections.abc import Iterator

from services.tickets.facts.street_words import (
    CITIES,
    CITY,
    COUNTED,
    END,
    NOT_IN_NAME,
    SPANISH_TYPES,
    SPOKEN_NUMBER,
    TYPE,
    UNIT,
)

_STREET = rf"(?:{'|'.join(SPANISH_TYPES)}|(?:cuesta|vuelta|hilera|subida|bajada)(?=\sdel?\s))"
_LINK = r"(?:(?:del?\s)?(?:la\s|las\s|los\s|el\s)?|san\s|santa\s)"  # «calle de los olivos»
_ONE = rf"(?:{NOT_IN_NAME}(?!(?:{SPOKEN_NUMBER})\b)[a-z'-]{{3,20}}|[b-df-xz]\b)"
# What a name goes on with: «calle pozo hondo»; not somebody asked to hurry («avenida comstock ayúdenos»).
_SECOND = (
    rf"{NOT_IN_NAME}(?!(?:{SPOKEN_NUMBER})\b)(?!(?:ayud|apur|veng|mand|grac|porfa|rapid|urge|auxil|senor|oiga|ahor|huel"
    r"|dios|bueno|pues|este|aqui|ahi|alla|casi|casa))[a-z'-]{3,20}"
)
_BEHIND = (
    r"(?=\s?$|[.,;\n]|\s(?:y|en|me|mi|se|no|hay|and|my|aqui|departamento|apartamento|depto|apto|espacio|traila|unidad"
    rf"|edificio|numero|apurense|por favor|gracias|{'|'.join(CITIES)})\b)"
)
# Words of a number that no more of one follows: a telephone's is longer.
_COUNT = rf"(?:(?:{SPOKEN_NUMBER})\s){{0,5}}(?:{SPOKEN_NUMBER})\b(?!\s(?:{SPOKEN_NUMBER})\b)"
# A house's, though nothing calls it a number: hundreds, a thousand, or said in pieces.
_HOUSE = (
    rf"(?:(?:[a-z]+cient[oa]s|ciento|quinientos|mil)\b(?:\s(?:{SPOKEN_NUMBER})\b){{0,4}}"
    rf"|(?!(?:una?|y|o)\b)(?:{SPOKEN_NUMBER})(?:\s(?:{SPOKEN_NUMBER})\b){{1,4}})(?!\s(?:{SPOKEN_NUMBER})\b)"
    rf"(?!\s(?:o|y|a|{'|'.join(sorted(COUNTED))})\b)"
)
_PATTERNS = (
    # «ochenta y ocho de la calle quarry bend», «cuarenta y uno sendero de las uvas»
    re.compile(
        rf"\b(?!(?:y|o)\s|una?\s(?!(?:{SPOKEN_NUMBER})\b))(?:(?:{SPOKEN_NUMBER})[\s-]){{1,7}}(?:[b-d]\s)?(?:de\s)?(?:la\s|el\s)?"
        rf"{_STREET}\s{_LINK}{_ONE}(?:\s{_SECOND}{_BEHIND})?{UNIT}?{CITY}"
    ),
    # «calle robles número quince», «camino viejo ocho», «avenida college mil doscientos»
    re.compile(
        rf"\b{_STREET}\s{_LINK}{_ONE}(?:\s{NOT_IN_NAME}[a-z'-]{{2,20}}){{0,2}}?"
        rf"\s(?:numero\s)?(?!(?:un|una|y|o|oh)\b){_COUNT}{UNIT}?{CITY}"
    ),
    # «dutton avenue número dos quince», «sebastopol road doce cuarenta»
    re.compile(
        rf"(?:(?<=\ben\s)|(?<=\bla\s)|(?<=\bes\s)|(?<=\bde\s)|(?<=\bdireccion\s))(?:{NOT_IN_NAME}[a-z']{{3,20}}\s){{1,3}}?{TYPE}\b"
        rf"{END},?\s(?:numero\s{_COUNT}|{_HOUSE}){UNIT}?{CITY}"
    ),
    # «calle doce número cuatro», «la west tercera número doscientos diez»
    re.compile(
        r"\b(?:(?:la\s)?(?:calle\s)?(?:north|south|east|west)|calle)\s(?:primera|segunda|tercera|cuarta|quinta|sexta"
        rf"|septima|octava|novena|decima|{SPOKEN_NUMBER})\snumero\s{_COUNT}{UNIT}?{CITY}"
    ),
    # «el kilómetro cuatro de la carretera doce»
    re.compile(
        rf"\bkilometro\s(?:{_COUNT}|\d{{1,3}})\s(?:de|en)\sla\s(?:carretera|autopista|highway)\s(?:{_COUNT}|\d{{1,3}}\b"
        rf"|(?:a|de)\s{_ONE})"
    ),
)


def said_in_spanish(plain: str) -> Iterator[tuple[int, int]]:
    """Begin and end of each. `plain`: the text, folded."""
    for pattern in _PATTERNS:
        for match in pattern.finditer(plain):
            yield match.span()
