"""Agreements with banks: what is shipped, what is refused."""

from __future__ import annotations

from pathlib import Path

import pyrage
import pytest

from credit.domain.errors import FileMissing, UnknownName, WrongFormat
from data.exports.banks import load_bank, shipped_bank, shipped_banks
from data.exports.schema import RECORD, RECORDS

AGREEMENT = 'bank_id = "some-bank"\nname = "某银行"\npurposes = ["credit_line"]\nfields = ["grade"]\n'


def write(folder: Path, text: str, name: str = "some-bank.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_agreements_all_load():
    assert shipped_banks() == ("demo-bank", "second-bank")
    for bank_id in shipped_banks():
        assert shipped_bank(bank_id).bank_id == bank_id


def test_the_demonstration_bank_receives_the_whole_record():
    assert shipped_bank("demo-bank").fields == RECORD


def test_a_bank_receives_what_was_agreed_and_what_everyone_receives_in_the_records_order(tmp_path: Path):
    names = [each.name for each in load_bank(write(tmp_path, AGREEMENT)).fields]
    assert set(names) == {"grade", *(each.name for each in RECORD if each.for_every_bank)}
    assert names == [each.name for each in RECORD if each.name in names]


def test_the_row_hash_comes_last():
    assert {record[-1].name for record in RECORDS.values()} == {"row_hash"}


def test_an_unknown_bank_is_refused_with_the_choices():
    with pytest.raises(UnknownName) as refused:
        shipped_bank("third-bank")
    assert "demo-bank, second-bank" in refused.value.hint


def test_a_bank_name_never_leads_out_of_the_folder():
    with pytest.raises(UnknownName):
        shipped_bank("../banks/demo-bank")


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ('["grade"]', '["gradee"]', UnknownName),
        ('["credit_line"]', '["marketing"]', UnknownName),
        ('["credit_line"]', "[]", WrongFormat),
        ('["grade"]', '["grade", "grade"]', WrongFormat),
        ('["grade"]', '"grade"', WrongFormat),
        ('"some-bank"', '"Some_Bank"', WrongFormat),
        ('"some-bank"', '"other-bank"', WrongFormat),
        ('name = "某银行"\n', "", WrongFormat),
        ('name = "某银行"', 'name = ""', WrongFormat),
        ('name = "某银行"', 'name = "某银行"\nsecret = 1', WrongFormat),
        ('name = "某银行"', 'name = "某银行"\nschema = "9.0.0"', WrongFormat),
        ('name = "某银行"', 'name = "某银行"\nage_recipient = "ssh-ed25519 AAAA"', WrongFormat),
        ('name = "某银行"', 'name = "某银行"\nage_recipient = ""', WrongFormat),
        ('name = "某银行"', 'name = "某银行"\nguarantees = ["type"]', WrongFormat),
        ('name = "某银行"', 'name = "某银行"\nfull_every_days = 0', WrongFormat),
        ('name = "某银行"', 'name = "某银行"\nfull_every_days = true', WrongFormat),
        ('name = "某银行"', 'name = "某银行"\nschema = "1.0.0"\nfull_every_days = 7', WrongFormat),
        ("bank_id =", "bank_id", WrongFormat),
    ],
)
def test_a_faulty_agreement_is_refused_by_its_file_name(tmp_path: Path, old: str, new: str, error: type[Exception]):
    assert old in AGREEMENT
    with pytest.raises(error, match=r"^some-bank\.toml: "):
        load_bank(write(tmp_path, AGREEMENT.replace(old, new)))


def test_an_agreement_may_name_version_key_and_how_often_a_full_file_is_written(tmp_path: Path):
    recipient = str(pyrage.x25519.Identity.generate().to_public())
    more = f'schema = "2.0.0"\nage_recipient = "{recipient}"\nfull_every_days = 7\n'
    bank = load_bank(write(tmp_path, AGREEMENT + more))
    assert (bank.schema, bank.age_recipient, bank.full_every_days) == ("2.0.0", recipient, 7)
    plain = load_bank(write(tmp_path, AGREEMENT))
    assert (plain.schema, plain.age_recipient, plain.full_every_days) == ("2.1.0", None, None)


def test_a_key_with_one_wrong_character_is_refused_when_the_agreement_is_read(tmp_path: Path):
    right = str(pyrage.x25519.Identity.generate().to_public())
    wrong = right[:-1] + ("q" if right[-1] != "q" else "p")
    load_bank(write(tmp_path, f'{AGREEMENT}age_recipient = "{right}"\n'))
    with pytest.raises(WrongFormat, match=r"^some-bank\.toml: 'age_recipient' is not a public key of age"):
        load_bank(write(tmp_path, f'{AGREEMENT}age_recipient = "{wrong}"\n'))


def test_a_bank_on_an_older_version_receives_no_field_of_a_later_one(tmp_path: Path):
    old = load_bank(write(tmp_path, AGREEMENT + 'schema = "1.0.0"\n'))
    assert {"op", "change_reason"}.isdisjoint(each.name for each in old.fields)


def test_a_bank_stays_on_its_version_though_its_agreement_names_a_later_field(tmp_path: Path):
    named = AGREEMENT.replace('"grade"', '"grade", "pd_low"')
    assert "pd_low" in [each.name for each in load_bank(write(tmp_path, named)).fields]
    old = load_bank(write(tmp_path, named + 'schema = "2.0.0"\n'))
    assert "pd_low" not in [each.name for each in old.fields]


def test_an_agreement_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(FileMissing):
        load_bank(tmp_path / "some-bank.toml")
