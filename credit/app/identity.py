"""Who is at the keyboard: the account of the operating system, which no variable of the environment can change."""

from __future__ import annotations

import os
import pwd

# Who signs in the demonstration. No account of an operating system can have a colon in its name.
DEMO = "demo:"
DEMO_AUTHOR, DEMO_APPROVER = f"{DEMO}author", f"{DEMO}approver"


def who() -> str:
    """The name of the account that this process runs as, or its number where it has none."""
    uid = os.getuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
