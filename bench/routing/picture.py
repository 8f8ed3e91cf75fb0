"""The figures as a picture: bars with whiskers for the ways of routing, pairs of dots for the scenarios (plain SVG)."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from bench.routing.score import Estimate

WIDTH, LEFT, RIGHT, ROW, TOP = 860, 190, 30, 34, 64
ENGLISH, SPANISH, THEIRS = "#3b6ea5", "#c2703d", "#8a8f98"


@dataclass(frozen=True, slots=True)
class Bar:
    name: str
    english: Estimate
    spanish: Estimate


@dataclass(frozen=True, slots=True)
class Pair:
    name: str
    theirs: tuple[float, float]  # English, Spanish
    ours: tuple[float, float]


def picture(bars: Sequence[Bar], pairs: Sequence[Pair], subtitle: str) -> str:
    second = TOP + ROW * len(bars) + 84
    height = second + ROW * len(pairs) + 44
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        'font-size="13" fill="#1f2430">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(LEFT, 24, "Promises kept, by language", size=16, bold=True),
        _text(LEFT, 44, subtitle, color=THEIRS),
        _dot(WIDTH - 196, 20, ENGLISH), _text(WIDTH - 186, 24, "English"),
        _dot(WIDTH - 116, 20, SPANISH), _text(WIDTH - 106, 24, "Spanish"),
        *_axis(TOP, ROW * len(bars)),
    ]  # fmt: skip
    for number, bar in enumerate(bars):
        middle = TOP + ROW * number + ROW / 2
        parts.append(_text(LEFT - 12, middle + 4, bar.name, end=True, bold=number == 0))
        parts += _bar(middle - 11, bar.english, ENGLISH) + _bar(middle + 1, bar.spanish, SPANISH)
    parts.append(_text(LEFT, second - 20, "First come, first served (hollow) and the plan (full)", size=16, bold=True))
    parts += _axis(second, ROW * len(pairs))
    for number, pair in enumerate(pairs):
        middle = second + ROW * number + ROW / 2
        parts.append(_text(LEFT - 12, middle + 4, pair.name, end=True))
        for shift, color, language in ((-6, ENGLISH, 0), (6, SPANISH, 1)):
            y, theirs, ours = middle + shift, pair.theirs[language], pair.ours[language]
            parts.append(f'<line x1="{_x(theirs):.1f}" y1="{y}" x2="{_x(ours):.1f}" y2="{y}" stroke="{color}"/>')
            parts += [_dot(_x(theirs), y, color, hollow=True), _dot(_x(ours), y, color)]
    return "\n".join([*parts, "</svg>", ""])


def _x(percent: float) -> float:
    return LEFT + max(percent, 0.0) / 100 * (WIDTH - LEFT - RIGHT)


def _axis(top: float, height: float) -> list[str]:
    parts = []
    for percent in range(0, 101, 10):
        x = _x(percent)
        parts.append(f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{top + height}" stroke="#e2e4e9"/>')
        parts.append(_text(x, top + height + 16, f"{percent} %", color=THEIRS, anchor="middle"))
    return parts


def _bar(y: float, value: Estimate, color: str) -> list[str]:
    low, high = _x(value.mean - value.half), _x(value.mean + value.half)
    return [
        f'<rect x="{LEFT}" y="{y}" width="{_x(value.mean) - LEFT:.1f}" height="10" fill="{color}"/>',
        f'<line x1="{low:.1f}" y1="{y + 5}" x2="{high:.1f}" y2="{y + 5}" stroke="#1f2430" stroke-width="1.5"/>',
        _text(max(high, LEFT) + 6, y + 9, f"{value.mean:.0f}", size=11, color=THEIRS),
    ]


def _dot(x: float, y: float, color: str, *, hollow: bool = False) -> str:
    fill = "#ffffff" if hollow else color
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{fill}" stroke="{color}" stroke-width="1.5"/>'


def _text(
    x: float, y: float, words: str, *, size: int = 13, bold: bool = False, end: bool = False, color: str = "",
    anchor: str = "",
) -> str:  # fmt: skip
    place = anchor or ("end" if end else "start")
    style = (' font-weight="bold"' if bold else "") + (f' fill="{color}"' if color else "")
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{place}"{style}>{escape(words)}</text>'
