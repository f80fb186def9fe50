"""The credit memo as a committee sees it: on a screen, on A4, without JavaScript, and read aloud."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.browser import A4_POINTS, A4_WIDTH, found, needs_chromium, printed, screenshot, sheets

pytestmark = needs_chromium

# What the page is when it is laid out: everything that has to hold of it, in one run of the browser.
LOOK = """() => {
  const box = each => each.getBoundingClientRect();
  const said = each => each.textContent.trim().slice(0, 40);
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const ground = each => {
    for (; each; each = each.parentElement) {
      const colour = rgb(getComputedStyle(each).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const light = colour => colour.slice(0, 3).map(part => part / 255)
    .map(part => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
  const contrast = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const all = [...document.querySelectorAll('body *')].filter(each => each.tagName !== 'SCRIPT');
  const shown = all.filter(each => each.getClientRects().length);
  const pictures = [...document.querySelectorAll('svg')].map(each => {
    const {left, top, width, height} = box(each);
    return {label: each.getAttribute('aria-label'), role: each.getAttribute('role'), kind: each.getAttribute('class'),
            left, top, width, height, marks: each.querySelectorAll('rect, circle, polyline').length};
  });
  const letters = [...document.querySelectorAll('svg text')];
  const outside = letters.filter(each => {
    const [own, whole] = [box(each), box(each.ownerSVGElement)];
    return own.left < whole.left - 1 || own.right > whole.right + 1 || own.bottom > whole.bottom + 1
      || own.top < whole.top - 1;
  });
  const crossing = letters.filter((each, place) => letters.slice(place + 1).some(other => {
    const [a, b] = [box(each), box(other)];
    return each.ownerSVGElement === other.ownerSVGElement
      && Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
      && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2;
  }));
  const wide = shown.filter(each => box(each).right > innerWidth + 0.5 || box(each).left < -0.5);
  const cut = shown.filter(each => getComputedStyle(each).overflow !== 'visible' && !each.closest('svg')
    && each.scrollWidth > each.clientWidth + 1);
  const squeezed = [...document.querySelectorAll('td, th, dd, dt')].filter(each => box(each).width > 0
    && box(each).height > 6 * Math.max(box(each).width, 20));
  document.querySelectorAll('details').forEach(each => { each.open = true; });
  const pale = all.filter(each => [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim())
      && each.getClientRects().length && each.tagName !== 'title')
    .map(each => {
      const style = getComputedStyle(each);
      return [said(each), contrast(rgb(each.closest('svg') ? style.fill : style.color), ground(each))];
    }).filter(([, ratio]) => ratio < 4.5);
  const drawn = letter => {
    const canvas = document.createElement('canvas');
    const pen = canvas.getContext('2d');
    pen.font = '40px ' + getComputedStyle(document.body).fontFamily;
    pen.fillText(letter, 10, 60);
    return canvas.toDataURL();
  };
  return {
    width: innerWidth, over: document.documentElement.scrollWidth, lang: document.documentElement.lang,
    title: document.title, pictures, wide: wide.map(said), cut: cut.map(said), squeezed: squeezed.map(said),
    outside: outside.map(said), crossing: crossing.map(said), pale,
    headings: [...document.querySelectorAll('h1, h2, h3, h4')].map(each => [Number(each.tagName[1]), said(each)]),
    languages: [...new Set([...document.querySelectorAll('[lang]')].map(each => each.lang))].sort(),
    english: [...document.querySelectorAll('span[lang=en]')].filter(each => /[\\u4e00-\\u9fff]/.test(each.textContent))
      .map(said),
    headless: [...document.querySelectorAll('table')].filter(each => !each.querySelector('th[scope]')).length,
    images: document.images.length, fetched: performance.getEntriesByType('resource').length,
    tofu: drawn('\\u6388') === drawn('\\u4fe1') || drawn('\\u6388') === drawn('\\u{10fffe}'),
  };
}"""

LANGUAGES = {"zh": ("zh-CN", ["en", "zh-CN"]), "en": ("en", ["en"]), "both": ("zh-CN", ["en", "zh-CN"])}


@pytest.fixture(scope="module")
def kinds(spoilt) -> dict[str, str]:
    """A supplier of each kind: one with a line, one that was declined for its score or a rule, one without a score."""
    _, credit = spoilt
    rows = credit("decision", "list", "--limit", "1000", "--json").json
    lines = [row for row in rows if row["product"] == "turnover_line"]
    granted = next(row for row in lines if row["outcome"] in ("APPROVE", "REDUCE"))
    declined = next(row for row in lines if row["outcome"] == "DECLINE" and row["pd"] is not None)
    unscorable = next(row for row in lines if row["pd"] is None)
    assert credit("line", "accept", granted["decision_id"]).code == 0
    chosen = {"line": granted, "declined": declined, "unscorable": unscorable}
    return {name: row["supplier_id"] for name, row in chosen.items()}


@pytest.fixture(scope="module")
def pages(spoilt, kinds, tmp_path_factory):
    """The page of a kind of supplier in a language, written once."""
    _, credit = spoilt
    folder = tmp_path_factory.mktemp("memo")

    def written(kind: str, language: str = "both"):
        file = folder / f"{kind}-{language}.html"
        if not file.exists():
            said = credit("line", "show", kinds[kind], "--html", file, CREDIT_LANG=language)
            assert said.code == 0, said.err
        return file

    return written


@pytest.mark.parametrize(
    ("kind", "language"),
    [("line", "both"), ("line", "zh"), ("line", "en"), ("declined", "both"), ("unscorable", "both")],
)
def test_the_page_fits_a4_and_can_be_read_by_everybody(pages, kind, language):
    seen = found(pages(kind, language), LOOK)
    assert seen["width"] == A4_WIDTH and seen["over"] <= A4_WIDTH
    for name in ("wide", "cut", "squeezed", "outside", "crossing", "pale", "english"):
        assert seen[name] == [], name
    assert (seen["lang"], seen["languages"]) == LANGUAGES[language]
    assert seen["title"] and seen["headless"] == 0 and seen["images"] == 0 and seen["fetched"] == 0
    levels = [level for level, _ in seen["headings"]]
    assert levels[0] == 1 and levels.count(1) == 1 and all(text for _, text in seen["headings"])
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(each["role"] == "img" and each["label"] for each in seen["pictures"])


def test_chinese_is_drawn_and_not_a_row_of_boxes(pages):
    if found(pages("line"), LOOK)["tofu"]:
        pytest.skip("no font with Chinese characters here: fonts-wqy-microhei or fonts-noto-cjk has them")


def test_charts_have_ink_where_there_is_data(pages):
    page = pages("line")
    charts = [each for each in found(page, LOOK)["pictures"] if each["kind"] == "plot"]
    picture = screenshot(page)
    assert len(charts) >= 3 and all(each["marks"] > 0 for each in charts)
    for each in charts:
        left, top = int(each["left"]), int(each["top"])
        part = picture[top : top + int(each["height"]), left : left + int(each["width"])]
        assert part.size and 0.005 < (part < 200).mean() < 0.6, each["label"]


def test_it_needs_no_javascript(pages):
    page = pages("line")
    with_it, without = screenshot(page), screenshot(page, javascript=False)
    assert (with_it < 128).mean() > 0.01
    assert (with_it != without).mean() < 0.001


@pytest.mark.parametrize("kind", ["line", "unscorable"])
def test_it_prints_on_few_sheets_of_a4(pages, kind):
    printed_on = sheets(printed(pages(kind)))
    assert 2 <= len(printed_on) <= 6
    assert all(abs(a - b) <= 1 for sheet in printed_on for a, b in zip(sheet, A4_POINTS, strict=True))
