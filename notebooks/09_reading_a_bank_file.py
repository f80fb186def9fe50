# %% [markdown]
# # What can a bank check of its file, and what does it never see?
#
# *All of it with one page of code of its own: sender, wholeness, totals, changes; and nothing but what was agreed.*
#
# A bank should not have to believe us. It holds a folder, our public key, which it was told over the telephone, and its
# own secret key. Here we send it two files, a full one and the changes of the day after, and then read them as the bank
# does: with the published page (`docs/bank-file.md`), pandas, and what opens an age file and an Ed25519 signature.

# %%
import hashlib
import io
import json
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyrage
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from credit.app import exporting, identity, signing
from credit.app.clock import now
from credit.app.consenting import record_consent, standing_consents
from credit.app.lines import decide_all
from credit.app.scoring import score_all
from data.exports import verify
from notebooks.material import demonstration, scratch

BANK = "second-bank"
home = demonstration()
as_of = home.ledger().last_day("platform")

# %% [markdown]
# ## What we send
#
# The bank's agreement has its public key, so that files are encrypted to it. The first file is a full one. Then a firm
# takes its consent back, another gives one, and the next file says what changed.

# %%
secret = pyrage.x25519.Identity.generate()
agreed = exporting.bank_named(home, BANK)
agreement = home.root / "banks" / f"{BANK}.toml"
agreement.parent.mkdir()
agreement.write_text(
    f'bank_id = "{BANK}"\nname = "{agreed.name}"\npurposes = {json.dumps(agreed.purposes)}\n'
    f'fields = {json.dumps(agreed.agreed)}\nage_recipient = "{secret.to_public()}"\nfull_every_days = 7\n',
    encoding="utf-8",
)


def sent(day: Any, of: str | None = None) -> Path:
    """Score and decide everybody on a day, unless that is done, and write the bank's next file."""
    if not (home.scores / f"as_of={day}").is_dir():
        score_all(home, "platform", as_of=day, scored_at=now())
        decide_all(home, day)
    return exporting.build(home, BANK, of=of)


# Scored by the clock of this notebook: a file takes the scores that were made last.
shutil.rmtree(home.scores)
full = sent(as_of)

consents = [each for each in standing_consents(home, None, BANK) if each["purpose"] == "credit_line"]
leaves = consents[0]["supplier_id"]
silent = {*home.ledger().suppliers(as_of)["supplier_id"]} - {each["supplier_id"] for each in consents}
joins = min(silent)
record_consent(home, leaves, BANK, "credit_line", kind="REVOKED", who=identity.who())
record_consent(home, joins, BANK, "credit_line", kind="GRANTED", who=identity.who())
delta = sent(as_of + timedelta(days=1))
print(f"{full.name}: {sorted(file.name for file in full.iterdir())}")
print(f"{delta.name}: {sorted(file.name for file in delta.iterdir())}")

# %% [markdown]
# ## At the bank: the check, as one file that it has read
#
# `credit export verifier` prints it. It exits 0, or 6 naming the first thing wrong.

# %%
desk = scratch()
(desk / "verify.py").write_bytes(Path(verify.__file__).read_bytes())
(desk / "identity.txt").write_text(f"{secret}\n", encoding="utf-8")
sender = signing.signer(home).public_key


def checked(folder: Path, last: int) -> tuple[int, str]:
    """What the bank's own run of the check says of a folder: exit code, and the words."""
    words = ["verify.py", str(folder), "--sender-key", sender.hex(), "--decrypt-key", "identity.txt"]
    words += ["--last-sequence", str(last), "--on", str(as_of)]
    # -I: nothing of this project can be imported there, whatever the environment says.
    done = subprocess.run([sys.executable, "-I", *words], cwd=desk, capture_output=True, text=True, check=False)
    return done.returncode, (done.stdout or done.stderr).strip()


whole = {folder.name: checked(folder, last) for last, folder in enumerate((full, delta))}
for name, (code, words) in whole.items():
    print(f"{name}: exit {code}\n{words}\n")

# %% [markdown]
# ## At the bank: by hand
#
# Signature over the manifest, hash of every file as it lies there and as it reads, then the rows.

# %%
TEXT = {"dtype": str, "keep_default_na": False}


def opened(folder: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The manifest and the plain files of a folder, each held against what was signed."""
    manifest = (folder / "manifest.json").read_bytes()
    Ed25519PublicKey.from_public_bytes(sender).verify(bytes.fromhex((folder / "manifest.sig").read_text()), manifest)
    said, plain = json.loads(manifest), {}
    for file in said["files"]:
        lying = (folder / file["encrypted"]["name"]).read_bytes()
        assert hashlib.sha256(lying).hexdigest() == file["encrypted"]["sha256"]
        plain[file["name"]] = pyrage.decrypt(lying, [secret])
        assert hashlib.sha256(plain[file["name"]]).hexdigest() == file["sha256"]
    return said, plain


def added_up(rows: pd.DataFrame) -> dict[str, Any]:
    """The totals of a full file's rows, as the manifest has them."""
    heads = [hashlib.sha256(each.encode()).digest()[:8] for each in rows["supplier_id"]]
    return {
        "rows": len(rows),
        "sum_limit_fen": int(pd.to_numeric(rows["indicative_limit_fen"]).sum()),
        "by_grade": rows["grade"].replace("", "NONE").value_counts().to_dict(),
        "by_decision": rows["decision"].replace("", "NONE").value_counts().to_dict(),
        "supplier_id_hash_total": f"{sum(int.from_bytes(head) for head in heads) % 2**64:016x}",
    }


(said, plain), (changes, changed) = opened(full), opened(delta)
rows = pd.read_csv(io.BytesIO(plain["scores.csv"]), **TEXT)
totals = added_up(rows)
for name, total in totals.items():
    print(f"{name:24s} {total}   as signed: {total == said['control_totals'][name]}")
columns = [field["name"] for field in json.loads(plain["datapackage.json"])["resources"][0]["schema"]["fields"]]
parquet = pd.read_parquet(io.BytesIO(plain["scores.parquet"]))
limits = pd.to_numeric(rows["indicative_limit_fen"])

# %% [markdown]
# ## At the bank: taking a delta in
#
# Three steps, as the page says them: take out whom it names, move the moments of all others on, add its rows `U`.

# %%
news = pd.read_csv(io.BytesIO(changed["scores.csv"]), **TEXT)
state = rows[~rows["supplier_id"].isin(news["supplier_id"])].assign(**changes["moves_on"])
state = pd.concat([state, news[news["op"] == "U"]]).sort_values("supplier_id").reset_index(drop=True)
print(news.groupby(["op", "change_reason"]).size().to_string())
print(f"{len(rows):,} rows and {len(news):,} changes make {len(state):,}; all others move on to {changes['moves_on']}")

# What a full file of that day says, which we ask for to compare; the bank would not.
again, fresh = opened(sent(as_of + timedelta(days=1), of="FULL"))
now_full = pd.read_csv(io.BytesIO(fresh["scores.csv"]), **TEXT)
MARKS = ["op", "change_reason", "row_hash"]

# %% [markdown]
# ## What was altered on the way does not pass
#
# A bit is turned in every file of a copy, its marker is taken away, a file is added; and files come out of turn.

# %%


def spoilt(name: str, change: Any) -> tuple[int, str]:
    """What the check says of the full file after one of its files was changed; its marker where the name is empty."""
    copy = shutil.copytree(full, scratch() / full.name)
    file = copy / (name or f"{full.name}.ok")
    change(file)
    return checked(copy, 0)


def turned(place: int) -> Any:
    """A change that turns one bit of the byte at a place."""

    def change(file: Path) -> None:
        content = bytearray(file.read_bytes())
        content[place] ^= 1
        file.write_bytes(content)

    return change


tried = {f"a bit of {file.name}": spoilt(file.name, turned(-3)) for file in sorted(full.iterdir())}
tried["no commit marker"] = spoilt("", Path.unlink)
tried["a file more"] = spoilt("", lambda file: file.with_name("more.csv").write_text("x"))
tried["sent twice"] = checked(full, 1)
tried["one left out"] = checked(delta, 0)
for what, (code, words) in tried.items():
    print(f"{what:32s} exit {code}: {words.splitlines()[0]}")

# %% [markdown]
# ## What the bank never sees
#
# Who did not consent to it, fields that it did not agree to, names, and what the model saw.

# %%
named = pd.read_parquet(home.root / "platform" / "names.parquet")["name"].astype(str)
codes = pd.read_parquet(home.root / "platform" / "suppliers.parquet", columns=["uscc"])["uscc"].dropna().astype(str)
text = plain["scores.csv"].decode() + fresh["scores.csv"].decode() + changed["scores.csv"].decode()
seen = {"names": sum(each in text for each in named), "company codes": sum(each in text for each in set(codes))}
consenting = {each["supplier_id"] for each in standing_consents(home, None, BANK)}
print(f"{len(home.ledger().suppliers(as_of)):,} suppliers, {len(now_full):,} in the bank's file; seen there: {seen}")
print("columns:", ", ".join(columns))

# %% [markdown]
# ## What we conclude
#
# With the page and two libraries that are not ours a bank can find out who sent a file, that nothing of it was changed
# or left out, that it adds up, and what it holds after a delta: to the last cell what a full file would say. Whatever
# is altered on the way is refused, and so is a file that comes twice or out of turn. It sees the fields that it agreed
# to, of firms that consent today: one that took its consent back is gone with the next file, and said to be.
#
# ## What would change our mind
#
# A way to alter a file that passes; a bank that cannot install an age library, for which the files would need another
# wrapping (SM2 and SM4 are what Chinese banks commonly ask for); or a delta that can be taken in twice unnoticed.

# %%
assert [code for code, _ in whole.values()] == [0, 0]
assert all(total == said["control_totals"][name] for name, total in totals.items())
assert list(rows.columns) == columns == list(parquet.columns)
assert limits.equals(parquet["indicative_limit_fen"].astype("float64").rename(limits.name))
pd.testing.assert_frame_equal(state.drop(columns=MARKS), now_full.drop(columns=MARKS))
assert len(news) < len(rows)
assert news.set_index("supplier_id").loc[leaves, ["op", "change_reason"]].tolist() == ["D", "CONSENT_REVOKED"]
assert leaves not in set(now_full["supplier_id"]) and joins in set(now_full["supplier_id"])
assert {code for code, _ in tried.values()} == {6}
assert set(now_full["supplier_id"]) <= consenting
assert seen == {"names": 0, "company codes": 0}
assert not {"uscc", "pd", "score"} & set(columns)
