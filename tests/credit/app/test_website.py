"""The site: rendered as strictly as can be, read and searched without a network."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from credit.app.website import SETTINGS, pieces, render
from credit.domain.errors import DocsOutdated, FileMissing, MissingExtra
from tests.browser import dump, needs_chromium

pytest.importorskip("sphinx")
ROOT = Path(__file__).resolve().parents[3]
# What a browser fetches by itself; a link that a reader follows may lead anywhere.
FETCHED = re.compile(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=[\"']?(?:https?:)?//|url\([\"']?(?:https?:)?//")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of our pages, rendered."""
    folder = tmp_path_factory.mktemp("site") / "site"
    render(ROOT / "docs", folder)
    return folder


def test_every_page_is_rendered_and_named_in_the_contents(site):
    contents = (site / "index.html").read_text("utf-8")
    pages = {page.relative_to(ROOT / "docs").with_suffix(".html") for page in (ROOT / "docs").rglob("*.md")}
    assert all((site / page).is_file() for page in pages)
    named = set(re.findall(r'class="reference internal" href="([^"#]+)"', contents))
    assert {str(page) for page in pages} - named == {"README.html"}


def test_nothing_is_fetched_from_elsewhere(site):
    files = [file for file in site.rglob("*") if file.suffix in (".html", ".css")]
    assert len(files) > 50
    assert not [str(file) for file in files if FETCHED.search(file.read_text("utf-8"))]


def test_drawings_are_in_the_page(site):
    states = (site / "states.html").read_text("utf-8")
    assert states.count('<figure role="img"><svg') == 4 and "stateDiagram-v2" not in states


@pytest.mark.parametrize("word", ["保函", "履约保函", "回款账户", "guarante", "receiv"])
def test_a_word_is_found_in_either_language(site, word):
    index = (site / "searchindex.js").read_text("utf-8").encode().decode("unicode_escape")
    assert re.search(rf'[{{,]"?{word}"?:', index)


@needs_chromium
@pytest.mark.parametrize("word", ["limit", "额度", "预付款保函"])
def test_a_search_finds_pages_in_a_browser(site, word):
    found = dump(site / "search.html", query=f"q={quote(word)}")
    assert re.search(r'class="search">\s*<li[^>]*><a href="[a-z]', found), found[-2000:]


def pages(folder: Path, text: str) -> Path:
    (folder / "docs").mkdir()
    (folder / "docs" / "README.md").write_text(text, encoding="utf-8")
    return folder / "docs"


@pytest.mark.parametrize("link", ["[x](nowhere.md)", "[x](#nothing)"])
def test_a_link_that_leads_nowhere_stops_it(tmp_path, link):
    with pytest.raises(DocsOutdated, match=r"nowhere|nothing"):
        render(pages(tmp_path, f"# A page\n\n{link}\n"), tmp_path / "site")


def test_a_page_that_no_index_names_stops_it(tmp_path):
    docs = pages(tmp_path, "# A page\n")
    (docs / "other.md").write_text("# Another\n")
    with pytest.raises(DocsOutdated, match="other"):
        render(docs, tmp_path / "site")


def test_a_folder_that_holds_no_pages_is_refused_before_anything_is_written(empty, tmp_path):
    said = empty("docs", "build", "--folder", tmp_path / "docs", "--site", tmp_path / "site")
    assert said.code == 1 and "has no README.md" in said.err and not list(tmp_path.glob("[ds]*"))


def test_a_folder_that_is_no_site_is_not_emptied(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(FileMissing, match="no site"):
        render(pages(tmp_path, "# A page\n"), tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_without_what_renders_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sphinx", None)
    with pytest.raises(MissingExtra) as found:
        render(tmp_path, tmp_path / "site")
    assert "supplier-credit[docs]" in found.value.hint


def test_chinese_is_split_into_all_that_may_be_asked():
    assert set(pieces("预付款保函 guarantee")) >= {"预付款保函", "保函", "预付", "付", "函"}
    assert SETTINGS["html_search_language"] == "zh-en"
