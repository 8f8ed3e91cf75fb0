"""From a click to a model: correct, export, train, install; then the same message is read as it was corrected."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from services.tickets import corrections
from services.tickets.learning import export, installed
from services.tickets.triage import model as triage
from services.tickets.triage.understand import topic_of
from shared.database import Database
from shared.language import UNKNOWN, words
from shared.models import AuditEvent, Priority, Problem
from shared.settings import Settings
from tests.tickets.intake.conftest import Center
from training import model as trainer
from training.corrections import AGREED, CORRECTED, against_people, divided, lessons_in, summary
from training.samples import CorpusError, Says, Split, corpus

WRITER = """split: {split}

@ en email normal billing_dispute
My {thing} is wrong, I was charged twice and it is too high.

@ en email normal billing_dispute
Why is my {thing} so high this month? I dispute the charge.

@ en email normal move_start_stop
I am moving out on Friday, please stop service at the {thing} address.

@ en email normal move_start_stop
We moved to a new house, start service there. The {thing} is in my name.

@ en voicemail emergency emergency_safety !gas
There is a strong smell of gas by the {thing} right now, help!

@ en email normal other
Hello there, {thing}.
"""
ODD = "The heron at the pond by the Quimby place is back, and the turnstile squeaks again."
STRANGE = "zimbolo chapetun gurrumino zarandeque"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus that is learned in a moment, and the model of it."""
    folder = tmp_path_factory.mktemp("trained")
    for split, thing in (("train", "bill"), ("tune", "invoice"), ("test", "statement")):
        (folder / f"{split}.txt").write_text(WRITER.format(split=split, thing=thing))
    split_up = {kind: [each for each in corpus(folder) if each.split is kind] for kind in Split}
    triage.save(trainer.train(split_up[Split.TRAIN], split_up[Split.TUNE]), folder / "triage.npz")
    return folder


@pytest.fixture(autouse=True)
def installed_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test installs is taken out behind it."""
    monkeypatch.setattr(triage, "_in_use", None)
    monkeypatch.setattr(words, "_in_use", None)


@pytest.fixture
def own_model(tmp_path: Path, trained: Path) -> Path:
    """Where an operator would put one."""
    return Path(shutil.copy(trained / "triage.npz", tmp_path))


async def reading_with(database: Database, settings: Settings, own_model: Path) -> tuple[Center, Settings]:
    """A center that reads with the operator's model, and its settings."""
    center = Center(database, settings)
    await center.open()
    operator = settings.model_copy(update={"triage_model": own_model})
    assert installed.install(operator) is None
    return center, operator


async def test_a_correction_becomes_what_the_model_says(
    database: Database, settings: Settings, tmp_path: Path, trained: Path, own_model: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    center, operator = await reading_with(database, settings, own_model)
    before = triage.model().version
    mail = await center.receive(ODD, subject="", from_name="Walt Quimby")
    assert mail.ticket.topic != "scam_report"
    me = await center.person()
    async with database.transaction() as session:
        await corrections.set_topic(session, settings, me, mail.ticket.id, "scam_report")
    assert await export.export(database, tmp_path / "out") == 1
    (line,) = [json.loads(text) for text in (tmp_path / "out" / export.FILE).read_text().splitlines()]
    assert (line["topic"], line["decided"]["topic"], line["model"]) == ("scam_report", mail.ticket.topic, before)
    assert "Quimby" not in line["text"], "the customer's own name"
    assert "turnstile squeaks" in line["text"]
    arguments = ["--corpus", str(trained), "--corrections", str(tmp_path / "out"), "--out", str(own_model)]
    assert trainer.main(arguments) == 0
    assert "judgements learned from: 1, as people say before 0, after 1" in capsys.readouterr().out
    assert installed.install(operator) is None
    assert triage.model().version != before
    assert topic_of(ODD).topic == "scam_report"
    again = await center.receive(ODD, subject="", from_address="other@example.com")
    assert (again.ticket.topic, again.ticket.topic_evidence["model"]) == ("scam_report", triage.model().version)
    async with database.transaction() as session:
        actions = list(await session.scalars(select(AuditEvent.action)))
    assert "corrections.export" in actions


async def test_languages_and_priorities_are_learned_too(
    database: Database, settings: Settings, tmp_path: Path, trained: Path, own_model: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    center, operator = await reading_with(database, settings, own_model)
    strange, odd = await center.receive(STRANGE, subject=""), await center.receive(ODD, subject="")
    assert (strange.ticket.language, odd.ticket.priority) == (UNKNOWN, Priority.NORMAL)
    me = await center.person()
    async with database.transaction() as session:
        await corrections.set_language(session, settings, me, strange.ticket.id, "es")
        await corrections.set_priority(session, settings, me, odd.ticket.id, Priority.HIGH)
    assert await export.export(database, tmp_path / "out") == 2
    told = [json.loads(text) for text in (tmp_path / "out" / export.FILE).read_text().splitlines()]
    assert [each["about"] for each in told] == [strange.ticket.topic, odd.ticket.topic]
    arguments = ["--corpus", str(trained), "--corrections", str(tmp_path / "out"), "--out", str(own_model)]
    assert trainer.main(arguments) == 0
    assert "judgements learned from: 2, as people say before 0, after 2" in capsys.readouterr().out
    assert installed.install(operator) is None
    strange = await center.receive(STRANGE, subject="", from_address="third@example.com")
    odd = await center.receive(ODD, subject="", from_address="fourth@example.com")
    assert (strange.ticket.language, strange.ticket.language_evidence["version"]) == ("es", words.learned().version)
    assert words.learned().version != words.shipped().version
    assert (odd.ticket.priority, odd.ticket.topic_evidence["instead_of"]) == (Priority.HIGH, "normal")


def lines(folder: Path, *found: dict[str, object]) -> Path:
    folder.mkdir(exist_ok=True)
    base = {"channel": "email", "subject": "", "text": "Hello", "decided": {}}
    (folder / "corrections.jsonl").write_text("".join(json.dumps({**base, **each}) + "\n" for each in found))
    return folder


def test_what_was_corrected_weighs_more_than_what_was_agreed_to(tmp_path: Path) -> None:
    folder = lines(
        tmp_path / "in",
        {"id": "message/1", "topic": "rebates", "emergency": False, "decided": {"topic": "other"}},
        {"id": "message/2", "topic": "rebates", "emergency": False, "decided": {"topic": "rebates"}},
        {"id": "message/3", "emergency": True, "priority": "emergency", "decided": {"priority": "normal"}},
        {"id": "message/4", "emergency": False, "priority": "low", "decided": {"priority": "normal"}},
        {"id": "message/5", "language": "es", "decided": {"language": "en"}},
    )
    one, two, danger, calm, spanish = lessons_in(folder)
    assert [each.weights[Says.DANGER] for each in (one, two, danger, calm)] == [
        CORRECTED, AGREED, CORRECTED, CORRECTED
    ]  # fmt: skip
    assert (danger.emergency, danger.topic, calm.emergency) == (True, "emergency_safety", False)
    assert (calm.weights[Says.PRIORITY], calm.tells(Says.TOPIC)) == (CORRECTED, False), "nobody said what it is about"
    assert (spanish.language, dict(spanish.weights)) == ("es", {Says.LANGUAGE: CORRECTED})
    assert summary(folder) == {
        "texts": 5, "topic": 2, "emergency": 4, "priority": 2, "language": 1, "corrected": 4
    }  # fmt: skip
    for name in ("topic", "about", "priority", "language"):
        with pytest.raises(CorpusError, match=f"line 1: there is no {name} «nonsense»"):
            lessons_in(lines(folder, {"id": "message/1", name: "nonsense"}))


def test_some_are_kept_to_see_whether_it_helps(tmp_path: Path) -> None:
    found = [{"id": f"message/{n}", "topic": "rebates", "emergency": False} for n in range(100)]
    samples = lessons_in(lines(tmp_path / "in", *found))
    learned, kept = divided(samples)
    assert 10 <= len(kept) <= 30
    assert not {each.id for each in learned} & {each.id for each in kept}
    assert {each.id for each in divided(samples[:60])[1]} == {each.id for each in kept if each in samples[:60]}
    assert divided(samples[:10]) == (samples[:10], [])


def test_a_model_that_goes_against_people_is_not_written() -> None:
    assert against_people([False] * 9 + [True], [True] * 10) is not None
    assert against_people([False, False, True], [True, True, False]) is None, "by chance as well"
    assert against_people([], []) is None


def test_a_worse_model_leaves_the_present_one(tmp_path: Path, trained: Path, own_model: Path) -> None:
    said = [each.text for each in corpus(trained) if each.split is Split.TEST and not each.emergency]
    wrong = [
        {"id": f"message/{n}", "topic": "rebates", "emergency": False, "text": text, "decided": {"topic": "other"}}
        for n, text in enumerate(said * 6)
    ]
    folder, before = lines(tmp_path / "in", *wrong), own_model.read_bytes()
    assert trainer.main(["--corpus", str(trained), "--corrections", str(folder), "--out", str(own_model)]) == 1
    assert own_model.read_bytes() == before


def test_a_file_that_is_no_model_is_refused(own_model: Path) -> None:
    good, whole = triage.load(own_model), own_model.read_bytes()
    assert installed.read_model(own_model).version == good.version
    own_model.write_bytes(b"this is no model")
    with pytest.raises(installed.BadModel, match="is no model"):
        installed.read_model(own_model)
    own_model.write_bytes(whole[:2000])
    with pytest.raises(installed.BadModel, match="is no model"):
        installed.read_model(own_model)
    triage.save(replace(good, topics=("one", *good.topics[1:])), own_model)
    with pytest.raises(installed.BadModel, match="another version"):
        installed.read_model(own_model)
    triage.save(replace(good, bias=np.full_like(good.bias, np.nan)), own_model)
    with pytest.raises(installed.BadModel, match="is no model"):
        installed.read_model(own_model)


def test_a_model_whose_words_cannot_be_read_is_refused(own_model: Path, settings: Settings) -> None:
    triage.save(replace(triage.load(own_model), language=b'{"words": [["hola"]]}'), own_model)
    assert installed.install(settings.model_copy(update={"triage_model": own_model})) == installed.BROKEN
    assert (triage.model(), words.learned()) == (triage.shipped(), words.shipped())


async def test_operators_are_told_and_the_shipped_model_goes_on_reading(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    operator = settings.model_copy(update={"triage_model": tmp_path / "nowhere.npz"})
    assert installed.install(operator) == installed.MISSING
    assert installed.in_use(operator) == installed.InUse(triage.shipped().version, None)
    await installed.tell(database)
    async with database.transaction() as session:
        (problem,) = list(await session.scalars(select(Problem)))
    assert (problem.key, problem.message, problem.resolved_at) == (installed.KEY, installed.MISSING, None)
    installed.install(settings)
    await installed.tell(database)
    async with database.transaction() as session:
        assert (await session.get_one(Problem, problem.id)).resolved_at is not None
