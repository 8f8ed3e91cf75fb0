"""Names are those that were said or spelled; nobody's is made up."""

import pytest

from services.tickets.callers.facts import Doubt
from services.tickets.callers.names import callers
from services.tickets.callers.words import of_segments, of_text


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("My name is Maria, M A R I A.", "Maria"),
        ("Mi nombre es eme a erre i a.", "Maria"),
        ("Me llamo Begoña, be e ge o eñe a.", "Begoña"),
        ("This is Jon Stott, S as in Sam, T, O, double T.", "Jon Stott"),
        ("Habla Ana Ruiz de Petaluma.", "Ana Ruiz"),
        ("Llamo de parte de mi mamá, la señora Casimira Trejo. Soy su hijo, Fidel Trejo.", "Fidel Trejo"),
        ("This is about the meter.", None),
        ("I'm calling about Tuesday.", None),
        ("Es que soy cliente nuevo.", None),
        ("The E L E C rate, please.", None),
        ("", None),
    ],
)
def test_names_as_they_are_said_and_spelled(said: str, name: str | None) -> None:
    assert next((fact.value for fact in callers(of_text(said))), None) == name


def test_letters_that_spell_another_name_are_doubted() -> None:
    (fact,) = callers(of_text("My name is Robert Hale, that's M A R K U S."))
    assert (fact.value, fact.doubts) == ("Robert Hale", (Doubt.BY_NAME,))


def test_a_name_has_its_place_and_the_probability_of_its_least_certain_word() -> None:
    words = [("this", 0.9), ("is", 0.9), ("Ana", 0.8), ("Ruiz.", 0.4)]
    segment = {
        "start": 0.0, "end": 4.0, "text": "", "in_text": True,
        "words": [
            {"word": word, "start": float(i), "end": i + 0.5, "probability": probability}
            for i, (word, probability) in enumerate(words)
        ],
    }  # fmt: skip
    (fact,) = callers(of_segments([segment]))
    (place,) = fact.places
    assert (place.from_s, place.to_s, place.confidence, fact.doubts) == (2.0, 3.5, 0.4, (Doubt.UNCLEAR,))
