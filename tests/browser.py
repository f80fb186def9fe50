"""Chromium without a window, to look at pages as their readers see them; tests skip where there is none."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here, so nobody looks at the page")

# A4 upright at 96 dots an inch.
A4_WIDTH, A4_POINTS = 794, (595, 842)
_CSP = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


def screenshot(page: Path, *, width: int = A4_WIDTH, height: int = 2_000, javascript: bool = True) -> Any:
    """The page as an array of grey values, a row a line of pixels."""
    image = pytest.importorskip("PIL.Image")
    import numpy as np

    picture = page.with_suffix(".png")
    off = () if javascript else ("--blink-settings=scriptEnabled=false",)
    _chromium(page, f"--window-size={width},{height}", f"--screenshot={picture}", *off)
    return np.asarray(image.open(picture).convert("L"))


def printed(page: Path) -> bytes:
    """The page as a PDF, as the browser prints it."""
    file = page.with_suffix(".pdf")
    _chromium(page, f"--print-to-pdf={file}", "--no-pdf-header-footer")
    return file.read_bytes()


def sheets(pdf: bytes) -> list[tuple[int, int]]:
    """The size of each sheet of a PDF, in points."""
    boxes = re.findall(rb"/Type\s*/Page\b[^s].*?/MediaBox\s*\[\s*0\s+0\s+([\d.]+)\s+([\d.]+)\s*\]", pdf, re.DOTALL)
    return [(round(float(width)), round(float(height))) for width, height in boxes]


def found(page: Path, script: str, *, width: int = A4_WIDTH) -> Any:
    """What a script answers that runs in a copy of the page, which is let run it."""
    copy = page.with_name(f"{page.stem}-read.html")
    run = f"document.body.setAttribute('data-found', JSON.stringify(({script})()))"
    text = _CSP.sub("", page.read_text(encoding="utf-8")).replace("</body>", f"<script>{run}</script></body>")
    copy.write_text(text, encoding="utf-8")
    reader = _Found()
    reader.feed(_chromium(copy, f"--window-size={width},2000", "--dump-dom"))
    assert reader.said is not None, "the script did not run"
    return json.loads(reader.said)


def dump(page: Path, *, query: str) -> str:
    """The page as its own scripts leave it some seconds after it was opened with a query."""
    return _chromium(page, "--virtual-time-budget=8000", "--dump-dom", query=query)


class _Found(HTMLParser):
    said: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.said = dict(attrs).get("data-found") if tag == "body" else self.said


def _chromium(page: Path, *options: str, query: str = "") -> str:
    quiet = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage")
    profile = f"--user-data-dir={page.parent / 'chromium'}"
    words = [str(CHROMIUM), *quiet, profile, *options, page.resolve().as_uri() + (f"?{query}" if query else "")]
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=180).stdout
