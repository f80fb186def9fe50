"""The keys: ours, by which a bank knows who signed, and the bank's, to which its files are encrypted.

A folder of keys holds `signing.key`, which signs; `next.key`, which signs nothing until a rotation, so that banks can
be told of it before; and `former-….pub` of each that signed before. A private key is a PEM file that its owner alone
may read. What was signed with a former key stays good: its public key is all that a check needs.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from credit.domain.errors import AlreadyThere, NoKey, WrongFormat
from data.durable import write_whole
from data.exports.verify import key_id, public_keys

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SIGNING, NEXT, FORMER, FORMER_SUFFIX = "signing.key", "next.key", "former-", ".pub"
OWNER_ALONE, OTHERS = 0o600, 0o077


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A public key, in hex, and what it is for: `signing`, `next` or `former`."""

    role: str
    key_id: str
    public_key: str


@dataclass(frozen=True)
class Signer:
    """Signs manifests with one key."""

    _private: Ed25519PrivateKey

    @property
    def public_key(self) -> bytes:
        """The 32 bytes by which its signatures are checked."""
        return self._private.public_key().public_bytes_raw()

    @property
    def key_id(self) -> str:
        """What the key is called."""
        return key_id(self.public_key)

    def signature(self, content: bytes) -> bytes:
        """The content of `manifest.sig`: an Ed25519 signature in hex, and a line feed."""
        return f"{self._private.sign(content).hex()}\n".encode()


def signer_at(path: Path) -> Signer:
    """The signer with the key of a file. Raises NoKey."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if not path.is_file():
        raise NoKey(f"there is no key at {path}", hint="`credit export keys new` makes one")
    if path.stat().st_mode & OTHERS:
        raise NoKey(f"others can read {path}", hint=f"chmod 600 {path}; who may have read it means a rotation")
    try:
        private = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise NoKey(
            f"{path} is not an Ed25519 key", hint="a PEM file without password, as `credit export keys new` makes"
        )
    return Signer(private)


def make_key(folder: Path) -> KnownKey:
    """Make the key that signs, or where there is one the next. Raises AlreadyThere where there is a next one."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = NEXT if (folder / SIGNING).exists() else SIGNING
    private = Ed25519PrivateKey.generate()
    content = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        # Nobody else may read it, not even between its making and a later chmod.
        handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ALONE)
    except FileExistsError:
        raise AlreadyThere(
            "the next key is there already",
            hint="`credit export keys show` shows it, `credit export keys rotate` uses it",
        ) from None
    with os.fdopen(handle, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    return _known(name, Signer(private).public_key)


def rotate(folder: Path) -> KnownKey:
    """Sign with the next key from now on; the one before is gone but for its public part. Raises NoKey.

    A key that no longer signs has no other use than to a thief.
    """
    following = signer_at(folder / NEXT)
    if (folder / SIGNING).is_file():
        public = signer_at(folder / SIGNING).public_key
        write_whole(folder / f"{FORMER}{key_id(public)}{FORMER_SUFFIX}", f"{public.hex()}\n".encode())
    (folder / NEXT).replace(folder / SIGNING)
    return _known(SIGNING, following.public_key)


def known_keys(folder: Path) -> list[KnownKey]:
    """The keys of a folder: the one that signs, the next, and the former ones."""
    own = [_known(name, signer_at(folder / name).public_key) for name in (SIGNING, NEXT) if (folder / name).is_file()]
    former = sorted(folder.glob(f"{FORMER}*{FORMER_SUFFIX}"))
    return own + [_known(FORMER, key) for path in former for key in public_keys(path.read_text(encoding="utf-8"))]


def is_recipient(text: str) -> bool:
    """Whether a text is the public key of an age pair, as `age-keygen` prints it: its checksum too."""
    import pyrage

    try:
        pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        return False
    return True


def encrypted_to(recipient: str, content: bytes) -> bytes:
    """The content, encrypted so that only the holder of the recipient's age key can read it. Raises WrongFormat."""
    import pyrage

    if not is_recipient(recipient):
        raise WrongFormat("it cannot be encrypted: that is not a public key of age", hint="ask the bank for its key")
    return bytes(pyrage.encrypt(content, [pyrage.x25519.Recipient.from_str(recipient)]))


def _known(name: str, public: bytes) -> KnownKey:
    return KnownKey(name.removesuffix(".key").removesuffix("-"), key_id(public), public.hex())
