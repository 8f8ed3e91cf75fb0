"""How days are said and written in English and Spanish: names, numbers, and the words around them."""

import re
from collections.abc import Iterable

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january|jan|enero|ene", "february|feb|febrero", "march|mar|marzo", "april|apr|abril|abr", "may|mayo",
            "june|jun|junio", "july|jul|julio", "august|aug|agosto|ago", "september|sept|sep|septiembre|setiembre",
            "october|oct|octubre|otubre", "november|nov|noviembre", "december|dec|diciembre|dic",
        ),
        1,
    )
    for name in names.split("|")
}  # fmt: skip
WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            "monday|mon|lunes", "tuesday|tues|tue|martes", "wednesday|wednsday|wed|miercoles",
            "thursday|thurs|thur|thu|jueves", "friday|fri|viernes", "saturday|sat|sabado", "sunday|sun|domingo",
        )
    )
    for name in names.split("|")
}  # fmt: skip
ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
)  # fmt: skip
UNITS_ES = (
    "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez", "once", "doce", "trece",
    "catorce", "quince", "dieciseis", "diecisiete", "dieciocho", "diecinueve", "veinte", "veintiuno", "veintidos",
    "veintitres", "veinticuatro", "veinticinco", "veintiseis", "veintisiete", "veintiocho", "veintinueve", "treinta",
)  # fmt: skip
UNITS_EN = (
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
ORDINAL_DAYS = {word: day for day, word in enumerate(ORDINALS, 1)}
ORDINAL_DAYS |= {"twentieth": 20, "thirtieth": 30, "thirty first": 31, "primero": 1, "1ro": 1, "1o": 1, "1er": 1}
ORDINAL_DAYS |= {f"twenty {word}": 20 + day for day, word in enumerate(ORDINALS[:9], 1)}
DAYS_ES = {word: day for day, word in enumerate(UNITS_ES, 1)} | {"treinta y uno": 31}
DAYS_EN = {word: day for day, word in enumerate(UNITS_EN, 1)} | {"twenty": 20, "thirty": 30}
DAYS_EN |= {f"twenty {word}": 20 + day for day, word in enumerate(UNITS_EN[:9], 1)} | {"thirty one": 31}
SPOKEN_DAYS = {**DAYS_EN, **DAYS_ES, **ORDINAL_DAYS}
COUNTS = {**DAYS_EN, **DAYS_ES, "forty eight": 48, "seventy two": 72, "cuarenta y ocho": 48, "setenta y dos": 72}
COUNTS |= {"twenty four": 24, "veinticuatro": 24, "un": 1, "una": 1, "a": 1, "sixty": 60, "sesenta": 60, "ninety": 90}
COUNTS |= {"couple of": 2, "un par de": 2, "cuarentaiocho": 48, "cuarenta yocho": 48, "cuarenta i ocho": 48}


def any_of(words: Iterable[str]) -> str:
    """Longest first, as an alternation; blanks and hyphens inside are one."""
    ordered = sorted(words, key=len, reverse=True)
    return "|".join(re.escape(word).replace(r"\ ", r"[\s-]") for word in ordered)


_MONTH, _WEEKDAY = any_of(MONTHS), any_of(WEEKDAYS)
_ORDINAL, _SPOKEN, _COUNT = any_of(ORDINAL_DAYS), any_of(SPOKEN_DAYS), any_of(COUNTS)
ENGLISH_MONTHS = frozenset(
    ("january", "february", "march", "april", "june", "july", "august", "september", "october", "november", "december")
)
# Not short for a month: a full stop behind them ends a sentence.
WHOLE_MONTHS = frozenset(name for name in MONTHS if len(name) > 4) | {"june", "july", "may", "mayo"}
YEAR = r"(?:,?\s(?:de\s|del\s|of\s)?(?P<year{0}>(?:19|20)\d\d)\b)?"
ABBREVIATED = frozenset(("mon", "tues", "tue", "wed", "thurs", "thur", "thu", "fri", "sat", "sun"))
LEADS = frozenset(("on", "by", "this", "next", "until", "till", "before", "for", "due", "since", "el", "este", "come"))

CALENDAR = re.compile(
    rf"(?<![\d/$.,:-])(?:(?P<day1>\d{{1,2}})(?:st|nd|rd|th|er|ro|o)?|(?P<word1>{_SPOKEN})(?!\s(?:of\s)?(?:{_MONTH})\s\d{{1,2}}\b(?!\s?(?:am|pm|[ap]\.m|:))))\s(?:of\s|de\s"
    rf"|del\smes\sde\s)?"
    rf"(?P<month1>{_MONTH})\b\.?{YEAR.format(1)}"
    rf"|\b(?P<month2>{_MONTH})\b\.?\s(?:the\s)?(?:(?P<day2>[0-3]?\d)(?:st|nd|rd|th)?(?![\d%:/]|\s?(?:am|pm)\b)"
    rf"|(?P<word2>{_SPOKEN})\b){YEAR.format(2)}"
    r"|\b(?P<year3>20\d\d)-(?P<month3>[01]\d)-(?P<day3>[0-3]\d)\b"
    r"|(?<![\d/$.,:-])(?P<a4>[0-3]?\d)/(?P<b4>[0-3]?\d)(?:/(?P<year4>(?:19|20)?\d\d))?(?![\d/]|\s?(?:de|of)\s)"
)
NAMED = re.compile(
    rf"\b(?P<which>this|next|last|este|el\spasado|el\sproximo|el|on|by|los|las|cada|every|each|todos\slos)?\s?"
    rf"\b(?P<weekday>{_WEEKDAY})\b(?P<plural>s)?(?P<behind>\s(?:que\sviene|proximo|pasado|next\sweek|of\slast\sweek))?"
)
RELATIVE = re.compile(
    r"\b(?P<two>(?:the\s)?day\safter\stomorrow|pasado\smanana)\b"
    r"|\b(?P<tomorrow>tomorr?ow|tommorr?ow|tmrw|tmw|tomoro|manana)\b"
    r"|\b(?P<today>today|tonight|hoy|esta\snoche)\b"
    rf"|\b(?P<lead>(?:in|within|en|dentro\sde|have|tengo|hay|next|los\sproximos|only|solo|my|de|a|another|otros)\s)?"
    rf"(?P<count>\d{{1,3}}|{_COUNT})[\s-]?(?P<unit>hours?|hrs?|h?oras?|days?|dias?|weeks?|semanas?)\b"
)
BARE_DAY = re.compile(
    rf"\b(?:the|el)\s(?P<en>[0-3]?\d(?:st|nd|rd|th)|{_ORDINAL})\b"
    rf"|\b(?P<cue>el\sdia|dia|el|al|para\sel|hasta\sel|antes\sdel|partir\sdel)\s(?P<es>[0-3]?\d|primero"
    rf"|{any_of(DAYS_ES)})\b"
    r"|\b(?P<by>by|due|before|moving|on|until|closes)\s(?P<nth>[0-3]?\d(?:st|nd|rd|th))\b"
)
SO_LONG = tuple(
    f"{unit} " for unit in ("minutes", "minute", "hours", "hour", "days", "weeks", "months", "years", "while")
)
ON_THE = re.compile(r"\b(?:by|on|before|until|till|due|since|for|of|through|after)\s$")
AMONG_OTHERS = re.compile(r"\b(?:con|en|y|entre|como|por|tras|contra|es)\s$")
GOES_ON = re.compile(r"\s*(?:$|[.,;:!?)\n]|(?:y|o|para|pero|que|en|me|nos|se|a|no|por|al|and|or|i|is|to|if|porque)\b)")
TO_NUMBER = re.compile(r"\s(?:al|a)\s\d")  # «nos pasamos del 4 al 11»
MORNING = re.compile(r"\b(?:turno de|jornada de|la|las|esta|cada|toda la|en la|por la|de la|una|otra|buena|tarde y)\s$")
SHORT_LEAD = re.compile(  # before «1/2», which may be half a cup
    r"\b(?:by|on|due|before|el|antes del|until|vence|dated|para el|dia|(?:bill|letter|notice) of|for)\s$"
)
DUE_TODAY = re.compile(
    r"(?:\b(?:by|until|due|before|pay|pay it|pay you|shut (?:me |us )?off|disconnect\w*|vence|antes de|hasta|pagar|pago"
    r"|pagarlo|suspendido|cortan|cortar|cortarian|quitan la luz|para|expires|cut (?:me |us )?off|cut us|end of"
    r"|deadline(?: is)?|date (?:on it )?is|call (?:me )?back|booked for"
    r"|(?:by|before|antes de) (?:\d{1,2}(?::\d\d)?|noon|[a-z]+)(?: ?(?:am|pm|o'clock))?),?\s)$"
)
PAST = re.compile(
    r"\b(?:(?<!get )(?<!gets )(?<!be )paid|called|came|was|were|sent|told|got|received|went|wrote|left|made|did"
    r"|had|happened|started|telephoned|said|mailed|took|submitted"
    r"|moved in|signed|ended|ending|spoke|emailed|visited|applied|posted|cashed|since|drafted|dated"
    r"|[a-z]{2,}ed(?! for| by| to| on)|bought|gave|saw|broke|brought|fell|kept|lost|met|sold|spent|found|heard"
    r"|began|drove|asked for|(?:i|we|who|he|she|they) read"
    r"|(?:have|has|haven't|hasn't)(?: not| never| just| already)? (?:been|had|[a-z]+(?:ed|en|nt|ght))"
    r"|(?:he|ha|hemos|han|habia\w*) [a-z]+(?:ado|ido|cho|to)|[a-z]{2,}(?:aron|ieron|abamos|aban)"
    r"|tome|deje|compre|firme|empece|deposite|cancele|cambie|envie|reporte|reporto|empezo|termino|compro|dejo|tomo|pidio"
    r"|pedi|sali|showed|olia|habia|salimos|vino|fue|fueron|dijo|hizo|hice|pague|llame|mande"
    r"|recibi|llego|pago|llamo|mando|paso|estuvo"
    r"|salio|hable|realizado|desde|fui|vinieron|dijeron|cortaron|mandaron|cobraron"
    r"|atendi[eo]\w*|solicite|denuncie|prometi[eo]\w*|era|estaba|fechad[oa]|escribi)\b"
)
FUTURE = re.compile(
    r"\b(?:will|going to|gonna|(?:was|were|is) for|by|before|until|till|due|unless|deadline|if|can|could|must|have to"
    r"|need|want|plan|moving|move|close[sd]? on|be|we'll|they'll|i'll|open"
    r"|scheduled|van a|va a|voy a|vamos a|antes|hasta|vence|para|si"
    r"|quiero|quieren|ends|expires|starts|closes|begins"
    r"|(?:are|is|am|i'm|\w+'re|it's) \w+ing"
    r"|puedo|tengo que|tiene que|nos mudamos|me cambio|me mudo|corta[nr]?|clase|cita|mudar\w*|class|tour|appointment)\b"
)
# Behind a number these words make it no day: «5/24 = 21 %»; before a day of the week, any such day.
FRACTION = re.compile(r"\s?[=%]|\s(?:at \$|cup|inch|wire|cable|of (?:a|the|my)\b)")
ANY_SUCH = re.compile(
    rf"\b(?:but|except|excepto|menos)(?: el)? (?:{_WEEKDAY})(?:,| and| or| y| o| ni)\s(?:el\s)?$|"
    r"\b(?:los|cada|every|every other|each|a|an|un|una|one|any|some|most|algun|cualquier|is|pleno|todo el|all|like"
    rf"|mi|su|tu|en|(?:{_WEEKDAY}) que|same as|mismo|day but|except|excepto|menos|off are)\s(?:el\s)?$"
)
EVERY_SUCH = re.compile(
    r"\s(?:nights|mornings|afternoons|evenings|school|es cuando|es mi dia|es el unico|the same|que el (?:lunes|domingo)"
    r"|(?:y domingo )?(?:tambien )?(?:es|son|sale) (?:tambien )?(?:mas )?(?:car|barat))"
)
WITH_WEEKDAY = re.compile(rf"\b(?:{_WEEKDAY}),?\s(?:the\s|el\s|dia\s)?$")
WEEKDAY_AND_NUMBER = re.compile(
    rf"\b(?P<weekday>{_WEEKDAY}),?\s(?:the\s|el\s|dia\s)*(?P<number>[0-3]?\d)(?:st|nd|rd|th)?\b"
    r"(?![:/.,]\d|\s?(?:am|pm|a|to|-|de la)\b)"
)
# «The third message in five weeks», «1,590 kWh in 30 days»: so long it took.
IT_TOOK = re.compile(
    rf"\b(?:\d{{1,2}}|{_COUNT})\s(?!(?:hours|horas|days|dias|weeks|semanas|minut|months|meses))[a-z]{{3,}}s\s$|"
    r"\b(?:messages?|interruptions?|times?|calls?|outages?|letters?|visits?|bills?|kwh|veces|llamadas?|mensajes?"
    r"|apagones)\s$"
)
KEY_PRESSED = re.compile(r"\b(?:marco|marque|marcar|pico|pique|picar|oprim\w+|apriet\w+|presion\w+|opcion|tecla)\s$")
WAS_ON = re.compile(
    r"\b(?!(?:scheduled|planned|expected|supposed|needed|based)\b)(?:[a-z]{2,}ed|was|were|came|went|wrote|sent)"
    r"\s(?:on\s)?(?:the\s)?$"
)
# «My note from Sunday», «mi llamada del lunes»
SENT = re.compile(
    r"\b(?:note|letter|message|e?-?mail|call|voicemail|visit|nota|carta|correo|mensaje|llamada|visita)"
    r" (?:from|of|de)l?\s$"
)
OF_MONTH = re.compile(r"\s(?:of|de|del)\s(?:(?P<this>this month|este mes|mes en curso)|last month|mes pasado)\b")
SPAN = re.compile(rf"^\s?(?:-|to|thru|through|a|al)\s?(?:el\s)?(?:{_WEEKDAY})\b")
FROM = re.compile(rf"\b(?:{_WEEKDAY})\s?(?:-|to|thru|through|a|al)\s?(?:el\s)?$")
NOT_A_DAY = re.compile(
    r",\sde\s(?:19|20)\d\d|\s?(?:%|por ciento|de (?!"
    rf"(?:{_MONTH})\b)(?:[a-z]+)|kwh|kw\b|dolares|pesos|horas|dias|anos|meses|veces|personas|time|try|visit|outage|request|floor|notice|month\b"
    r"|street|st\b|avenue|ave\b|quarter|one\b|bill|call|party|person|year|grade|grader|graders|message|letter"
    r"|anniversary"
    r"|attempt|contact|unit|house|step|page|line|half|amendment|mensaje|recibo|piso|aviso|vez|grado|cliente|lugar|ano"
    r"|carta|pago|dia\b|y (?:medio|ultimo)|punto|mil\b|[/:.]\d|,\d{3})"
)
# Days that have a name and are no such day of the week; a birthday; the day of a law; «me cayó el veinte».
HOLIDAY = re.compile(r"\b(?:black|good|ash|cyber|palm|easter|fat|super bowl)\s$")
HOLIDAY_BEHIND = re.compile(r"\s(?:negro|santo|de (?:ramos|pascua|resurreccion|ceniza|gloria))\b")
BORN = re.compile(
    r"\b(?:born|birth|dob|birthday|birthdate|naci|nacio|nacid[oa]|nacimiento|cumpleanos)\b[^.!?\n]{0,18}$"
)
OF_LAW = re.compile(
    r"\b(?:act|law|statute|code|ordinance|decree|regulations?|ley|decreto|reglamento|ordenanza)"
    r" (?:\S+ )?(?:of|del?)(?: el)?\s$"
)
IDIOM = re.compile(r"\b(?:cayo|cae|cayera|caia|cayendo|top of)\s$")
A_DAY = re.compile(r"\b(?:mismo|primer|otro|cada|un|ese|este|aquel|todo el|al)\s$")  # «el mismo día cuatro facturas»
# «el 3 y el 17 de noviembre»: both are of that month.
WITH_MONTH = re.compile(
    rf"(?:\s(?:y|e|o|and|or|al|to),?|,)\s(?:el\s|the\s|del\s)?(?:[0-3]?\d)(?:st|nd|rd|th)?\s(?:de|of)\s(?P<month>{_MONTH})\b"
)
MAY_THE_VERB = re.compile(r"\b(?:i|you|we|they|it|he|she|that|this|there|which|who)\s$")
IT_IS = re.compile(r"\b(?:it's|its|it is|es el|es|for)\s$")  # whatever is told behind it
# A text without any of these words has no day of that kind: to look for them costs a tenth of the patterns.
IN_RELATIVE = frozenset(
    ("tomorrow", "tomorow", "tommorrow", "tommorow", "tmrw", "tmw", "tomoro", "manana", "today", "tonight", "hoy",
     "noche", "hour", "hours", "hr", "hrs", "hora", "horas", "ora", "oras", "day", "days", "dia", "dias", "week",
     "weeks", "semana", "semanas")
)  # fmt: skip
IN_BARE = frozenset(word for said in SPOKEN_DAYS for word in re.findall("[a-z]+", said))
