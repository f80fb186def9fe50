"""Keys: who signed, who can read, and how a key is changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyrage
import pytest

from credit.domain.errors import AlreadyThere, NoKey, WrongFormat
from data.exports.banks import Bank
from data.exports.build import Origin
from data.exports.keys import encrypted_to, known_keys, make_key, rotate, signer_at
from data.exports.verify import Refused, main, public_keys
from tests.data.exports.making import AS_OF, SENDER, build, check

READER = pyrage.x25519.Identity.generate()


@pytest.fixture
def sealed(tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin) -> Path:
    encrypted = replace(bank, age_recipient=str(READER.to_public()))
    return build(tmp_path / "demo-bank", bank=encrypted, records=records, origin=origin)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_a_bank_is_sent_is_encrypted_but_for_manifest_signature_and_marker(sealed: Path):
    assert sorted(contents(sealed)) == [
        "contracts.csv.age",
        "contracts.parquet.age",
        "datapackage.json.age",
        f"{sealed.name}.ok",
        "guarantees.csv.age",
        "guarantees.parquet.age",
        "manifest.json",
        "manifest.sig",
        "scores.csv.age",
        "scores.parquet.age",
    ]
    assert not any(b"S0002" in content or b"K2," in content for content in contents(sealed).values())


def test_the_bank_reads_it_with_its_key(sealed: Path):
    verified = check(sealed, decrypt_key=str(READER))
    assert (verified.rows, verified.contents_checked) == (3, True)


def test_without_the_key_the_seals_are_checked_and_the_answer_says_that_nobody_looked_inside(sealed: Path):
    assert check(sealed).contents_checked is False
    path = sealed / "scores.csv.age"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(Refused, match=r"scores\.csv\.age: its SHA-256"):
        check(sealed)


@pytest.mark.parametrize(
    ("key", "what"),
    [
        (str(pyrage.x25519.Identity.generate()), "scores.csv.age: it cannot be decrypted"),
        ("no key", "the decryption key: it is not an age identity"),
        ("", "the decryption key: it is not an age identity"),
    ],
    # A new key has another name each time, and workers have to agree on what there is to run.
    ids=["another", "no key", "nothing"],
)
def test_another_key_reads_nothing(sealed: Path, key: str, what: str):
    with pytest.raises(Refused, match=what):
        check(sealed, decrypt_key=key)


def test_the_same_night_has_the_same_plaintext_and_another_ciphertext(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin, sealed: Path
):
    again = build(
        tmp_path / "again", bank=replace(bank, age_recipient=str(READER.to_public())), records=records, origin=origin
    )
    mine, its = (json.loads((folder / "manifest.json").read_bytes())["files"] for folder in (sealed, again))
    assert [file["sha256"] for file in mine] == [file["sha256"] for file in its]
    assert all(a["encrypted"]["sha256"] != b["encrypted"]["sha256"] for a, b in zip(mine, its, strict=True))


def test_a_recipient_that_is_no_key_is_refused():
    with pytest.raises(WrongFormat):
        encrypted_to("age1" + "q" * 58, b"x")


# Who signed.


def test_a_file_that_somebody_else_signed_is_refused(export: Path, tmp_path: Path):
    stranger = signer_of(tmp_path / "stranger")
    with pytest.raises(Refused, match="no key of the sender that was given has signed"):
        check(export, sender_keys=(stranger.public_key,))
    (export / "manifest.sig").write_bytes(stranger.signature((export / "manifest.json").read_bytes()))
    with pytest.raises(Refused, match=r"manifest\.sig: no key"):
        check(export)
    with pytest.raises(Refused, match="signer_key_id is not that of the key that signed"):
        check(export, sender_keys=(stranger.public_key,))


def test_several_keys_may_be_trusted_while_one_takes_the_others_place(export: Path, tmp_path: Path):
    stranger = signer_of(tmp_path / "stranger")
    verified = check(export, sender_keys=(stranger.public_key, SENDER.public_key))
    assert verified.signer_key_id == SENDER.key_id


def test_an_unsigned_file_is_refused(export: Path):
    (export / "manifest.sig").unlink()
    with pytest.raises(Refused, match=r"manifest\.sig: the file is missing"):
        check(export)


def signer_of(folder: Path):
    make_key(folder)
    return signer_at(folder / "signing.key")


def test_a_key_is_its_owners_alone(tmp_path: Path):
    signer_of(tmp_path)
    key = tmp_path / "signing.key"
    assert key.stat().st_mode & 0o777 == 0o600
    key.chmod(0o640)
    with pytest.raises(NoKey, match="others can read"):
        signer_at(key)


@pytest.mark.parametrize("content", [b"", b"secret", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_file_that_is_no_key_is_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "signing.key"
    path.touch(0o600)
    path.write_bytes(content)
    with pytest.raises(NoKey):
        signer_at(path)


def test_a_rotation_signs_with_the_next_key_and_files_of_before_stay_good(
    tmp_path: Path, bank: Bank, records: pd.DataFrame, origin: Origin
):
    keys = tmp_path / "keys"
    first = make_key(keys)
    old = build(tmp_path / "b", bank=bank, records=records, origin=origin, signer=signer_at(keys / "signing.key"))
    following = make_key(keys)
    assert [(each.role, each.key_id) for each in known_keys(keys)] == [
        ("signing", first.key_id),
        ("next", following.key_id),
    ]
    with pytest.raises(AlreadyThere):
        make_key(keys)
    assert rotate(keys).key_id == following.key_id
    new = build(tmp_path / "b", bank=bank, records=records, origin=origin, signer=signer_at(keys / "signing.key"))
    trusted = [bytes.fromhex(each.public_key) for each in known_keys(keys)]
    assert [check(folder, sender_keys=trusted).signer_key_id for folder in (old, new)] == [
        first.key_id,
        following.key_id,
    ]
    assert sorted(path.name for path in keys.iterdir()) == [f"former-{first.key_id}.pub", "signing.key"]
    with pytest.raises(NoKey):
        rotate(keys)


def test_a_file_of_public_keys_may_hold_several_and_remarks():
    keys = public_keys(f"# ours\n{'ab' * 32}\n\n{'CD' * 32}  # from January on\n")
    assert keys == (b"\xab" * 32, b"\xcd" * 32)
    for wrong in ("", "# nothing", "ab" * 31, "xy" * 32):
        with pytest.raises(ValueError, match="64 hex digits"):
            public_keys(wrong)


# The check as a program of its own.


def test_the_check_runs_as_a_program(sealed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    identity = tmp_path / "identity.txt"
    identity.write_text(f"# ours\n{READER}\n")
    words = [str(sealed), "--sender-key", SENDER.public_key.hex(), "--on", AS_OF.isoformat()]
    assert main([*words, "--decrypt-key", str(identity), "--last-sequence", "0"]) == 0
    assert "true to its manifest; 3 rows" in capsys.readouterr().out
    assert main(words) == 0
    assert "nobody looked into it" in capsys.readouterr().out
    assert main([*words, "--last-sequence", "1"]) == 6
    assert "its sequence is 1 where 2 follows" in capsys.readouterr().err
    with pytest.raises(SystemExit) as usage:
        main([str(sealed), "--sender-key", "nothing"])
    assert usage.value.code == 2
