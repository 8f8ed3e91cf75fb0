"""Training writers, each read by a model that has not met them."""

from dataclasses import replace

import pytest

from services.tickets.triage.model import Model, shipped
from training import across
from training.samples import Sample, Split, corpus
from training.urgent import ALLOWED


def sample(text: str, writer: str = "tasha") -> Sample:
    [one] = [each for each in corpus() if each.id == "tasha/1"]
    return replace(one, text=text, subject="", writer=writer, topic="other", flags=frozenset({"crisis"}))


def test_no_message_is_read_by_a_model_that_learned_its_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    learned = [each for each in corpus() if each.split is Split.TRAIN][::60]
    taught: list[set[str]] = []

    def train(samples: list[Sample], choose: list[Sample]) -> Model:
        taught.append({each.writer for each in samples})
        return shipped()

    monkeypatch.setattr(across, "train", train)
    reads = list(across.across(learned, []))
    assert sorted(each.sample.id for each in reads) == sorted(each.id for each in learned)
    writers = {each.writer for each in learned}
    assert all(met and met < writers for met in taught)
    assert set.intersection(*taught) == set()


def test_figures_count_rules_and_both() -> None:
    by_rules = across.read(shipped(), sample("ya no quiero vivir"))
    lines = list(across.told([by_rules]))
    assert lines[0].startswith("all, 1 messages: topic acceptable")
    assert "  crisis: of 1 rules alone find 1, both 1; false alarms of 0: 0, both 0" in lines
    assert len(lines) == 2 * (4 + len(ALLOWED))  # Tasha is a stranger; dangers and shut-offs are the rules' alone
