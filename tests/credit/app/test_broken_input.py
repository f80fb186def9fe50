"""Whatever a command is given that it cannot use, it says what, what next and where to read more, and no traceback."""

from __future__ import annotations

import pytest

NOTHING = object()


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """Paths that no command can use, by what they are."""
    folder = tmp_path_factory.mktemp("given")
    (folder / "folder").mkdir()
    (folder / "binary.toml").write_bytes(b"\x00[[[\xff")
    (folder / "empty.csv").write_text("")
    return {
        "missing": folder / "missing",
        "folder": folder / "folder",
        "binary": folder / "binary.toml",
        "empty": folder / "empty.csv",
    }


def is_helpful(answer) -> bool:
    if answer.code == 2:
        return "Usage:" in answer.err and "Error:" in answer.err
    return all(word in answer.err for word in ("Error:", "Hint:", "More:  docs/errors.md#"))


def refused(answer) -> None:
    assert answer.code not in (0, 4), answer.out
    assert is_helpful(answer), answer.err
    assert "Traceback" not in answer.err and "did not expect" not in answer.err, answer.err


@pytest.mark.parametrize("what", ["missing", "folder", "binary", "empty"])
@pytest.mark.parametrize(
    "words",
    [
        ("ledger", "import", NOTHING, "--format", "platform"),
        ("ledger", "import", NOTHING, "--format", "ocds"),
        ("ledger", "import", ".", "--format", "mapped", "--mapping", NOTHING),
        ("line", "decide", "--file", NOTHING),
        ("policy", "diff", NOTHING),
        ("portfolio", "allocate", "--budget", "1000", "--churn", NOTHING),
        ("export", "verify", NOTHING),
        ("export", "acknowledge", NOTHING, "--bank", "demo-bank"),
        ("feedback", "import", NOTHING, "--bank", "demo-bank"),
    ],
    ids=lambda words: " ".join(word for word in words if word is not NOTHING) if isinstance(words, tuple) else "",
)
def test_a_path_that_is_no_such_file_is_refused_helpfully(spoilt, given, words, what):
    _, credit = spoilt
    refused(credit(*(given[what] if word is NOTHING else word for word in words)))


@pytest.mark.parametrize(
    "words",
    [
        ("line", "decide", "S404"),
        ("line", "decide", "S0000032", "--as-of", "31/02/2025"),
        ("line", "decide", "S0000032", "--as-of", "2099-01-01"),
        ("line", "show", "L404"),
        ("loan", "decide", "--contract", "C404"),
        ("guarantee", "show", "G404"),
        ("decision", "show", "D404"),
        ("decision", "show", "N404"),
        ("drawdown", "show", "X404"),
        ("policy", "show", "nosuch"),
        ("exposure", "show", "--on", "x"),
        ("nightly", "status"),
        ("model", "card", "loan_default.platform", "--version", "9"),
        ("features", "build", "--feature", "nosuch"),
    ],
    ids=" ".join,
)
def test_an_id_or_a_day_that_there_is_not_is_refused_helpfully(spoilt, words):
    _, credit = spoilt
    refused(credit(*words))


def test_what_the_operating_system_refuses_is_said_with_the_path(spoilt, given):
    _, credit = spoilt
    answer = credit("features", "build", "--out", given["folder"])
    refused(answer)
    assert str(given["folder"]) in answer.err and "#file-refused" in answer.err


def test_an_empty_book_is_sealed(empty):
    assert empty("audit", "seal", "--json").json["entries"] == 0
    assert empty("audit", "verify").code == 0
