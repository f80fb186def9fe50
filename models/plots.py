"""Small plots as SVG text: readable on paper, and nothing that a browser would fetch or run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT = 420, 260
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 24, 22
MOST_STEPS = 5
# What a name of the x axis takes below it.
NAME = 18
# How wide a bar is of its place, and a letter of a label.
BAR, LETTER = 0.6, 6
# The size of a strip; one that is to be seen has some width, wherever it begins and ends.
STRIP, THINNEST = (160, 10), 1.5
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Series:
    """Points to draw: as a line, as bars, or as dots with an interval each where `spans` has one.

    Bars stand on zero, or each on its own `floors`. What is `faint` is there to compare with, what is a `mark` speaks
    against somebody.
    """

    name: str
    points: Sequence[Point]
    spans: Sequence[Point] = ()
    floors: Sequence[float] = ()
    line: bool = False
    bars: bool = False
    faint: bool = False
    mark: bool = False

    @property
    def kind(self) -> str:
        """The class that its looks go by."""
        return _kind(mark=self.mark, faint=self.faint)


@dataclass(frozen=True, slots=True)
class _Axes:
    """Where a value is drawn: the sizes of the plot in pixels, the x values at its edges, the y values of its grid."""

    width: int
    height: int
    left: float
    right: float
    scale: Sequence[float]
    bottom: int

    def across(self, value: float) -> float:
        """The pixel of a value of the x axis."""
        return LEFT + (value - self.left) / (self.right - self.left) * (self.width - LEFT - RIGHT)

    def up(self, value: float) -> float:
        """The pixel of a value of the y axis."""
        low, high = self.scale[0], self.scale[-1]
        return self.height - self.bottom - (value - low) / (high - low) * (self.height - TOP - self.bottom)

    def at(self, point: Point) -> str:
        """Both pixels of a point."""
        return f"{self.across(point[0]):.1f},{self.up(point[1]):.1f}"


def plot(
    series: Sequence[Series],
    *,
    x: str,
    y: str,
    names: Sequence[str] = (),
    size: tuple[int, int] = (WIDTH, HEIGHT),
    label: str = "",
) -> str:
    """An SVG of series on one pair of axes that begin at zero, or below where values are; nothing where there are none.

    `names` label places 0, 1, … of the x axis instead; where all of them would not fit side by side, as those of many
    nights, every so many-th is written. `label` is what is said to who cannot see it.
    """
    xs = [point[0] for each in series for point in each.points]
    ys = [value for each in series for value in (*(p[1] for p in each.points), *(v for s in each.spans for v in s))]
    if not xs:
        return ""
    left, right = (-0.5, len(names) - 0.5) if names else (0.0, ticks(max(xs))[-1])
    axes = _Axes(*size, left, right, _scale(ys), BOTTOM + (NAME if x else 0))
    drawn = [_axes(axes, x=x, y=y, names=names), *(_drawn(each, axes) for each in series)]
    return _svg("".join(drawn), size, label or f"{y} by {x}")


def strip(
    begins: float, ends: float, *, low: float, high: float, label: str, mark: bool = False, faint: bool = False
) -> str:
    """An SVG of one bar on its own line, such as in a row of a table, from one value to another of a common scale."""
    width, height = STRIP
    scale = (width - THINNEST) / ((high - low) or 1.0)
    first, last = sorted((begins, ends))
    size = f'width="{max((last - first) * scale, THINNEST):.1f}" height="{height}"'
    bar = f'<g class="{_kind(mark=mark, faint=faint)}"><rect x="{(first - low) * scale:.1f}" y="0" {size}/></g>'
    return _svg(bar, STRIP, label, kind="strip")


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


def _scale(values: Sequence[float]) -> list[float]:
    """Round values in equal steps from zero, or from below the least where that is less, to above the largest.

    >>> _scale([3.0, 8.0]), _scale([-3.0, 8.0])
    ([0.0, 2.0, 4.0, 6.0, 8.0], [-4.0, -2.0, 0.0, 2.0, 4.0, 6.0, 8.0])
    """
    least, largest = min(0.0, *values), max(0.0, *values)
    step = ticks(max(largest, -least))[1]
    below, above = ceil(-least / step - 1e-9), ceil(largest / step - 1e-9)
    return [round(step * place, 12) for place in range(-below, max(above, 1 - below) + 1)]


def _kind(*, mark: bool, faint: bool) -> str:
    return "mark" if mark else "faint" if faint else "own"


def _svg(content: str, size: tuple[int, int], label: str, kind: str = "plot") -> str:
    return (
        f'<svg class="{kind}" viewBox="0 0 {size[0]} {size[1]}" role="img" aria-label="{escape(label)}" '
        f'xmlns="http://www.w3.org/2000/svg">{content}</svg>'
    )


def _drawn(series: Series, axes: _Axes) -> str:
    title = f'<g class="{series.kind}"><title>{escape(series.name)}</title>'
    if series.line:
        places = " ".join(axes.at(point) for point in series.points)
        return f'{title}<polyline points="{places}"/></g>'
    if series.bars:
        floors = series.floors or [0.0] * len(series.points)
        bars = (_bar(axes, point, stands) for point, stands in zip(series.points, floors, strict=True))
        return f"{title}{''.join(bars)}</g>"
    marks = []
    for place, point in enumerate(series.points):
        across = f"{axes.across(point[0]):.1f}"
        marks.append(f'<circle cx="{across}" cy="{axes.up(point[1]):.1f}" r="3"/>')
        if series.spans:
            low, high = (f"{axes.up(value):.1f}" for value in series.spans[place])
            marks.append(f'<line x1="{across}" x2="{across}" y1="{low}" y2="{high}"/>')
    return f"{title}{''.join(marks)}</g>"


def _axes(axes: _Axes, *, x: str, y: str, names: Sequence[str]) -> str:
    parts = []
    for value in axes.scale:
        parts.append(f'<path class="grid" d="M{axes.at((axes.left, value))} L{axes.at((axes.right, value))}"/>')
        parts.append(_text(LEFT - 6, axes.up(value) + 4, f"{value:.4g}", "end"))
    scaled = [(value, f"{value:.3g}") for value in ticks(axes.right)]
    for place, label in _fitting(names, axes.width) if names else scaled:
        parts.append(_text(axes.across(place), axes.height - axes.bottom + 15, label, "middle"))
    if x:
        parts.append(_text((LEFT + axes.width - RIGHT) / 2, axes.height - 6, x, "middle"))
    # Above its axis and not along it: Chinese is not read sideways.
    parts.append(_text(0, 10, y, "start"))
    return "".join(parts)


def _bar(axes: _Axes, point: Point, stands: float) -> str:
    begins, ends = axes.across(point[0] - BAR / 2), axes.across(point[0] + BAR / 2)
    high, low = sorted((axes.up(point[1]), axes.up(stands)))
    return f'<rect x="{begins:.1f}" y="{high:.1f}" width="{ends - begins:.1f}" height="{low - high:.1f}"/>'


def _fitting(names: Sequence[str], width: int) -> list[tuple[float, str]]:
    """The places that are labelled, the last among them, so that no label runs into the next."""
    room = (width - LEFT - RIGHT) / (max(map(len, names)) + 1) / LETTER
    every = ceil(len(names) / room)
    return [(place, name) for place, name in enumerate(names) if (len(names) - 1 - place) % every == 0]


def _text(across: float, up: float, text: str, anchor: str) -> str:
    return f'<text x="{across:.1f}" y="{up:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
