"""Plots: what is drawn stands where its value says, and labels do not run into each other."""

from __future__ import annotations

import re

import pytest

from models.plots import BOTTOM, HEIGHT, NAME, STRIP, THINNEST, TOP, WIDTH, Series, plot, strip


def labels(svg: str) -> list[str]:
    return re.findall(r'y="235.0" text-anchor="middle">([^<]+)<', svg)


def test_a_bar_stands_on_the_axis_and_is_as_high_as_its_share_of_the_scale():
    svg = plot([Series("a", [(0, 1.0), (1, 0.25)], bars=True)], x="grade", y="share", names=["R01", "R02"])
    tall, short = (float(height) for height in re.findall(r'<rect [^>]*height="([\d.]+)"', svg))
    whole = HEIGHT - TOP - BOTTOM - NAME
    assert (tall, short) == (whole, pytest.approx(whole / 4, abs=0.1))


def test_of_many_names_some_are_written_and_the_last_always():
    nights = [f"10-{day:02}" for day in range(1, 61)]
    svg = plot([Series("a", [(n, 1.0) for n in range(60)], line=True)], x="night", y="n", names=nights)
    assert labels(svg)[-1] == "10-60"
    assert 5 <= len(labels(svg)) <= 10
    few = plot([Series("a", [(n, 1.0) for n in range(9)])], x="grade", y="n", names=[f"R0{n}" for n in range(9)])
    assert len(labels(few)) == 9


def _bars(text):
    found = re.findall(r'<rect x="([\d.-]+)" y="([\d.-]+)" width="([\d.-]+)" height="([\d.-]+)"/>', text)
    return [tuple(map(float, bar)) for bar in found]


def test_bars_that_stand_on_others_begin_where_those_end():
    lower = Series("late", [(0, 2), (1, 1)], bars=True, mark=True)
    upper = Series("on time", [(0, 5), (1, 1)], floors=[2, 1], bars=True)
    below, beside, above, nothing = _bars(plot([lower, upper], x="", y="n", names=["a", "b"]))
    assert above[1] + above[3] == pytest.approx(below[1], abs=0.2) and above[0] == below[0] != beside[0]
    assert nothing[3] == 0


def test_a_value_below_zero_lies_below_the_line_of_zero():
    text = plot([Series("days", [(0, -10), (1, 30)], bars=True)], x="", y="days", names=["a", "b"])
    early, late = _bars(text)
    assert early[1] == pytest.approx(late[1] + late[3], abs=0.2) and early[3] > 0 and early[1] + early[3] <= HEIGHT
    labels = re.findall(r">(-?\d+)</text>", text)
    assert labels == ["-10", "0", "10", "20", "30"]


def test_nothing_but_values_below_zero_still_has_a_line_of_zero():
    text = plot([Series("days", [(0, -10), (1, -4)])], x="", y="days", names=["a", "b"])
    assert ">0</text>" in text and "NaN" not in text


def test_a_plot_says_what_it_shows_and_escapes_it():
    text = plot([Series("<b>", [(0, 1)])], x='"x"', y="y<", label='<sales> & "more"')
    assert 'role="img" aria-label="&lt;sales&gt; &amp; &quot;more&quot;"' in text and "<b>" not in text
    assert f'viewBox="0 0 {WIDTH} {HEIGHT}"' in text


@pytest.mark.parametrize(("begins", "ends"), [(0.0, 1.0), (1.0, 0.0), (0.5, 0.5), (1.0, 1.0), (0.0, 0.0)])
def test_a_strip_lies_within_its_scale_and_can_be_seen(begins, ends):
    [(left, _, width, _)] = _bars(strip(begins, ends, low=0.0, high=1.0, label="share"))
    assert left >= 0 and left + width <= STRIP[0] + 0.1 and width >= THINNEST
