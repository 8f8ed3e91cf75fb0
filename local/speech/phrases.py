"""The sentences the small checkpoint knows, in English and Spanish, and how espeak-ng should say them."""

import itertools
import random
import zlib
from collections.abc import Sequence

OPENING, NAME, REASON, CLOSING, NUMBER = "opening", "name", "reason", "closing", "number"

PHRASES: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        OPENING: ("Hello.", "Hi.", "Good morning.", "Good afternoon.", "Hello, good morning."),
        NAME: (
            "My name is Maria Garcia.",
            "My name is John Smith.",
            "My name is Linda Lopez.",
            "This is Robert Brown.",
            "This is Ana Torres.",
            "This is David Miller.",
        ),
        REASON: (
            "I am calling about my energy bill.",
            "I am calling about my application.",
            "I want to know the status of my application.",
            "My application was denied.",
            "My power was shut off.",
            "My power will be shut off tomorrow.",
            "I need help with my gas bill.",
            "I have a question about my PG&E bill.",
            "I have a question about the EverGreen rebate.",
            "I have a question about net energy metering.",
            "I need to change my appointment.",
            "I want to cancel my appointment.",
            "I smell gas in my house.",
            "My bill is too high.",
            "I sent my documents last week.",
            "I did not get the rebate check.",
            "My solar panels are not working.",
            "The technician never came.",
            "I want to make a complaint.",
            "I need to change my address.",
            "I would like to speak with a supervisor.",
            "I lost my account number.",
        ),
        CLOSING: (
            "Please call me back.",
            "Thank you.",
            "Thank you, goodbye.",
            "It is urgent.",
            "Please call me tomorrow morning.",
            "I speak English.",
            "Have a good day.",
            "Bye.",
        ),
        NUMBER: (
            "My number is {digits}.",
            "Please call me back at {digits}.",
            "My phone number is {digits}.",
            "You can reach me at {digits}.",
        ),
    },
    "es": {
        OPENING: ("Hola.", "Buenos días.", "Buenas tardes.", "Hola, buenos días."),
        NAME: (
            "Mi nombre es María García.",
            "Mi nombre es Juan Pérez.",
            "Mi nombre es Rosa López.",
            "Habla Ana Torres.",
            "Habla Carlos Ramírez.",
            "Me llamo Luis Hernández.",
        ),
        REASON: (
            "Llamo por mi factura de luz.",
            "Llamo por mi solicitud.",
            "Quiero saber el estado de mi solicitud.",
            "Mi solicitud fue rechazada.",
            "Me cortaron la luz.",
            "Mañana me van a cortar la luz.",
            "Necesito ayuda con mi factura de gas.",
            "Tengo una pregunta sobre mi factura de PG&E.",
            "Tengo una pregunta sobre el reembolso de EverGreen.",
            "Tengo una pregunta sobre los paneles solares.",
            "Necesito cambiar mi cita.",
            "Quiero cancelar mi cita.",
            "Huele a gas en mi casa.",
            "Mi factura es muy alta.",
            "Mandé mis documentos la semana pasada.",
            "No recibí el cheque de reembolso.",
            "Mis paneles solares no funcionan.",
            "El técnico nunca llegó.",
            "Quiero poner una queja.",
            "Necesito cambiar mi dirección.",
            "Quiero hablar con un supervisor.",
            "Perdí mi número de cuenta.",
        ),
        CLOSING: (
            "Por favor llámeme.",
            "Gracias.",
            "Muchas gracias, adiós.",
            "Es urgente.",
            "Por favor llámeme mañana.",
            "Hablo español.",
            "Que tenga buen día.",
            "Adiós.",
        ),
        NUMBER: (
            "Mi número es {digits}.",
            "Por favor llámeme al {digits}.",
            "Mi número de teléfono es {digits}.",
            "Me puede llamar al {digits}.",
        ),
    },
}

# Sentences put together from the same words. A quarter of them is kept out of training, to measure with.
_TOPICS = {
    "en": (
        "my energy bill", "my gas bill", "my PG&E bill", "my application", "my appointment", "my address",
        "my documents", "my account number", "my solar panels", "the EverGreen rebate", "the rebate check",
        "net energy metering", "my power",
    ),
    "es": (
        "mi factura de luz", "mi factura de gas", "mi factura de PG&E", "mi solicitud", "mi cita", "mi dirección",
        "mis documentos", "mi número de cuenta", "mis paneles solares", "los paneles solares",
        "el reembolso de EverGreen", "el cheque de reembolso", "la luz",
    ),
}  # fmt: skip
_ABOUT = {
    "en": (
        "I am calling about {}.", "I have a question about {}.", "I want to know the status of {}.",
        "I need help with {}.", "I want to cancel {}.", "I need to change {}.", "I lost {}.", "I did not get {}.",
    ),
    "es": (
        "Llamo por {}.", "Tengo una pregunta sobre {}.", "Quiero saber el estado de {}.", "Necesito ayuda con {}.",
        "Quiero cancelar {}.", "Necesito cambiar {}.", "Perdí {}.", "No recibí {}.",
    ),
}  # fmt: skip
_NAMES = {
    "en": (
        ("My name is", "This is"), ("Maria", "John", "Linda", "Robert", "Ana", "David"),
        ("Garcia", "Smith", "Lopez", "Brown", "Torres", "Miller"),
    ),
    "es": (
        ("Mi nombre es", "Habla", "Me llamo"), ("María", "Juan", "Rosa", "Ana", "Carlos", "Luis"),
        ("García", "Pérez", "López", "Torres", "Ramírez", "Hernández"),
    ),
}  # fmt: skip
GROUPINGS = ((3, 3, 4), (3, 3, 4), (3, 3, 4), (10,), (3, 7), (6, 4), (3, 3, 2, 2), (2, 2, 2, 2, 2), (5, 5))

_DIGITS = {
    "en": ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    "es": ("cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve"),
}
_SPELLED = {
    "en": (("PG&E", "P G and E"), ("EverGreen", "ever green")),
    "es": (("PG&E", "pe ge e"), ("EverGreen", "évergrin")),
}


def combined(language: str, *, held_out: bool) -> dict[str, tuple[str, ...]]:
    """Further names and reasons by kind, of the words of PHRASES: those to train with, or those kept out of it."""
    known = {text for texts in PHRASES[language].values() for text in texts}
    made = {
        NAME: [" ".join(parts) + "." for parts in itertools.product(*_NAMES[language])],
        REASON: [about.format(topic) for about in _ABOUT[language] for topic in _TOPICS[language]],
    }
    return {
        kind: tuple(text for text in texts if text not in known and (zlib.crc32(text.encode()) % 4 == 0) is held_out)
        for kind, texts in made.items()
    }


def spoken(text: str, language: str) -> str:
    """The sentence as the synthesiser must read it to sound like a person."""
    for written, said in _SPELLED[language]:
        text = text.replace(written, said)
    return text


def with_number(template: str, digits: str, language: str, grouping: Sequence[int] = GROUPINGS[0]) -> tuple[str, str]:
    """A sentence with a number: as Whisper writes it (digit by digit), and as it is said (a pause after each group)."""
    words = [_DIGITS[language][int(digit)] for digit in digits]
    ends = list(itertools.accumulate(grouping))
    groups = [words[end - size : end] for end, size in zip(ends, grouping, strict=True)]
    said = template.format(digits=", ".join(" ".join(group) for group in groups))
    return template.format(digits=" ".join(digits)), said


def random_number(
    chance: random.Random, language: str, groupings: Sequence[Sequence[int]] = GROUPINGS[:1]
) -> tuple[str, str]:
    """A sentence with a random ten-digit number, written and said."""
    digits = "".join(str(chance.randrange(10)) for _ in range(10))
    return with_number(chance.choice(PHRASES[language][NUMBER]), digits, language, chance.choice(groupings))
