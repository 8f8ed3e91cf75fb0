"""The pieces of street addresses, as expressions over folded text: types, units, cities, spoken numbers."""

from services.tickets.callers.numerals import NUMBER_WORDS
from services.tickets.facts.cardinals import WORDS

TYPES = (
    "street", "str", "st", "avenue", "aven", "ave", "road", "rd", "drive", "dr", "lane", "ln", "court", "ct",
    "boulevard", "blvd", "way", "place", "pl", "terrace", "ter", "circle", "cir", "highway", "hwy", "trail", "loop",
    "parkway", "pkwy", "square", "alley", "bench", "plaza",
    # as a recogniser that listens for Spanish writes them
    "lein", "estrit", "strit", "avenu", "aveniu", "roud", "draiv", "draif", "bulevar", "bulevard", "pleis", "jaiwey",
)  # fmt: skip
TYPE = rf"(?:{'|'.join(TYPES)})"
NUMBERS = (NUMBER_WORDS | WORDS | {"y"}) - {"grand"}
SPOKEN_NUMBER = "|".join(sorted(NUMBERS, key=len, reverse=True))
SAID = rf"(?:(?:{SPOKEN_NUMBER})(?:\s|-)){{1,7}}(?:[a-d]\s|and\sa\shalf\s)?"
UNIT = (
    r"(?:,?\s(?:apartment|apartamento|apto|apt|unit|suite|ste|space|spc|room|departamento|depto|espacio|unidad|numero"
    r"|lote|lot|traila|trailer)\b\.?\s?#?\s?(?:(?:number|numero)\s)?[a-z0-9-]{1,12}|,?\s?#\s?[a-z0-9-]{1,5}"
    r"|,?\s(?:edificio|torre|bloque|building|bldg)\s(?:[a-h]\b(?!\s(?:la|el|las|los|mi)\b)|\d{1,4}\b)"
    rf"|\s(?:number|numero)\s(?:(?:{SPOKEN_NUMBER})(?:\s(?:{SPOKEN_NUMBER})){{0,3}}|\d{{1,4}})\b"
    rf"(?!\s(?:{SPOKEN_NUMBER}|\d)))"
)
WORD = r"[a-z0-9'][a-z0-9'.-]{0,29}"
NOT_IN_NAME = (
    r"(?!(?:the|a|an|and|or|y|o|is|are|was|es|esta|that|que|my|mi|i|we|on|in|at|en|for|to|of|from|with|por|para|con|kwh"
    r"|dollars|dolares|hours|horas|days|dias|months|meses|am|pm|years|anos|percent|people|times|veces|but|pero|because"
    r"|this|it|they|you|your|bill|bills|hour|day|notice|solar|account|cuenta|no|not|so|if|when|down|up|off|out)\b)"
)
DIRECTION = r"(?:(?:north|south|east|west|n|s|e|w)\.?\s)?"
END = r"(?:\s(?:north|south|east|west|norte|sur|este|oeste)\b)?"  # «petaluma boulevard south»
NUMBER = r"(?<![\d$.,/#-])\d{1,6}(?:-?[a-d])?(?:\s1/2)?"
CITIES = (
    "santa rosa", "rohnert park", "petaluma", "sebastopol", "windsor", "healdsburg", "cotati", "cloverdale", "sonoma",
    "guerneville", "forestville", "geyserville", "bodega bay", "boyes hot springs", "glen ellen", "kenwood",
    "occidental", "monte rio", "graton", "fulton", "penngrove", "larkfield", "oakmont", "ukiah", "willits",
    "fort bragg", "mendocino", "point arena", "hopland", "gualala", "el verano", "agua caliente",
    "fetters hot springs", "roseland", "jenner", "cazadero", "timber cove", "sea ranch", "laytonville", "covelo",
    "boonville", "philo", "redwood valley", "casper",
)  # fmt: skip
CITY = rf"(?:,?\s(?:in\s|en\s)?(?:{'|'.join(CITIES)})\b(?:,?\s(?:ca|california)\b)?(?:\s9\d{{4}})?)?"
