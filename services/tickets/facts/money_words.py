"""What says that a number is money, in English and Spanish: the words before it, behind it, and in its sentence."""

import re

UNITS = frozenset(("dollar", "dollars", "bucks", "buck", "dolar", "dolares", "usd", "pesos"))
CENTS = frozenset(("cents", "cent", "centavos", "centavo"))
CENTS_HEARD = CENTS | {"sense", "scents"}  # behind dollars: a recogniser hears what it knows
# Between the words that say what is owed and how much: «debe como doscientos», «I owe you about 300».
FILLERS = re.compile(
    r"(?:\s(?:like|about|around|roughly|almost|nearly|only|just|maybe|over|exactly|another|um|uh|you|them|como|casi|unos"
    r"|unas|solo|nomas|apenas|eh|este|mas de|mas o menos|alrededor de|otros|los|las))+\s*$"
)
# At its end stands what names a sum of money.
OWED = re.compile(
    r"(?:\b(?:owes?|owing|behind|debo|debe|deben|debemos|debia|adeud\w+)"
    r"|\b(?:(?<!you )(?<!they )(?<!we )bill|bill's|bills|balance|true.?up|recibo|factura|cuenta|saldo|ajuste"
    r"|tru ap)(?: (?:de la luz|came|is|was"
    r"|went|jumped|que|me|nos|le|llego|salio|vino|subio|kemando|dice|went up|one|now|here|of|ahora|esta vez)){0,3}"
    r"(?: (?:from|to|at|in at|for|de|por|en|a|is|was|says|son|dice|comes to))?"
    r"|\b(?:subio|bajo|paso|brinco|se fue|se me fue) (?:de|a)|\b(?:jumped|went|goes|gone|climbed) (?:up )?(?:from|to)"
    r"|\bjump from"
    r"|\b(?:me|nos|le|les) (?:llego|cobr\w+|salio|vino|quit\w+|piden|sacaron|descontaron)(?: (?:de|por|en|como))?"
    r"|\b(?:salio|salia|sale|llegaba|llegando|fue|era) de|\bsalio"
    r"|\b(?:pag(?:o|ue|a|an|aba|aban|amos|abamos|aron|ar|arle|arles)|abon\w+|paid|pay|paying|pays)"
    r"|\b(?:can|could) (?:do|pay|give)|\bpuedo (?:dar|abonar)|\b(?:no|si) damos"
    r"|\b(?:never|nunca) (?:had one|pag\w+)"
    r"|\band (?:this month|now) (?:it's|its|is)|\by ahora(?: (?:son|pago|es|es de|me cobran))?|\bahora son|\bson"
    r"|\b(?:cargo|cobro|recargo|ajuste|multa|credito|cheque|deposito|credit|check|deposit|refund|charge)"
    r"(?: [a-z]+){0,4} (?:de|por|of|for)"
    r"|\b(?:should|debe|tiene que) (?:be|ser)|\band it's two|\bused to be|\busually(?: (?:it's|its|is))?"
    r"|\b(?:month|week|year|before|\w+ber|january|february|march|april|june|july|august)(?: it)? was|\bmine (?:was|is)"
    r"|\by otro de|\b(?:i want the |the )?extra|\bmake the same|\bfactura,|\bbill,|\bjaja|\b(?:the )?same amount"
    r"|\bcharged me|\bcobraron|\bcobran|\btotal(?: (?:is|es|de|of))?|\bme faltan?|\bcosts?|\bcosto|\bcuesta"
    r"|\bquote (?:for|of)|\b(?:budget|presupuesto|income) (?:of|de|is))\s*$"
)
# Not before a sum: what o'clock, which house, which year.
NO_SUM = re.compile(
    r"\b(?:at|las|la|unit|apartment|apartamento|apt|space|espacio|number|numero|box|zip|code|codigo|extension|line|linea"
    r"|room|cuarto|highway|route|calle|street|until|till|by|before|after|since|hasta|antes de|in|en|on|and|y|page|check"
    r"|cheque|ending|terminan?|termina en|to|from|a|around|past|step|form|channel|canal|rate|route|block|suite"
    r"|e|i|order)\s*$"
)
SPEAKS_OF_MONEY = re.compile(
    r"\b(?:bills?|bill's|ow(?:e|es|ed|ing)|pa(?:y|ys|id|ying|yment|yments)|charg\w+|fees?|balance|due|costs?|dollars?|bucks"
    r"|money|deposit|refund\w*|credit|notice|slip|statement|true up|recibos?|facturas?|cobr\w+|deb(?:o|e|en|emos|ia)"
    r"|pag\w+|saldo|cargos?|multa|dinero|dolares|lana|feria|deposito|credito|deuda|adeud\w+|atras\w+|papelito|papel|bil"
    r"|cuentas?|banco|tru up|tru ap|abon\w+)\b"
)
# Behind it: what is whole, or on hand, is a sum.
WHOLE = re.compile(r",?\s(?:en total|in credits?|in cash|en efectivo|de multa|de luz)\b")
IN_CENTS = re.compile(
    r"^(?!.*(?:\$|dollar|dolar|buck)).*\b(?:cents|centavos)\b", re.DOTALL
)  # «de día cobran 20 centavos y de noche cuarenta»
# So much energy is used or made.
USED = re.compile(
    r"\b(?:us\w{1,3}|gast\w+|consum\w+|runs?|averag\w+|sent|export\w*|generat\w+|produc\w+|makes?)\b[^.]{0,20}$"
)
ENERGY = re.compile(r"\b(?:kwh|kw|kilo\w*|watts?|usage|meter reading|lectura|medidor (?:dice|marca)|consumo)\b")
PAID = re.compile(r"ow|pa[iy]|deb|charg|cobr|adeud|bill|recibo|factura|cuenta|saldo|balance|behind|multa|cheque|check")
# What may follow a sum that has no unit; a noun would be what it counts.
GOES_ON = re.compile(
    r"\s*(?:$|[.,;:!?)\n/]|\s(?:and|but|so|or|i|i'm|i've|we|he|she|they|it|it's|this|that|the|a|my|is|was|for|to|on|in|at"
    r"|by|from|last|now|every|each|per|left|total|due|again|because|cause|when|if|then|before|until|till|with|please"
    r"|what|how|why|where|can|could|do|does|did|not|no|never|usually|which|who|just|today|tomorrow|right|thank|thanks"
    r"|you|your|both|twice|among|between|entre|um|uh|okay|ok|well|hello|back|instead|only|something|y|o|pero|porque|que|si|ni|en|el|la|los|las|lo|le"
    r"|me|se|nos|mi|su|este|esta|ese|eso|esto|es|son|era|fue|por|para|con|cuando|como|antes|hasta|ahora|hoy|ayer|cada|al"
    r"|ya|yo|tengo|pues|entonces|gracias|bueno|oiga|quiero|quisiera|puedo|necesito|cuanto|donde|nomas|verdad|eh|luego"
    r"|dice|senorita|senor|and now)\b)"
)
NOT_MONEY = re.compile(
    r"\s?(?:%|percent|por ?ciento|kwh|kw\b|kilo\w+|watts?|amps?|volts?|v\b|gallons?|galones|therms?|termias"
    r"|hours?|horas?|days?|dias?|weeks?|semanas?|months?"
    r"|mes(?:es)?|cents?\b|centavos?|¢"
    r"|years?|anos?|times|veces|am\b|pm\b|minutes|minutos|people|personas|units?|degrees|grados|o'clock|st\b|nd\b|rd\b"
    r"|th\b|feet|miles|millas|calls|llamadas|bills|recibos|of them|de ellos|de [a-z]+(?:re|io|il|yo|to)\b|[/:-]\d|\.\d"
    r"|months'|different|more|mas\b|panels|paneles|houses|casas|messages|mensajes|years'|dates|fechas|emails)"
)
# «de noventa a doscientos diez»: what follows a sum of money with «to» is one too, and what stands before one.
TO = re.compile(r"\s(?:to|a|up to|hasta|and now|y ahora|y ahora son|or|o)\s(?:like |como |casi |los )?$")
TO_SUM = re.compile(
    r"\s(?:to|a|up to|hasta|and now it'?s|and now|y ahora son|y ahora)\s(?:like |about |como |casi |los )?"
)
# «It says four hundred and twelve»: only of what is said as people say sums.
SAYS = re.compile(r"\b(?:it|that|bill|letter|notice|paper|thing|and|papel|carta|recibo|y|que) (?:says|dice)$")
