"""The words by which account facts are told from what anybody may know, in English and Spanish.

For text in small letters without accents. Every repetition is bounded: a reply may be long and is written by anybody.
"""

import re


def _words(*patterns: str) -> re.Pattern[str]:
    """Any of these, as whole words."""
    return re.compile(r"\b(?:" + "|".join(patterns) + r")\b")


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


_LATER = r"[^.?!\n]{0,40}?\b"  # further on in the sentence
_HISTORY_EN = r"(?:payment|billing|usage|account) history"
_HISTORY_ES = r"historial de (?:pagos?|consumo|facturacion|la cuenta|su cuenta|uso)"
_MONTH_EN = "january|february|march|april|may|june|july|august|september|october|november|december"
_PROGRAM = r"(?:care|fera|medical baseline|linea base medica|programa medico|amp|liheap)"

# Ten digits, a dash and a check digit; or ten or eleven digits that nobody writes a telephone number like.
ACCOUNT = re.compile(r"(?<![\d-])(\d{10})\s?[-–]\s?(\d)(?![\d-])|(?<![\d$.,+-])\d{10,11}(?![\d-]|[.,]\d)")
TELEPHONE_BEFORE = re.compile(
    r"\b(?:call|phone|tel|telephone|telefono|cell|celular|mobile|fax|text|llam\w+|marqu\w+|at|al)\b"
    r"\W{0,5}(?:\w{1,20}\W{1,3}){0,2}$"
)
SERVICE = re.compile(
    r"\b(?:sa\s?ids?|service agreements?(?: ids?)?|service ids?|meter"
    r"|acuerdos? de servicio|contratos? de servicio|id de servicio|medidor)"
    r"(?:\s(?:number|no\.?|num\.?|is|es|el|numero)){0,3}\s?[:#]?\s?((?=[a-z0-9-]{0,17}\d{3})[a-z0-9][a-z0-9-]{5,17})\b"
)
# What a bill says of one customer.
BILLED = _words(
    "bills?", "billed", "statements?", "invoices?", "balance", "owes?", "owed", "owing", "past due", "amount due",
    "overdue", "arrears", "total due", "payments?", "paid", "pay(?:ing)?", "charged", "charges?", "credit(?:ed)?",
    "refund(?:ed)?", "deposit", "true-?up", "cash(?:ed)? ?out",
    "facturas?", "facturad[oa]s?", "recibos?", "estado de cuenta", "saldo", r"adeud\w+", "debe[ns]?", "debia", "deuda",
    "vencid[oa]s?", "pagos?", "pagad[oa]s?", "pagar", r"cobr\w+", "cargos?", "credito", r"acredit\w+", r"reembols\w+",
    "deposito", "ajuste",
)  # fmt: skip
# Whose it is: words that speak to or of this customer.
THEIRS = _words(
    "yours?", "your", "you", "you've", "you're", "the account", "this account", "his", "her", "their",
    "we received", "was received",
    "su", "sus", "usted", "ustedes", "les?", "la cuenta", "esta cuenta", "tiene", "debe", "pago", "recibimos",
    "se recibio",
)  # fmt: skip
# What anybody may know: prices, fees and programs.
PUBLIC = _any(
    r"\bup to\b", r"\bfees?\b", r"\brebates?\b", r"/\s?kwh", r"\bper kwh", r"\bkilowatt", r"\ba month\b",
    r"\bper month", r"\bmonthly\b", r"\btypical", r"\baverage\b", r"\babout\b", r"\bprogram",
    r"\bevery(?:one|body)\b", r"\bcosts?\b", r"\brates?\b", r"\beach customer", r"\bto enroll\b", r"\bunder \$",
    r"\bminimum\b", r"\bliheap\b",
    r"\bhasta\b", r"\bcuotas?\b", r"\bpor kwh", r"\bal mes\b", r"\bpor mes\b", r"\bmensual", r"\bpromedio",
    r"\btipic[oa]", r"\balrededor de", r"\baproximadamente", r"\bcuesta", r"\btarifa", r"\bcada cliente",
    r"\bpor inscribir", r"\bmenos de \$", r"\bminimo\b",
)  # fmt: skip
# An address is a fact where it is the customer's; not where an office or a class is.
ADDRESS_OF = _words(
    "service", "mailing", "billing", "address", "on file", "account", "bill", "check", "mailed", "sent to", "your home",
    "your house", "meter",
    "domicilio", "direccion", "servicio", "cuenta", "factura", "recibo", "cheque", "enviad[oa]", "registrad[oa]",
    "su casa", "medidor", "se envio",
)  # fmt: skip
PUBLIC_PLACE = _words(
    "our office", "our center", "visit us", "customer center", "come (?:by|to)", "office (?:is|at)", "class",
    "workshop", "event", "park(?:ing)?",
    "nuestra oficina", "nuestro centro", "visitenos", "centro de clientes", "oficina (?:esta|en)", "clase", "taller",
    "estacionamiento", "estamos en",
)  # fmt: skip
HISTORY = _any(
    rf"\b{_HISTORY_EN} (?:shows?|is|says|has)\b",
    rf"\b(?:attach\w{{0,8}}|enclos\w{{1,8}}|here (?:is|are)|sending you|below)\b{_LATER}{_HISTORY_EN}\b",
    rf"\b{_HISTORY_ES} (?:muestra|es|dice|indica|tiene)\b",
    rf"\b(?:adjunt\w{{1,8}}|anex\w{{1,8}}|le mando|le envio|aqui (?:esta|tiene|va))\b{_LATER}{_HISTORY_ES}\b",
    rf"\b(?:your|the|his|her|their) (?:last|latest|previous|most recent|{_MONTH_EN}) (?:payment|bill|statement|usage)\b"
    rf"{_LATER}(?:was|is|of|came|posted|returned|bounced|late)\b",
    r"\b(?:su|el) (?:ultimo|ultima|pasado|anterior) (?:pago|factura|recibo|consumo)\b"
    rf"{_LATER}(?:fue|es|de|se (?:recibio|registro|devolvio)|llego)\b",
    r"\byour (?:account|payment|balance|bill) (?:is|was) "
    r"(?:past due|overdue|late|returned|delinquent|in collections|paid(?: in full)?|current)\b",
    r"\bsu (?:cuenta|pago|saldo|factura|recibo) (?:esta|fue|estaba|quedo) "
    r"(?:vencid[oa]|atrasad[oa]|devuelt[oa]|pagad[oa]|al corriente|en cobranza)\b",
    r"\b(?:you|they|the account) (?:have )?(?:missed|paid late|made) (?:\w{1,20} )?payments?\b",
    r"\b(?:you|your (?:home|house|account)) (?:have )?used \d[\d,.]{0,12}",
    r"\b(?:usted|su casa|su cuenta) (?:uso|gasto|consumio) \d[\d,.]{0,12}",
    r"\b(?:your|su|sus)\b[^.?!\n]{0,60}?\b\d[\d,.]{0,12} ?(?:kwh|kilowatt.?hours?|kilovatios)\b",
    r"\b(?:you are|you're|the account is|your account is) (?:enrolled|signed up|registered) (?:in|for|on)\b"
    rf"{_LATER}{_PROGRAM}\b",
    rf"\b(?:esta|estan) inscrit[oa]s? en\b{_LATER}{_PROGRAM}\b",
)
FILE = re.compile(
    r"bill|invoice|statement|account|usage|payment|balance|meter"
    r"|factura|recibo|estado.?de.?cuenta|cuenta|consumo|pagos?|saldo|medidor",
    re.IGNORECASE,
)
BOUNDARY = re.compile(r"[.!?](?=\s)|\n[ \t]*\n|\n(?=[ \t]*[-*•])")
