"""The site: the pages of the documentation rendered by Sphinx, to be read and searched without a network.

The pages stay what they are where they lie, Markdown that reads well by itself. What the site adds is made from them:
its contents are the links of the index, drawings are rendered into the page, and Chinese is found by any of its parts.
"""

from __future__ import annotations

import hashlib
import io
import re
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credit.domain.errors import DocsOutdated, FileMissing, MissingExtra

if TYPE_CHECKING:
    from sphinx.application import Sphinx

INDEX, CONTENTS = "README", ("README", "adr/README")
_LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<target>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_MERMAID = re.compile(r"^```mermaid\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# What Pygments has no lexer for.
_NO_LEXER = re.compile(r"^```csv$", re.MULTILINE)
_HAN = re.compile(r"[㐀-鿿]+")

SETTINGS: dict[str, Any] = {
    "project": "supplier-credit",
    "extensions": ["myst_parser", "credit.app.website"],
    "root_doc": INDEX,
    "source_suffix": {".md": "markdown"},
    "myst_heading_anchors": 4,
    "myst_links_external_new_tab": False,
    "html_theme": "furo",
    "html_title": "supplier-credit",
    "html_copy_source": False,
    "html_show_sourcelink": False,
    "html_show_sphinx": False,
    "html_search_language": "zh-en",
    # The summaries of results are fetched page by page, which a browser does not do from a disk.
    "html_show_search_summary": False,
    "html_theme_options": {"light_css_variables": {"font-stack": "system-ui, 'Noto Sans CJK SC', sans-serif"}},
}


def refuse_unready(pages: Path, site: Path) -> None:
    """Raise MissingExtra without what renders, FileMissing where there is no index or the site would replace something
    else."""
    missing = [name for name in ("sphinx", "myst_parser", "furo", "mermaidx") if find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"the site is rendered by Sphinx; not installed: {', '.join(missing)}",
            hint="pip install 'supplier-credit[docs]'",
        )
    if not (pages / f"{INDEX}.md").is_file():
        raise FileMissing(f"{pages} has no {INDEX}.md", hint="name the folder of the pages, by default `docs`")
    if site.exists() and any(site.iterdir()) and not (site / _OURS).is_file():
        raise FileMissing(f"{site} is not empty, and no site", hint="name a folder of its own for the site")


def render(pages: Path, site: Path) -> int:
    """Render the pages of a folder into a site; answers how many there are.

    Raises as `refuse_unready` does, and DocsOutdated naming what a page says that does not hold, such as a link that
    leads nowhere.
    """
    refuse_unready(pages, site)
    from sphinx.application import Sphinx
    from sphinx.util.console import nocolor

    nocolor()
    if site.exists():
        shutil.rmtree(site)
    said = io.StringIO()
    app = Sphinx(pages, None, site, site / _TREES, "html", SETTINGS, status=None, warning=said)
    app.build(force_all=True)
    shutil.rmtree(site / _TREES)
    if faults := said.getvalue().strip():
        raise DocsOutdated(f"the pages do not hold together:\n{faults}", hint="mend them where they are written")
    shutil.copyfile(site / f"{INDEX}.html", site / "index.html")
    (site / _OURS).touch()
    return len(app.project.docnames)


# The second says that a folder is a site of these pages, which a later one may replace.
_TREES, _OURS = ".doctrees", ".supplier-credit-site"


def setup(app: Sphinx) -> dict[str, bool]:
    """What Sphinx calls: the changes to each page as it is read, and the language of the search."""
    app.connect("source-read", _read)
    app.add_search_language(_bilingual())
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _read(app: Sphinx, page: str, source: list[str]) -> None:
    text = _NO_LEXER.sub("```text", source[0])
    text = _LINK.sub(lambda link: _link(link, page, Path(app.srcdir)), text)
    text = _MERMAID.sub(lambda drawing: _drawing(drawing[1]), text)
    source[0] = "\n".join([text, *_contents(text)]) if page in CONTENTS else text


def _link(link: re.Match[str], page: str, pages: Path) -> str:
    """A link out of the documentation, such as to a source file, is its text alone: a site has no such file."""
    target = link["target"]
    if re.match(r"[a-z]+:", target):
        return link[0]
    inside = (pages / page).parent.joinpath(target).resolve().is_relative_to(pages.resolve())
    return link[0] if inside else link["text"]


def _contents(text: str) -> Iterator[str]:
    """The contents of the site: under each heading of the index, the pages that it links to, in that order."""
    parts = _HEADING.split(text)
    for caption, below in zip(["", *parts[1::2]], parts[::2], strict=True):
        pages = dict.fromkeys(link["target"] for link in _LINK.finditer(below) if link["target"].endswith(".md"))
        if pages:
            yield "\n```{toctree}\n:hidden:" + (f"\n:caption: {caption}\n" if caption else "\n")
            yield from (page.removesuffix(".md") for page in pages)
            yield "```"


def _drawing(mermaid: str) -> str:
    """The drawing itself, under an id of its own, so that several stand on one page."""
    import mermaidx

    own = f"drawing-{hashlib.sha256(mermaid.encode()).hexdigest()[:8]}"
    drawn = mermaidx.render(mermaid).svg().replace("my-svg", own).replace("\n", " ")
    return f'```{{raw}} html\n<figure role="img">{drawn}</figure>\n```'


def _bilingual() -> Any:
    """English as Sphinx searches it, and Chinese by every one and two characters and the whole run of them.

    A query is a run too: one or two characters are found as they are, more as part of a run.
    """
    from sphinx.search.en import SearchEnglish

    def split(self: Any, input: str) -> list[str]:
        return [*SearchEnglish.split(self, _HAN.sub(" ", input)), *pieces(input)]

    # Sphinx makes the name of the class that stems in the browser of the language's name.
    own = {"lang": "zh-en", "language_name": SearchEnglish.language_name, "split": split}
    return type("Bilingual", (SearchEnglish,), own)


def pieces(text: str) -> Iterator[str]:
    """What Chinese is found by.

    >>> list(pieces("line 授信额 limit"))
    ['授信额', '授', '信', '额', '授信', '信额']
    """
    for run in _HAN.findall(text):
        yield run
        if len(run) > 1:
            yield from run
        if len(run) > 2:
            yield from (run[at : at + 2] for at in range(len(run) - 1))
