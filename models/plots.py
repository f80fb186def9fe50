"""Small plots as SVG text: readable on paper, and nothing that a browser would fetch or run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT = 420, 260
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 40
MOST_STEPS = 5
# How wide a bar is of its place, and a letter of a label.
BAR, LETTER = 0.6, 6
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Series:
    """Points to draw: as a line, as bars, or as dots with an interval each where `spans` has one."""

    name: str
    points: Sequence[Point]
    spans: Sequence[Point] = ()
    line: bool = False
    bars: bool = False
    faint: bool = False


def plot(series: Sequence[Series], *, x: str, y: str, names: Sequence[str] = ()) -> str:
    """An SVG of series on one pair of axes that begin at zero; `names` label places 0, 1, … of the x axis instead.

    Where all names would not fit side by side, as those of many nights, every so many-th is written.
    """
    xs = [point[0] for each in series for point in each.points]
    ys = [value for each in series for value in (*(p[1] for p in each.points), *(v for s in each.spans for v in s))]
    if not xs:
        return ""
    left, right = (-0.5, len(names) - 0.5) if names else (0.0, ticks(max(xs))[-1])
    top = ticks(max(ys))[-1]

    def at(px: float, py: float) -> str:
        across = LEFT + (px - left) / (right - left) * (WIDTH - LEFT - RIGHT)
        up = HEIGHT - BOTTOM - py / top * (HEIGHT - TOP - BOTTOM)
        return f"{across:.1f},{up:.1f}"

    parts = [_axes(at, left, right, top, x=x, y=y, names=names)]
    parts += [_drawn(each, at) for each in series]
    label = escape(f"{y} by {x}")
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}" xmlns="http://www.w3.org/2000/svg">'
        + "".join(parts)
        + "</svg>"
    )


def ticks(greatest: float) -> list[float]:
    """Round values from zero to the first that is not below the greatest.

    >>> ticks(0.35), ticks(1.0)
    ([0.0, 0.1, 0.2, 0.3, 0.4], [0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    """
    if greatest <= 0:
        return [0.0, 1.0]
    power = 10.0 ** floor(log10(greatest))
    step = next(power * share for share in (0.1, 0.2, 0.5, 1.0, 2.0) if power * share * MOST_STEPS >= greatest)
    return [round(step * place, 12) for place in range(ceil(greatest / step - 1e-9) + 1)]


def _drawn(series: Series, at: Callable[[float, float], str]) -> str:
    kind = "faint" if series.faint else "own"
    title = f"<title>{escape(series.name)}</title>"
    if series.line:
        places = " ".join(at(*point) for point in series.points)
        return f'<g class="{kind}">{title}<polyline points="{places}"/></g>'
    if series.bars:
        return f'<g class="{kind}">{title}{"".join(_bar(at, *point) for point in series.points)}</g>'
    marks = []
    for place, point in enumerate(series.points):
        across, up = at(*point).split(",")
        marks.append(f'<circle cx="{across}" cy="{up}" r="3"/>')
        if series.spans:
            low, high = (at(point[0], value).split(",")[1] for value in series.spans[place])
            marks.append(f'<line x1="{across}" x2="{across}" y1="{low}" y2="{high}"/>')
    return f'<g class="{kind}">{title}{"".join(marks)}</g>'


def _axes(
    at: Callable[[float, float], str], left: float, right: float, top: float, *, x: str, y: str, names: Sequence[str]
) -> str:
    parts = []
    for value in ticks(top):
        beginning, end = at(left, value), at(right, value)
        parts.append(f'<path class="grid" d="M{beginning} L{end}"/>')
        parts.append(_text(LEFT - 6, float(beginning.split(",")[1]) + 4, f"{value:.3g}", "end"))
    labels: list[tuple[float, str]] = _fitting(names) if names else [(value, f"{value:.3g}") for value in ticks(right)]
    for place, label in labels:
        parts.append(_text(float(at(place, 0).split(",")[0]), HEIGHT - BOTTOM + 15, str(label), "middle"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, x, "middle"))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    turned = f'transform="rotate(-90 12 {middle})"'
    parts.append(_text(12, middle, y, "middle", turned))
    return "".join(parts)


def _bar(at: Callable[[float, float], str], px: float, py: float) -> str:
    begins, up = at(px - BAR / 2, py).split(",")
    ends, down = at(px + BAR / 2, 0).split(",")
    size = f'width="{float(ends) - float(begins):.1f}" height="{float(down) - float(up):.1f}"'
    return f'<rect x="{begins}" y="{up}" {size}/>'


def _fitting(names: Sequence[str]) -> list[tuple[float, str]]:
    """The places that are labelled, the last among them, so that no label runs into the next."""
    room = (WIDTH - LEFT - RIGHT) / (max(map(len, names)) + 1) / LETTER
    every = ceil(len(names) / room)
    return [(place, name) for place, name in enumerate(names) if (len(names) - 1 - place) % every == 0]


def _text(across: float, up: float, text: str, anchor: str, more: str = "") -> str:
    return f'<text x="{across:.1f}" y="{up:.1f}" text-anchor="{anchor}" {more}>{escape(text)}</text>'
