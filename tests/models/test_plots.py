"""Plots: what is drawn stands where its value says, and labels do not run into each other."""

from __future__ import annotations

import re

from models.plots import BOTTOM, HEIGHT, TOP, Series, plot


def labels(svg: str) -> list[str]:
    return re.findall(r'y="235.0" text-anchor="middle" >([^<]+)<', svg)


def test_a_bar_stands_on_the_axis_and_is_as_high_as_its_share_of_the_scale():
    svg = plot([Series("a", [(0, 1.0), (1, 0.25)], bars=True)], x="grade", y="share", names=["R01", "R02"])
    tall, short = (float(height) for height in re.findall(r'<rect [^>]*height="([\d.]+)"', svg))
    assert (tall, short) == (HEIGHT - TOP - BOTTOM, (HEIGHT - TOP - BOTTOM) / 4)


def test_of_many_names_some_are_written_and_the_last_always():
    nights = [f"10-{day:02}" for day in range(1, 61)]
    svg = plot([Series("a", [(n, 1.0) for n in range(60)], line=True)], x="night", y="n", names=nights)
    assert labels(svg)[-1] == "10-60"
    assert 5 <= len(labels(svg)) <= 10
    few = plot([Series("a", [(n, 1.0) for n in range(9)])], x="grade", y="n", names=[f"R0{n}" for n in range(9)])
    assert len(labels(few)) == 9
