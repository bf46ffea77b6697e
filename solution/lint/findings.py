"""What the linter says, and what a rule is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from solution.lint.model import Package
from solution.lint.trees import Element, file_of, place_of

FINDINGS_MAX = 200  # of a rule: nobody reads more, and a package made to be slow has millions
# Where, and what is wrong there.
Complaints = Iterator[tuple[Element, str]]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong in a package; `path` is the place in the file, with the line where it is known."""

    rule: str
    file: str
    path: str
    message: str

    def __str__(self) -> str:
        where = ": ".join(part for part in (self.file, self.path) if part)
        return f"{where}: {self.message} [{self.rule}]" if where else f"{self.message} [{self.rule}]"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule by its name; `says` is what holds in a good package, `complaints` yields what does not in this one."""

    name: str
    says: str
    complaints: Callable[[Package], Complaints]

    def findings(self, package: Package) -> Iterator[Finding]:
        for count, (element, message) in enumerate(self.complaints(package)):
            if count == FINDINGS_MAX:
                yield Finding(self.name, file_of(element), "", f"There are more than {FINDINGS_MAX} such findings.")
                return
            yield Finding(self.name, file_of(element), place_of(element), message)
