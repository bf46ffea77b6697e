"""The documents say what the code says: settings, commands, links, dependencies, rules."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cli.main import main

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
RULES = ROOT / "docs" / "rules.md"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
CONTEXT = click.Context(main)
MARKS = {"done", "partly", "not yet"}


def read_by_settings() -> set[str]:
    source = (ROOT / "core" / "settings.py").read_text("utf-8")
    return set(re.findall(r"env\.\w+\(\s*\"([A-Z][A-Z_]+)\"", source))


def in_settings_table() -> set[str]:
    """The first cells of the README's table of settings; a cell may name several."""
    text = README.read_text("utf-8")
    table = text.split("| Setting |", 1)[1].split("\n\n", 1)[0]
    first_cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    return {name for cell in first_cells for name in re.findall(r"`([A-Z_]+)`", cell)}


def commands() -> set[str]:
    """Every command that does something, as a person types it behind `connector`."""

    def below(group: click.Group, path: str) -> Iterator[str]:
        for name in group.list_commands(CONTEXT):
            command = group.get_command(CONTEXT, name)
            assert command is not None
            assert command.name == name
            here = f"{path} {name}".strip()
            if isinstance(command, click.Group):
                yield from below(command, here)
            else:
                yield here

    return set(below(main, ""))


def named_commands(text: str) -> set[str]:
    """What stands behind `connector` in code of a text, up to the first word that is no command."""
    found = set()
    for words in re.findall(r"`connector ([a-z][^`\n]*)`", text):
        group: click.Command = main
        path: list[str] = []
        for word in words.split():
            if not isinstance(group, click.Group):
                break
            path.append(word)
            group = group.get_command(CONTEXT, word) or group
            if path[-1] != group.name:
                break
        found.add(" ".join(path))
    return found


def rules() -> list[tuple[str, str, str]]:
    """Number, mark and text of each rule."""
    listed = re.split(r"^- \*\*", RULES.read_text("utf-8"), flags=re.MULTILINE)[1:]
    found = []
    for entry in listed:
        head = re.match(r"([A-H]\d*) · ([a-z ]+)\*\* ", entry)
        if head:  # the legend's entries have no number
            found.append((head[1], head[2], entry[head.end() :].split("\n\n")[0]))
    return found


def dependencies() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(one for extra in project["optional-dependencies"].values() for one in extra),
    ]
    return {re.split(r"[\[~=<>!; ,]", requirement, maxsplit=1)[0].lower() for requirement in wanted}


def test_the_table_of_settings_is_the_settings() -> None:
    """Every variable that is read is explained, and nothing else is."""
    assert read_by_settings()

    assert in_settings_table() == read_by_settings()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_command_that_a_document_names_exists(document: Path) -> None:
    """A group alone may be named as well."""
    groups = {command.rsplit(" ", 1)[0] for command in commands() if " " in command}

    assert named_commands(document.read_text("utf-8")) <= commands() | groups


def test_every_command_is_documented_in_the_readme() -> None:
    """Whoever reads it knows all of them."""
    assert commands() <= named_commands(README.read_text("utf-8"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_relative_links_point_at_files(document: Path) -> None:
    """Nothing was moved away from under a document."""
    targets = re.findall(r"\]\(([^)\s]+)\)", document.read_text("utf-8"))
    relative = [target.split("#")[0] for target in targets if not re.match(r"[a-z]+:|#", target)]

    assert [target for target in relative if not (document.parent / target).exists()] == []


def test_every_direct_dependency_has_its_reason() -> None:
    """And what is gone from the project is gone from the list."""
    text = (ROOT / "docs" / "decisions" / "0007-dependencies.md").read_text("utf-8")

    assert set(re.findall(r"^\| `([a-z0-9-]+)` \|", text, re.MULTILINE)) == dependencies()


def test_each_rule_stands_once_and_has_a_mark() -> None:
    """Nobody has to guess which of two is meant, or how far it is."""
    numbers = [number for number, _, _ in rules()]

    assert len(numbers) == len(set(numbers)) > 80
    assert {mark for _, mark, _ in rules()} <= MARKS
    bullets = re.findall(r"^- \*\*[A-H]\d* ", RULES.read_text("utf-8"), re.MULTILINE)
    assert len(bullets) == len(numbers)


def test_what_is_done_names_its_module_and_its_test() -> None:
    """A claim that nobody can look up is none."""
    done = {number: text for number, mark, text in rules() if mark == "done"}

    assert [number for number, text in done.items() if not re.search(r"\(`[a-z]+/\w+\.py`.*; `\w+/test_", text)] == []


def test_the_files_that_rules_name_exist() -> None:
    """Modules from the root, tests below `tests/`."""
    named = set(re.findall(r"`((?:\w+/)+\w+\.py)`", RULES.read_text("utf-8")))

    assert named
    assert [name for name in sorted(named) if not ((ROOT / name).exists() or (ROOT / "tests" / name).exists())] == []


def test_every_rule_that_works_is_named_by_a_test() -> None:
    """In the docstring of the test itself; every single rule of the settings, of both ways, and of cancelling."""
    works = {number for number, mark, _ in rules() if mark != "not yet"}
    required = {number for number in works if number[0] in "BCDEF" and number[1:]}

    assert len(required) > 75
    assert sorted(required - rules_named_by_tests()) == []


def rules_named_by_tests() -> set[str]:
    found: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found |= set(re.findall(r"\b[A-H]\d+\b", ast.get_docstring(node) or ""))
    return found
