"""What is said of danger and of other urgent matters, in hundreds of ways: found, and nothing found in what only sounds
like it."""

from collections import defaultdict
from pathlib import Path

from services.tickets.urgency.dangers import DangerKind, dangers
from services.tickets.urgency.find import find
from services.tickets.urgency.kinds import Kind

SAID = Path(__file__).parent / "said"


def said(name: str) -> dict[str, list[str]]:
    """The messages of a file by their section."""
    sections: dict[str, list[str]] = defaultdict(list)
    section = ""
    for line in (SAID / name).read_text("utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line.strip() and not line.startswith("#"):
            sections[section].append(line)
    return sections


def test_danger_is_found_however_it_is_said() -> None:
    messages = said("dangers.txt")
    assert {*messages} == {*DangerKind, "none"}
    for kind in DangerKind:
        assert [text for text in messages[kind] if not dangers(text).dangers] == []
        named = sum(kind in {each.kind for each in dangers(text).dangers} for text in messages[kind])
        assert named > 0.9 * len(messages[kind])
    assert [text for text in messages["none"] if dangers(text).dangers] == []


def test_a_danger_comes_with_its_words() -> None:
    [gas] = dangers("Buenas tardes. Fíjese que en la cocina huele mucho a gas.").dangers
    assert (gas.kind, gas.quote.words) == (DangerKind.GAS, "huele mucho a gas")
    [wire] = dangers("What do I do?", "Wire down on Bodega Avenue").dangers
    assert (wire.kind, wire.quote.part) == (DangerKind.WIRE, "subject")


def test_signs_that_are_taken_back_leave_doubt() -> None:
    """The model must then be firm; where there is no sign at all its word is enough."""
    assert dangers("last year there was a gas leak, they fixed it").doubtful
    assert dangers("what do I do if I smell gas").doubtful
    assert not dangers("how do I read my bill").doubtful
    assert not dangers("last year there was a gas leak, and now it smells like gas again").doubtful


def test_what_cannot_wait_is_found_however_it_is_said() -> None:
    messages = said("urgency.txt")
    for section, texts in messages.items():
        kind = Kind(section.removeprefix("none: "))
        there = not section.startswith("none: ")
        assert [text for text in texts if (kind in find(text).kinds) != there] == [], section
