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
SPANISH_TYPES = (
    "calle", "camino", "avenida", "rancho", "paseo", "via", "vista", "villa", "callejon", "privada", "bulevar",
    "vereda", "sendero", "pasaje", "glorieta", "cerrada", "calzada", "circuito", "retorno", "andador", "alameda",
)  # fmt: skip
_PART = (  # of a house or a park
    "apartment", "apartamento", "apto", "apt", "unit", "suite", "ste", "space", "spc", "departamento", "depto",
    "espacio", "unidad", "traila", "trailer", "numero",
)  # fmt: skip
UNIT = (
    rf"(?:,?\s(?:{'|'.join(_PART)}|room|lote|lot)\b\.?\s?#?\s?(?:(?:number|numero)\s)?"
    rf"(?:(?!(?:y|un|una)\b)(?:{SPOKEN_NUMBER})(?:\s(?:{SPOKEN_NUMBER})){{0,3}}\b(?!\s(?:{SPOKEN_NUMBER}|\d))"
    r"|\d[a-z0-9-]{0,7}\b|[a-z]{1,2}-?\d{1,4}\b|[a-z]\b|(?:be|ce)\b)|,?\s?#\s?[a-z0-9-]{1,5}"
    r"|,?\s(?:edificio|torre|bloque|building|bldg)\s(?:[a-h]\b(?!\s(?:la|el|las|los|mi)\b)|\d{1,4}\b)"
    rf"|\s(?:number|numero)\s(?:(?:{SPOKEN_NUMBER})(?:\s(?:{SPOKEN_NUMBER})){{0,3}}|\d{{1,4}})\b"
    rf"(?!\s(?:{SPOKEN_NUMBER}|\d)))"
)
# A word that ends a sentence is no part of a name; «Mt.», «St.» and «Ave.» are.
WORD = r"(?![a-z]{4,30}\.)[a-z0-9'][a-z0-9'.-]{0,29}"
NOT_IN_NAME = (
    r"(?!(?:the|a|an|and|or|y|o|is|are|was|es|esta|that|que|my|mi|i|we|on|in|at|en|for|to|of|from|with|por|para|con|kwh"
    r"|dollars|dolares|hours|horas|days|dias|months|meses|am|pm|years|anos|percent|people|times|veces|but|pero|because"
    r"|this|it|they|you|your|bill|bills|hour|day|notice|solar|account|cuenta|no|not|so|if|when|down|up|off|out|ft|feet"
    r"|across|over|along|past|de\s\d+"
    rf"|{'|'.join(_PART)}|edificio)\b)"
)
DIRECTION = r"(?:(?:north|south|east|west|n|s|e|w)\.?\s)?"
# «petaluma boulevard south», «South Highway 1», «Tolay Bench Road»
END = (
    r"(?:\s(?:north|south|east|west|norte|sur|este|oeste)\b|(?<=highway)\s\d{1,3}\b|(?<=hwy)\s\d{1,3}\b"
    r"|\s(?:street|avenue|ave|road|rd|drive|dr|lane|ln|court|ct|way)\b\.?)?"
)
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
# Behind a number these are what it counts: no street is called so.
COUNTED = frozenset(
    ("dollars", "bucks", "dolares", "pesos", "kwh", "hours", "horas", "days", "dias", "months", "meses", "years",
     "anos",
     "minutes", "minutos", "weeks", "semanas", "times", "veces", "people", "personas", "percent", "degrees", "grados",
     "cents", "centavos", "calls", "bills", "recibos", "panels", "paneles", "cars", "kids", "ninos", "hijos", "january",
     "february", "march", "april", "june", "july", "august", "september", "october", "november", "december", "enero",
     "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre",
     "thousand", "hundred", "cientos", "units", "amps", "watts", "kilowatts", "feet", "miles", "night", "noche",
     "tarde",
     "morning", "manana", "different", "companies", "companias", "or", "clock", "sharp", "messages", "mensajes",
     "phone",
     "please", "thirty", "dash", "guion", "extension", "ext", "account", "cuenta", "half", "day", "week", "month",
     "llamadas",
     "semana",
     "luz", "noche", "tarde", "vez", "hora", "factura", "renta", "quincena", "lunes", "martes",
     "amp", "kilos", "something", "saying", "hurry", "some",
     "notice", "more", "mas", "letters", "cartas", "cosas", "things", "rooms", "cuartos", "grandchildren", "houses",
     "casas", "cables", "comidas", "segundos", "postes", "carros", "camiones", "vecinos", "familias", "cuadras",
     "metros", "millas", "seconds", "meals", "pounds", "gallons", "square")
)  # fmt: skip
