"""Sentences written by hand, in other styles than the generated ones, are read as a careful listener would."""

from bench.callers.samples import load, score


def test_hand_written_sentences_of_both_languages() -> None:
    samples = load()
    assert len(samples) >= 150
    assert {sample.language for sample in samples} == {"en", "es"}
    spanish = sum(sample.language == "es" for sample in samples)
    assert abs(2 * spanish - len(samples)) <= 2
    scored = {sample.id: score(sample) for sample in samples}
    not_exact = {id_: result.got for id_, result in scored.items() if not result.exact}
    wrong = {id_: result.got for id_, result in scored.items() if result.wrong}
    assert len(not_exact) <= 3, not_exact
    assert len(wrong) <= 2, wrong
