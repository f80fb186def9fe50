"""Who is what: the roles of the accounts of this installation."""

from __future__ import annotations

import tomllib

from credit.app.home import Home
from credit.domain.authority import MAY, Action, Role, refuse_without
from credit.domain.errors import PolicyBroken

ROLES = "roles.toml"


def role_of(home: Home, who: str) -> Role | None:
    """What an account is, by `roles.toml` of this home; None where it is nothing. Raises PolicyBroken."""
    file = home.root / ROLES
    if not file.is_file():
        return None
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8")).get("roles", {})
        if not isinstance(said, dict):
            raise ValueError("roles is no table")
        return Role(said[who]) if who in said else None
    except (tomllib.TOMLDecodeError, ValueError) as broken:
        raise PolicyBroken(
            f"{ROLES}: {broken}", hint='[roles] and then account = "analyst|senior|committee|operator|auditor"'
        ) from broken


def may(home: Home, action: Action, who: str) -> bool:
    """Whether an account may do such things; without `roles.toml` one person works alone, and may."""
    if not (home.root / ROLES).is_file():
        return action is not Action.JUDGE
    role = role_of(home, who)
    return role is not None and role in MAY[action]


def refuse(home: Home, action: Action, who: str) -> None:
    """Raise NotAuthorised where `roles.toml` says who is what, and this account does not do such things.

    Without the file one person works alone; to judge a decision always takes a role.
    """
    if not may(home, action, who):
        refuse_without(role_of(home, who), action, who)
