"""Writing figures anew leaves alone what a person or another command wrote into RESULTS.md."""

from bench.figures import Figures
from bench.results import merged

DOCUMENT = """# Results

What this is.

## Pages

Old method.

| what | measured | aim |
|---|---|---|
| queue page | 40 ms | |

Why the queue page is slow: a person's words.

| since | page |
|---|---|
| June | 30 ms |

## By hand

Somebody soaked it for a night.

## Memory

Old method.

| what | measured | aim |
|---|---|---|
| inbox | 80 MiB | |
"""


def figures(title: str, figure: str) -> dict[str, str]:
    made = Figures(title, "New method.")
    made.add("figure", figure)
    return {title: made.markdown(measured="Measured today.")}


def test_a_section_is_measured_anew_and_what_stands_below_its_table_stays() -> None:
    document = merged(DOCUMENT, figures("Pages", "20 ms"))
    pages = document[document.index("## Pages") : document.index("## By hand")]
    assert "20 ms" in pages
    assert "Measured today." in pages
    assert "Old method." not in pages
    assert "40 ms" not in pages
    kept = "a person's words.\n\n| since | page |\n|---|---|\n| June | 30 ms |"
    assert pages.rstrip().endswith(kept)


def test_every_other_section_stays_as_it_is() -> None:
    document = merged(DOCUMENT, figures("Pages", "20 ms"))
    assert document.startswith("# Results\n\nWhat this is.\n\n## Pages\n")
    assert document[document.index("## By hand") :] == DOCUMENT[DOCUMENT.index("## By hand") :]


def test_a_new_section_comes_last() -> None:
    document = merged(DOCUMENT, figures("Beside others", "5.0"))
    assert document.startswith(DOCUMENT.rstrip())
    assert document.rstrip().endswith("| figure | 5.0 |  |")


def test_measured_twice_is_written_once() -> None:
    once = merged(DOCUMENT, figures("Pages", "20 ms"))
    assert merged(once, figures("Pages", "20 ms")) == once


def test_a_document_is_begun_from_nothing() -> None:
    assert merged("", figures("Pages", "20 ms")).startswith("## Pages\n")
