"""Ten thousand bank files with one byte altered, anywhere: none is taken."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyrage
import pytest

from data.exports.banks import shipped_bank
from data.exports.build import Origin
from data.exports.verify import Refused
from tests.data.exports.making import AS_OF, DECLINED_ROW, SCORED_ROW, UNSCORABLE_ROW, build, check, frame

ALTERATIONS = 10_000


@pytest.mark.soak
@pytest.mark.parametrize("encrypted", [False, True])
def test_no_altered_byte_is_taken(tmp_path: Path, encrypted: bool) -> None:
    rng = random.Random(20261126)
    identity = pyrage.x25519.Identity.generate()
    bank = shipped_bank("demo-bank")
    if encrypted:
        bank = replace(bank, age_recipient=str(identity.to_public()))
    origin = Origin(
        as_of=AS_OF,
        generated_at=datetime(2026, 11, 1, 2, tzinfo=UTC),
        models={"loan_default.platform": "7"},
        policies={"turnover_line": "2026.1"},
        ledger_version="1",
        code_version="1",
    )
    records = frame(SCORED_ROW, DECLINED_ROW, UNSCORABLE_ROW)
    folder = build(tmp_path / "demo-bank", bank=bank, records=records, origin=origin)
    key = str(identity) if encrypted else None
    files = {path: path.read_bytes() for path in sorted(folder.iterdir())}
    for n in range(ALTERATIONS):
        # Each file in its turn, or the large ones would have all of them.
        path, whole = list(files.items())[n % len(files)]
        place = rng.randrange(len(whole))
        path.write_bytes(whole[:place] + bytes([whole[place] ^ rng.randint(1, 255)]) + whole[place + 1 :])
        with pytest.raises(Refused) as refused:
            check(folder, decrypt_key=key)
        assert path.name in refused.value.message
        path.write_bytes(whole)
    assert check(folder, decrypt_key=key).rows == 3
