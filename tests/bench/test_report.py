"""What was measured by other means stays in bench/RESULTS.md."""

from bench.__main__ import KEPT, RESULTS, kept


def test_a_new_report_keeps_only_what_is_marked() -> None:
    by_hand = f"## Faults\n\n{KEPT}\n\n| seed |\n|---|\n"
    report = f"# Results\n\nMeasured.\n\n## Pages\n\n| what |\n\n{by_hand}\n## Memory\n\nFlat.\n"
    assert kept(report) == [by_hand]


def test_sections_of_make_bench_are_not_marked() -> None:
    assert "## Pages" not in "".join(kept(RESULTS.read_text()))
