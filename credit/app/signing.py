"""The keys that sign bank files, and those whose signature we take for our own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from credit.app import configuration, identity
from credit.app.home import Home
from credit.app.roles import refuse
from credit.domain.authority import Action
from credit.domain.errors import NoKey

if TYPE_CHECKING:
    from data.exports.keys import KnownKey, Signer


def signer(home: Home) -> Signer:
    """The key that signs: the file that `signing.key` names, else this folder's. Raises NoKey."""
    from data.exports.keys import signer_at

    return signer_at(key_file(home))


def is_ready(home: Home) -> bool:
    """Whether there is a key to sign with."""
    return key_file(home).is_file()


def key_file(home: Home) -> Path:
    """The file of the key that signs, whether it is there or not."""
    from data.exports.keys import SIGNING

    return configuration.current().signing_key or home.keys / SIGNING


def trusted(home: Home) -> tuple[bytes, ...]:
    """The public keys of this folder, the next and the former ones too, and the one that signs. Raises NoKey."""
    from data.exports.keys import known_keys

    named = [signer(home).public_key] if configuration.current().signing_key else []
    found = [*named, *(bytes.fromhex(each.public_key) for each in known_keys(home.keys))]
    if not found:
        raise NoKey("no key of a sender is known", hint="name it with --sender-key, or `credit export keys new`")
    return tuple(found)


def new(home: Home) -> KnownKey:
    """Make the key that signs, or where there is one the next. Raises NotAuthorised, AlreadyThere."""
    from data.exports.keys import make_key

    refuse(home, Action.EXPORT, identity.who())
    return make_key(home.keys)


def rotate(home: Home) -> KnownKey:
    """Sign with the next key from now on. Raises NotAuthorised, NoKey."""
    from data.exports.keys import rotate as turn

    refuse(home, Action.EXPORT, identity.who())
    return turn(home.keys)
