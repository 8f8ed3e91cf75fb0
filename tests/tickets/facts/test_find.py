"""What messages state: each kind in both languages, written and said, in its place and in the form that is kept."""

from datetime import date

import pytest

from services.tickets.facts import FactKind, find, masked

FRIDAY = date(2026, 11, 27)


def told(text: str, kind: FactKind) -> list[tuple[str, str]]:
    """(the words in their place, value) of one kind."""
    return [(text[each.start : each.end], each.value) for each in find(text, FRIDAY) if each.kind is kind]


@pytest.mark.parametrize(
    ("text", "words", "value"),
    [
        ("I owe $1,234.56 now", "$1,234.56", "1234.56"),
        ("it was like 120 bucks", "120 bucks", "120.00"),
        ("debo ciento veinte dólares", "ciento veinte dólares", "120.00"),
        ("my bill is two hundred and six", "two hundred and six", "206.00"),
        ("it is two seventeen dollars", "two seventeen dollars", "217.00"),
        ("eleven hundred dollars for what", "eleven hundred dollars", "1100.00"),
        ("forty one dollars and eighteen cents", "forty one dollars and eighteen cents", "41.18"),
        ("me cobraron siete con cincuenta", "siete con cincuenta", "7.50"),
        ("Son $1.234,50 según usted", "$1.234,50", "1234.50"),
        ("household of 3, $58k", "$58k", "58000.00"),
        ("el recibo subió de noventa", "noventa", "90.00"),
        ("I paid two eighty four sixty last week", "two eighty four sixty", "284.60"),
        ("a hundred and twelve dollars and forty cents", "a hundred and twelve dollars and forty cents", "112.40"),
        ("three dollars nineteen for what", "three dollars nineteen", "3.19"),
        ("we are behind about six hundred and forty and he works", "six hundred and forty", "640.00"),
        ("this bill comes and it's four fifty two and i cried", "four fifty two", "452.00"),
        ("debemos como quinientos cuarenta quería saber", "quinientos cuarenta", "540.00"),
        ("me cobraron mil doscientos este mes", "mil doscientos", "1200.00"),
        ("me piden 6 mil.", "6 mil", "6000.00"),
        ("dice que debe 41 mil dólares", "41 mil dólares", "41000.00"),
        ("a quote for 24k to replace it", "24k", "24000.00"),
        ("i owe nine oh four thirty two", "nine oh four thirty two", "904.32"),
        ("el total es seiscientos dieciocho con noventa", "seiscientos dieciocho con noventa", "618.90"),
        ("like eighty ninety bucks", "ninety bucks", "90.00"),
    ],
)
def test_amounts(text: str, words: str, value: str) -> None:
    assert told(text, FactKind.AMOUNT) == [(words, value)]


@pytest.mark.parametrize(
    "text",
    [
        "48 kWh a day",
        "I waited 45 minutes",
        "the year 2019",
        "call 911",
        "at 12:30",
        "two of them",
        "Unit 412",
        "the bill is for the house at sixteen eighteen grand avenue",
        "pago por la calle west tres cincuenta norte",
        "panels since dos mil catorce and i pay",
        "i paid at the seven eleven",
        "marque al dos once por el recibo",
        "twenty percent of the bill, about 9,000 kWh",
        "cien por ciento de la cuenta",
        "16 cents on your bill",
        "at $0.025 a kWh",
        "our bill is 4,200 gallons in a month",
        "de día 20 centavos y en la noche nos cobran cuarenta!!",
        "my friend says 4 cents. i pay 40. explain",
        "October has 31 days. You bill 33. Explain",
        "the bill says 121 volts",
    ],
)
def test_numbers_that_are_no_money(text: str) -> None:
    assert told(text, FactKind.AMOUNT) == []


@pytest.mark.parametrize(
    ("text", "words", "value"),
    [
        ("pay by Monday", "Monday", "2026-11-30"),
        ("by Friday", "Friday", "2026-11-27"),
        ("antes del viernes", "viernes", "2026-11-27"),
        ("el viernes pasado vino alguien", "viernes pasado", "2026-11-20"),
        ("I paid on Monday", "Monday", "2026-11-23"),
        ("next Tuesday please", "Tuesday", "2026-12-01"),
        ("el 3 de diciembre", "3 de diciembre", "2026-12-03"),
        ("December 3rd", "December 3rd", "2026-12-03"),
        ("me mudo el primero de enero", "primero de enero", "2027-01-01"),
        ("we paid the thirty first of october", "thirty first of october", "2026-10-31"),
        ("Notice says termination 12/3", "12/3", "2026-12-03"),
        ("on 2026-12-24", "2026-12-24", "2026-12-24"),
        ("they shut it off tomorrow", "tomorrow", "2026-11-28"),
        ("me la cortan pasado mañana", "pasado mañana", "2026-11-29"),
        ("pay it today", "today", "2026-11-27"),
        ("un aviso de 48 horas", "48 horas", "2026-11-29"),
        ("within ten days", "ten days", "2026-12-07"),
        ("by the 15th", "15th", "2026-12-15"),
        ("nos salimos el día 15", "15", "2026-11-15"),
        ("off on Thursday, December 3 for work", "Thursday, December 3", "2026-12-03"),
        ("no habrá luz el martes 1 desde las nueve", "martes 1", "2026-12-01"),
        ("he died on the second of this month", "second", "2026-11-02"),
        ("it was corrected on the 20th", "20th", "2026-11-20"),
        ("I get paid Monday, can it wait", "Monday", "2026-11-30"),
        ("la muchacha que me atendió el lunes", "lunes", "2026-11-23"),
        ("we close on the fourth realtor says call", "fourth", "2026-12-04"),
        ("my true up's due the eighteenth it's a lot", "eighteenth", "2026-12-18"),
        ("i've got till the eighteenth thank you", "eighteenth", "2026-12-18"),
        ("moving out on the thirty first of may", "thirty first of may", "2027-05-31"),
        ("me mudo el primero y necesito luz", "primero", "2026-12-01"),
        ("they're turning off my lights in two days", "two days", "2026-11-29"),
        ("never mind my note from Sunday", "Sunday", "2026-11-22"),
        ("she clicked the wrong box Monday of last week", "Monday of last week", "2026-11-16"),
        ("no pasaron por la basura el martes", "martes", "2026-11-24"),
        ("tomé foto al medidor el día primero y mandé", "primero", "2026-11-01"),
        ("el domingo reporté un olor a gas", "domingo", "2026-11-22"),
        ("a quote by five o'clock today", "today", "2026-11-27"),
        ("the arrangement I made was for 12/10", "12/10", "2026-12-10"),
        ("his admission on April 17 of 2023", "April 17 of 2023", "2023-04-17"),
        ("the letter of March 3, 1998", "March 3, 1998", "1998-03-03"),
        ("It rained. On the night of the 11th a conductor fell", "11th", "2026-11-11"),
        ("the third October 21", "October 21", "2026-10-21"),
    ],
)
def test_days_counted_from_the_day_of_receipt(text: str, words: str, value: str) -> None:
    [(found, day)] = told(text, FactKind.DATE)
    assert day == value
    assert found in (words, f"the {words}", f"el {words}")


def test_days_of_the_month_that_is_named_with_the_last_of_them() -> None:
    days = told("El 3 y el 17 de noviembre", FactKind.DATE)
    assert [value for _, value in days] == ["2026-11-03", "2026-11-17"]


@pytest.mark.parametrize(
    "text",
    [
        "abrimos de lunes a viernes", "open Monday through Friday", "every Saturday", "los martes", "en la mañana",
        "a las 8 de la mañana", "since 2019", "in October", "I may go", "48 hours without power for 2 days ago",
        "open 24/7", "February 30", "come some Tuesday", "cualquier jueves", "the service was super, 10/10",
        "8 kW in September. Three applications", "more in January once the county pays me", "third call in five weeks",
        "1,590 kWh in 30 days", "should be 5/24 = 21%", "marco el 2 y me regresa", "the linemen came within two hours",
        "Wednesday nights", "every other Friday", "any day but Monday", "the Sunday school rooms",
        "me cortan en una hora",
        "es lo mismo el domingo que el lunes", "el domingo también es caro", "again ten minutes ago. Two residents",
        "The fridge. In August 29. In", "permission to operate in July. The first bill", "you have 45 days",
        "no los han limpiado en dos semanas", "nos pasamos del 4 al 11 en el edificio",
        "placas desde antes del dos mil veinte", "May one be borrowed", "in two September evenings", "on Black Friday",
        "ofertas del viernes negro", "ahí me cayó el veinte", "recibí el mismo día cuatro facturas", "turno de mañana",
        "tres postales en una semana", "on top of the first", "any day but Wednesday and Sunday", "born March 3, 1961",
        "nací el 3 de marzo de 1961", "under the Act of March 3, 1905", "el primero, de 2018, pues",
    ],
)  # fmt: skip
def test_no_day(text: str) -> None:
    assert told(text, FactKind.DATE) in ([], [("48 hours", "2026-11-29")])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I live at 5821 Country Club Drive, apt 4, Rohnert Park.", "5821 Country Club Drive, apt 4, Rohnert Park"),
        ("vivo en 88 de la calle quarry bend", "88 de la calle quarry bend"),
        ("en la Calle del Sol #14", "Calle del Sol #14"),
        ("PO Box 88, Forestville", "PO Box 88, Forestville"),
        ("it's eleven oh nine slater street hurry", "eleven oh nine slater street"),
        ("a wire is down on mark west springs road", "mark west springs road"),
        ("in Fetters Avenue and Highway 12", "Fetters Avenue and Highway 12"),
        ("we are at 218 Blucher Draw, Sebastopol. Hurry", "218 Blucher Draw, Sebastopol"),
        ("Service is at 1660 Hill Annex unit C please", "1660 Hill Annex unit C"),
        ("Put lights on at 5 Larkspur Hook, Cloverdale", "5 Larkspur Hook, Cloverdale"),
        ("se cayó un cable en la calle lazzini por la tiendita", "la calle lazzini"),
        ("el espacio treinta y dos del park de la moorland", "el espacio treinta y dos del park de la moorland"),
        ("we're at redwood glen park space eleven", "redwood glen park space eleven"),
        ("osmin argueta trescientos nueve de la south a", "trescientos nueve de la south a"),
        ("setenta y dos de la avenida comstock ayúdenos", "setenta y dos de la avenida comstock"),
        ("neighbor's house it's fourteen eighty garrison i called nine one one", "fourteen eighty garrison"),
        ("huele a gas cuatro ochenta de la garrison apúrense", "cuatro ochenta de la garrison"),
        ("there's smoke seventy seven b pressley their meter", "seventy seven b pressley"),
        ("se está quemando once ochenta old mil lein apúrenle", "once ochenta old mil lein"),
        ("vivo en la calle mendocino número cuatro ochenta", "calle mendocino número cuatro ochenta"),
        ("moving to two eighteen mill street number five and", "two eighteen mill street number five"),
        ("nine oh two and a half lupine street hurry", "nine oh two and a half lupine street"),
        ("two twelve north main in willits no lights", "two twelve north main in willits"),
        ("the board and care on lupine and tenth", "lupine and tenth"),
        ("se cayó un poste aquí en la carretera doce", "carretera doce"),
        ("hay un cable en la avenida manzanita y la gente pasa", "avenida manzanita"),
        ("estoy en rancho los sauces", "rancho los sauces"),
        ("estoy en la traila diecinueve de rancho verde", "la traila diecinueve de rancho verde"),
        ("1440 Corby Court, edificio C", "1440 Corby Court, edificio C"),
        ("send it to po box forty one", "po box forty one"),
        (
            "vivo en la calle petaluma hill road número cuatro cinco seis",
            "calle petaluma hill road número cuatro cinco seis",
        ),
        ("mi casa es la cuatrocientos doce de la lewis", "cuatrocientos doce de la lewis"),
        ("un árbol en la calle walnut esquina con quinta", "calle walnut esquina con quinta"),
        ("huele a gas en quince cero ocho la palma", "quince cero ocho la palma"),
        ("estamos en el callejón de los álamos número tres y", "callejón de los álamos número tres"),
        ("estoy en tres dos cuatro de la calle b", "tres dos cuatro de la calle b"),
        ("los apartamentos burbank heights número veintiséis", "los apartamentos burbank heights número veintiséis"),
        ("en la tercera y la olivo hay humo", "tercera y la olivo"),
        ("en la intersección de stony point con hearn", "stony point con hearn"),
        ("un cable en la avenida san miguel frente a la iglesia", "avenida san miguel"),
        ("cerca de la sebastopol road y la dutton", "sebastopol road y la dutton"),
        ("the plaza on fourth street unit nine", "fourth street unit nine"),
        ("vivo en la dutton avenue número dos quince y", "dutton avenue número dos quince"),
        ("aquí en sebastopol road doce cuarenta está saliendo humo", "sebastopol road doce cuarenta"),
        (
            "mi domicilio es calle benito juárez doscientos once en windsor",
            "calle benito juárez doscientos once en windsor",
        ),
        ("huele a gas en la calle doce número cuatro por favor", "calle doce número cuatro"),
        ("es la calle del rosal número siete", "calle del rosal número siete"),
        ("estamos en cuatro cero ocho calle de los olivos por favor", "cuatro cero ocho calle de los olivos"),
        ("vivo en un tres dos siete calle los olivos y me", "un tres dos siete calle los olivos"),
        ("es cuarenta y uno sendero de las uvas en geyserville", "cuarenta y uno sendero de las uvas en geyserville"),
        ("once setenta calle pólvora vieja espacio treinta", "once setenta calle pólvora vieja espacio treinta"),
        ("estamos en pasaje las rosas veintidós por favor", "pasaje las rosas veintidós"),
        ("se cayó un poste en el kilómetro cuatro de la carretera doce", "kilómetro cuatro de la carretera doce"),
        ("mi número de casa es el ochocientos cuatro de roseland por favor", "ochocientos cuatro de roseland"),
        ("31 Camino de las Peras, Philo", "31 Camino de las Peras, Philo"),
        ("La casa 14 de 900 Olivo Seco Court", "900 Olivo Seco Court"),
        ("en 500 Camino Hopper Chico espacio 12, Santa Rosa", "500 Camino Hopper Chico espacio 12, Santa Rosa"),
        ("We are at space 12, Alder Glen Park.", "space 12, Alder Glen Park"),
        ("Off at 850 Hilera de Álamos, Cotati", "850 Hilera de Álamos, Cotati"),
        ("at 35590 South Highway 1 since noon", "35590 South Highway 1"),
        ("It is 6200 Tolay Bench Road", "6200 Tolay Bench Road"),
        ("About 50 ft. 4421 Spring Ridge Rd, Petaluma", "4421 Spring Ridge Rd, Petaluma"),
        ("no lights on tillamook and wexler since five", "tillamook and wexler"),
        (
            "in space forty two in the rancho grande mobile home park",
            "space forty two in the rancho grande mobile home park",
        ),
    ],
)
def test_addresses(text: str, words: str) -> None:
    assert [found for found, _ in told(text, FactKind.ADDRESS)] == [words]


@pytest.mark.parametrize(
    "text",
    ["the right way", "on our street", "panel de 100 amp", "one place to pay", "en 2021", "toda la calle huele",
     "a 48 Hour Notice, Petaluma", "from 3 Friday Night", "100 Percent Renewable", "hay humo en la calle entera",
     "soy encargado de un rancho de vacas", "me cambié de traila y en la nueva no sale", "in writing. Ref. LN-7720",
     "it's eleven hundred something and i can pay", "it's eleven twenty hurry", "gasté mil doscientos kilos",
     "a las dos treinta de la tarde", "the difference is three eighty maria said", "is it a burger place",
     "we have a six lane bowling alley", "we'll file in Superior Court", "twenty two south facing panels and a battery",
     "our corner's leaning way over", "la tercera y la cuarta carta", "pago doscientos la semana y no alcanza",
     "It is seven weeks since Dr. Amundsen came", "I drew a red circle about it", "Is there a smart way to do this",
     "There was a bench and now there is none", "placas desde el dos mil dieciocho cuando vivía",
     "les quité tres y cinco segundos",
     "un cable en sebastopol hace tres dos días", "Espacio 14 del parque", "ocho mil entonces quiero saber"],
)  # fmt: skip
def test_no_address(text: str) -> None:
    assert told(text, FactKind.ADDRESS) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Please fix it.\nThanks,\nWendy Aquino", "Wendy Aquino"),
        ("¿Me lo explican? Soy Rogelio Tinajero, cuenta 1020304050", "Rogelio Tinajero"),
        ("hola soy fernanda olvera siete cero siete cinco cinco cinco cero uno uno ocho", "fernanda olvera"),
        ("it's in my husband's name, Walter Tollefson, and he", "Walter Tollefson"),
        ("my name is Jo Iyer", "Jo Iyer"),
    ],
)
def test_names(text: str, name: str) -> None:
    assert [found.casefold() for found, _ in told(text, FactKind.NAME)] == [name.casefold()]


@pytest.mark.parametrize("text", ["Sonoma Clean Power", "Santa Rosa", "Gracias", "Medical Baseline", "Dear Customer"])
def test_no_name(text: str) -> None:
    assert told(text, FactKind.NAME) == []


def test_ten_digits_are_told_apart_by_what_is_said_beside_them() -> None:
    text = "Account 1020304050-6, service agreement 5050505050, call 707-555-0131 or siete cero siete, 555-0188."
    assert [(each.kind, each.value) for each in find(text, FRIDAY)] == [
        (FactKind.ACCOUNT, "1020304050-6"),
        (FactKind.AGREEMENT, "5050505050"),
        (FactKind.PHONE, "+17075550131"),
        (FactKind.PHONE, "+17075550188"),
    ]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("Would like back on. Gil Yamamoto, 6647102938.", FactKind.ACCOUNT, "6647102938"),
        ("Denme los números de mi casa. 9926603158", FactKind.ACCOUNT, "9926603158"),
        ("tell me when it takes effect. Minerva Case, 9142203366-4", FactKind.ACCOUNT, "9142203366-4"),
        ("es cuando cobran más. 1846205937-4", FactKind.ACCOUNT, "1846205937-4"),
        ("mi número es tres tres cero cero uno ocho dos siete cinco cuatro", FactKind.ACCOUNT, "3300182754"),
        ("Thanks, Ana Ruiz 7075550131", FactKind.PHONE, "+17075550131"),
        ("Thanks, Ana Ruiz, (661) 555-0131", FactKind.PHONE, "+16615550131"),
        ("Thanks, Ana Ruiz. Tel. 6615550131", FactKind.PHONE, "+16615550131"),
        ("Thanks. Call me at 6615550131", FactKind.PHONE, "+16615550131"),
    ],
)
def test_ten_digits_without_a_word_are_told_by_how_they_are_written(text: str, kind: FactKind, value: str) -> None:
    numbers = [each for each in find(text, FRIDAY) if each.kind in (FactKind.ACCOUNT, FactKind.PHONE)]
    assert [(each.kind, each.value) for each in numbers] == [(kind, value)]


@pytest.mark.parametrize(
    ("value", "shown"),
    [("1020304050-6", "••••••4050-6"), ("1020304050", "••••••4050"), ("4050", "4050"), ("", "")],
)
def test_masked(value: str, shown: str) -> None:
    assert masked(value) == shown


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("acct number is double two oh one double four double five double six", FactKind.ACCOUNT, "2201445566"),
        ("my account is two two oh one dash four four five five six six", FactKind.ACCOUNT, "2201445566"),
        ("something's off i think walter bjorklund seven seven three oh one four nine two eight six",
         FactKind.ACCOUNT, "7730149286"),
        ("quiero esa cuenta por favor me llamo fabiola rentería siete cero siete cinco cinco cinco cero uno cero seis",
         FactKind.PHONE, "+17075550106"),
        ("do i fax it carolyn deitz seven oh seven five five five oh one three nine", FactKind.PHONE, "+17075550139"),
        ("this is mrs winifred oakes", FactKind.NAME, "winifred oakes"),
        ("nobody can tell me what it is bernice tolliver", FactKind.NAME, "bernice tolliver"),
        ("yeah this is hannah cho calling about my bill", FactKind.NAME, "hannah cho"),
        ("at the end carol haddad account 4481093627", FactKind.NAME, "carol haddad"),
        ("the name is ron and peggy stile", FactKind.NAME, "ron and peggy stile"),
        ("mi nombre es maría de los ángeles tapia", FactKind.NAME, "maría de los ángeles tapia"),
        ("two twelve rancho verde trailer number thirty please", FactKind.ADDRESS,
         "two twelve rancho verde trailer number thirty"),
        ("five ten petaluma boulevard south", FactKind.ADDRESS, "five ten petaluma boulevard south"),
        ("pole down at the corner of fifth and main", FactKind.ADDRESS, "fifth and main"),
        ("once cero nueve slater apúrense", FactKind.ADDRESS, "once cero nueve slater"),
        ("send somebody four oh two mcdowell luis pena", FactKind.ADDRESS, "four oh two mcdowell"),
    ],
)  # fmt: skip
def test_what_callers_say(text: str, kind: FactKind, value: str) -> None:
    assert value.casefold() in [found.casefold() for _, found in told(text, kind)]
