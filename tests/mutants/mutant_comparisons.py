"""Each comparison of a file turned into its opposite, one at a time."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

OPPOSITE: dict[type[ast.cmpop], str] = {
    ast.Lt: ">=", ast.GtE: "<", ast.Gt: "<=", ast.LtE: ">", ast.Eq: "!=", ast.NotEq: "==",
}  # fmt: skip


@dataclass(frozen=True)
class Flip:
    """One comparison turned round.

    Attributes:
        name: line, and what it says then.
        source: the whole file with it.
    """

    name: str
    source: str


def flips(source: str) -> Iterator[Flip]:
    """Every comparison of two values in the file, negated."""
    lines = source.split("\n")
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Compare) or len(node.ops) != 1:
            continue
        left, right = ast.unparse(node.left), ast.unparse(node.comparators[0])
        said = f"({left} {OPPOSITE[type(node.ops[0])]} {right})"
        yield Flip(f"line {node.lineno}: {said}", "\n".join(_with(lines, node, said)))


def _with(lines: list[str], node: ast.Compare, said: str) -> list[str]:
    """The lines with the node's place, one line or several, holding `said`."""
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    before = lines[first].encode()[: node.col_offset].decode()
    after = lines[last].encode()[node.end_col_offset :].decode()
    return [*lines[:first], before + said + after, *lines[last + 1 :]]
