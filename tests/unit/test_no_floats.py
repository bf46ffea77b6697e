"""Money never passes through a binary float: nothing in the code that handles it makes one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PURE = sorted(path for folder in ("core", "mappers") for path in (ROOT / folder).rglob("*.py"))
ALL = sorted(path for folder in ("core", "mappers", "clients", "pipeline") for path in (ROOT / folder).rglob("*.py"))
MONEY = ("amount", "price", "total", "tax", "net", "discount", "money", "due", "quantity", "rate")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def floats_of(tree: ast.AST) -> list[str]:
    """Return what makes a float of something whose name says money, or reads JSON in a way that does."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            arguments = " ".join(map(ast.unparse, [*node.args, *(each.value for each in node.keywords)])).lower()
            if called == "float" and any(word in arguments for word in MONEY):
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
            if called == "Decimal" and any(
                isinstance(each, ast.Constant | ast.UnaryOp)
                and "." in ast.unparse(each)
                and "'" not in ast.unparse(each)
                for each in node.args
            ):
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
            if called == "json.loads" and not any(each.arg == "parse_float" for each in node.keywords):
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
            if called.endswith("fields.Float"):
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
    return found


@pytest.mark.parametrize("path", ALL, ids=named)
def test_no_float_is_made_of_money(path: Path) -> None:
    assert floats_of(ast.parse(path.read_text("utf-8"))) == []


@pytest.mark.parametrize("path", PURE, ids=named)
def test_the_vocabulary_and_the_mappers_hold_no_float_at_all(path: Path) -> None:
    """Times-out and intervals excepted, whose names end in _S, _s or say seconds."""
    tree = ast.parse(path.read_text("utf-8"))
    lines = path.read_text("utf-8").splitlines()
    numbers = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, float)]

    found = [lines[node.lineno - 1].strip() for node in numbers if not _is_time(lines[node.lineno - 1])]

    assert found == []


def _is_time(text: str) -> bool:
    return any(word in text.lower() for word in ("_s ", "_s=", "_s:", "seconds", "timeout", "interval"))


@pytest.mark.parametrize(
    "code",
    [
        "float(total)",
        "Decimal(0.1)",
        "Decimal(-0.5)",
        "json.loads(text)",
        "fields.Float(data_key='x')",
        "float(x.price)",
    ],
)
def test_the_search_finds_what_it_looks_for(code: str) -> None:
    assert floats_of(ast.parse(code)) != []


@pytest.mark.parametrize(
    "code", ["Decimal('0.1')", "Decimal(1)", "json.loads(t, parse_float=Decimal)", "float(wait_s)"]
)
def test_the_search_lets_pass_what_is_exact(code: str) -> None:
    assert floats_of(ast.parse(code)) == []
