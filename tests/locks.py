"""Checks that the lock files hold what pyproject.toml asks for: `python -m tests.locks`."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def problems() -> list[str]:
    """Return what is asked for and not locked with a hash."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    found = []
    for file, wanted in (
        ("requirements.txt", project["dependencies"]),
        ("requirements-dev.txt", [*project["dependencies"], *extras["dev"], *extras["postgresql"]]),
    ):
        text = (ROOT / file).read_text()
        locked = {match[1].lower(): match[0] for match in re.finditer(r"^([A-Za-z0-9_.-]+)==.*$", text, re.MULTILINE)}
        names = [re.split(r"[\[~=<>!; ]", requirement, maxsplit=1)[0].lower() for requirement in wanted]
        found += [f"{file}: {name} is not locked; run `make lock`" for name in names if name not in locked]
        if "--hash=sha256:" not in text:
            found.append(f"{file}: no hashes; run `make lock`")
    return found


if __name__ == "__main__":
    told = problems()
    print("\n".join(told) or "The lock files hold what pyproject.toml asks for.")
    sys.exit(bool(told))
