"""Who is what: the roles of the accounts of this installation."""

from __future__ import annotations

import tomllib
from typing import Any

from credit.app.home import Home
from credit.domain.authority import MAY, Action, Role, refuse_without
from credit.domain.errors import PolicyBroken

ROLES = "roles.toml"
_HINT = '[roles] and then account = "analyst|senior|committee|operator|auditor"'


def role_of(home: Home, who: str) -> Role | None:
    """What an account is, by `roles.toml` of this home; None where it is nothing. Raises PolicyBroken."""
    said = _said(home)
    return _role(who, said[who]) if who in said else None


def all_roles(home: Home) -> dict[str, Role]:
    """What every account is that `roles.toml` names. Raises PolicyBroken."""
    return {who: _role(who, said) for who, said in _said(home).items()}


def _works_alone(home: Home) -> bool:
    """Whether there is no `roles.toml` in any form: a link that leads nowhere is one that cannot be read."""
    try:
        (home.root / ROLES).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _said(home: Home) -> dict[str, Any]:
    if _works_alone(home):
        return {}
    try:
        said = tomllib.loads((home.root / ROLES).read_text(encoding="utf-8")).get("roles", {})
    except (OSError, ValueError) as broken:
        # What an operating system says of a file names its path; what TOML says, the line.
        why = f"cannot be read ({broken.strerror})" if isinstance(broken, OSError) else str(broken)
        raise PolicyBroken(f"{ROLES}: {why}", hint=_HINT) from broken
    if not isinstance(said, dict):
        raise PolicyBroken(f"{ROLES}: roles is no table", hint=_HINT)
    return said


def _role(who: str, said: Any) -> Role:
    try:
        return Role(said)
    except ValueError as broken:
        raise PolicyBroken(f"{ROLES}: {who} is {said!r}", hint=_HINT) from broken


def may(home: Home, action: Action, who: str) -> bool:
    """Whether an account may do such things; without `roles.toml` one person works alone, and may.

    Raises PolicyBroken where it is there and cannot be read: nobody is let through for that.
    """
    if _works_alone(home):
        return action is not Action.JUDGE
    role = role_of(home, who)
    return role is not None and role in MAY[action]


def refuse(home: Home, action: Action, who: str) -> None:
    """Raise NotAuthorised where `roles.toml` says who is what, and this account does not do such things.

    Without the file one person works alone; to judge a decision always takes a role. Raises PolicyBroken too.
    """
    if not may(home, action, who):
        refuse_without(role_of(home, who), action, who)
