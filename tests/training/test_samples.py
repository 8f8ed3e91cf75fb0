"""The corpus is read whole or refused with the line that is wrong."""

from pathlib import Path

import pytest

from training.samples import CORPUS, CorpusError, Fact, FactKind, Split, corpus, read

HEAD = "split: train\nSomebody.\n\n"


def file_of(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "ana.txt"
    path.write_text(text, "utf-8")
    return path


def test_a_message_is_read_with_its_labels_and_facts(tmp_path: Path) -> None:
    [sample] = read(
        file_of(
            tmp_path,
            HEAD + "@ es email high shutoff_notice +payment_assistance /billing_dispute !disconnection\n"
            "Subject: Aviso\nMe cortan {date:mañana=tomorrow}.\n\nLlame al {phone:707 555 0118=+17075550118}\n",
        )
    )
    assert (sample.id, sample.split, sample.language, sample.subject) == ("ana/1", Split.TRAIN, "es", "Aviso")
    assert sample.text == "Me cortan mañana.\n\nLlame al 707 555 0118"
    assert sample.facts == (Fact(FactKind.DATE, 10, 16, "tomorrow"), Fact(FactKind.PHONE, 28, 40, "+17075550118"))
    assert [sample.text[fact.start : fact.end] for fact in sample.facts] == ["mañana", "707 555 0118"]
    assert sample.accepts("payment_assistance")
    assert sample.accepts("billing_dispute")
    assert not sample.accepts("opt_out")


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("Somebody.\n\n@ en email normal other\nHi", 1, "split"),
        ("split: all\n\n@ en email normal other\nHi", 1, "«all»"),
        (HEAD + "@ en mail normal other\nHi", 4, "«mail»"),
        (HEAD + "@ en email soon other\nHi", 4, "«soon»"),
        (HEAD + "@ en email normal gardening\nHi", 4, "gardening"),
        (HEAD + "@ en email normal other !loud\nHi", 4, "loud"),
        (HEAD + "@ en email normal other loud\nHi", 4, "«loud»"),
        (HEAD + "@ en email normal\nHi", 4, "begins"),
        (HEAD + "@ en email normal other\n\n", 4, "empty"),
        (HEAD + "@ en email emergency emergency_safety\nHi", 4, "emergency"),
        (HEAD + "@ en email normal emergency_safety !decoy !gas\nHi", 4, "safety_question"),
        (HEAD + "@ en email normal other !gas\nHi", 4, "emergency"),
        (HEAD + "@ en email normal other\nOn {phone:555-0118", 4, "brace"),
        (HEAD + "@ en email normal other\nOn {phone:555-0118=555-0118}", 4, "no phone"),
        (HEAD + "@ en email normal other\nOn {moon:full}", 4, "moon"),
        (HEAD + "@ en email normal other\nHi  there\n@ en email normal other\nhi there", 0, "ana/1"),
    ],
)
def test_what_is_wrong_is_refused_where_it_stands(tmp_path: Path, text: str, line: int, what: str) -> None:
    with pytest.raises(CorpusError, match=rf"ana.txt, line {line}: .*{what}"):
        read(file_of(tmp_path, text))


def test_no_message_of_one_split_stands_in_another() -> None:
    seen: dict[str, str] = {}
    for sample in corpus():
        words = " ".join(f"{sample.subject} {sample.text}".lower().split())
        if len(words.split()) < 5:
            continue  # «gracias» is everybody's
        assert seen.setdefault(words, sample.id) == sample.id, f"{sample.id} repeats {seen[words]}"
    assert CORPUS.joinpath("README.md").exists()
