"""The lint of the portable subset (CONTRIBUTING.md, section 2): what runs as Python, numba and C.

`check(path)` walks one decision file, follows the type of every expression and returns a line
`file:line: why` for each function or declaration that is not in the subset. It is cautious
where it cannot prove: a divisor must be a positive constant or parameter, or stand in an
earlier comparison; an index may not be bare arithmetic.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from portable_names import SCALARS, Names, RefusedError, declared, is_text, number

NOT_PORTABLE = (
    "canonical_json", "healing_policy", "parameters", "policy_file", "policy_values",
    "step_parameters", "tunable",
)
UNBOUNDED = ("era",)  # at a million transitions a second it wraps after 292,000 years
SLOTS = ("slots", "older_slots")  # a build argument, at least 2
OPERATORS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%",
}


def decision_files(folder: Path) -> list[Path]:
    """The files of a policy folder that must be portable."""
    skipped = (*NOT_PORTABLE, "__init__")
    return sorted(path for path in folder.glob("*.py") if path.stem not in skipped)


def check(path: Path) -> list[str]:
    """Everything in the file that is not portable; empty for a good one."""
    refused: list[RefusedError] = []
    names = declared(ast.parse(path.read_text()), path.parent, refused)
    for node in names.nodes:
        try:
            Walk(names, node).check()
        except RefusedError as why:
            refused.append(why)
    return [f"{path.name}:{getattr(each.node, 'lineno', 0)}: {each}" for each in refused]


class Walk:
    """One function; `types` holds the local names bound so far."""

    def __init__(self, names: Names, node: ast.FunctionDef) -> None:
        self.names = names
        self.node = node
        self.function = names.functions[node.name]
        self.types = dict(self.function.arguments)
        self.bounds: dict[str, ast.expr] = {}  # loop variable: what it stays below
        self.compared: set[str] = set()  # texts seen in comparisons so far

    def check(self) -> None:
        for name, kind in self.function.arguments:
            if kind not in SCALARS and kind.removeprefix("list[").rstrip("]") not in (
                self.names.records
            ):
                raise RefusedError(self.node, f"argument {name}: {kind} is no scalar or record")
        self.block(self.node.body)
        if self.function.result != "None" and not returns(self.node.body):
            raise RefusedError(self.node, f"{self.node.name} may end without a result")

    def block(self, body: list[ast.stmt]) -> None:
        for statement in body:
            self.statement(statement)

    def branch(self, body: list[ast.stmt]) -> None:
        before = set(self.types)
        self.block(body)
        for name in set(self.types) - before:
            del self.types[name]  # first bound in a branch: unknown after it

    def statement(self, s: ast.stmt) -> None:
        if is_text(s) or isinstance(s, ast.Break | ast.Continue):
            return
        if isinstance(s, ast.Return):
            kind = "None" if s.value is None else self.kind(s.value)
            if kind != self.function.result:
                raise RefusedError(s, f"returns {kind}, declared {self.function.result}")
        elif isinstance(s, ast.Assign) and len(s.targets) == 1:
            self.assign(s, s.targets[0], self.kind(s.value))
        elif isinstance(s, ast.AugAssign):
            self.count(s)
            self.assign(s, s.target, self.arithmetic(s, s.op, s.target, s.value))
        elif isinstance(s, ast.If | ast.While):
            self.condition(s.test)
            self.branch(s.body)
            self.branch(s.orelse)
        elif isinstance(s, ast.For):
            self.loop(s)
        elif isinstance(s, ast.Expr) and isinstance(s.value, ast.Call):
            self.kind(s.value)
        else:
            raise RefusedError(s, f"statement {type(s).__name__}: {ast.unparse(s)[:40]}")

    def assign(self, s: ast.stmt, target: ast.expr, kind: str) -> None:
        if isinstance(target, ast.Name):
            if target.id in self.names.constants:
                raise RefusedError(s, f"assigns the module's {target.id}")
            known = self.types.setdefault(target.id, kind)
        else:
            owner = target.value if isinstance(target, ast.Attribute | ast.Subscript) else target
            while isinstance(owner, ast.Attribute | ast.Subscript):
                owner = owner.value
            if self.types.get(ast.unparse(owner), "").endswith("Parameters"):
                raise RefusedError(s, f"{ast.unparse(target)}: parameters are read only")
            known = self.kind(target)
        if known != kind:
            raise RefusedError(s, f"{ast.unparse(target)} is {known}, assigned {kind}")

    def count(self, s: ast.AugAssign) -> None:
        target = ast.unparse(s.target)
        is_field = isinstance(s.target, ast.Attribute)
        if not is_field or self.kind(s.target) != "int" or target.split(".")[-1] in UNBOUNDED:
            return
        if not any(target in ast.unparse(each) for each in comparisons(self.node)):
            raise RefusedError(s, f"{target} is an unbounded counter")

    def loop(self, s: ast.For) -> None:
        call = s.iter
        ranged = isinstance(call, ast.Call) and ast.unparse(call.func) == "range"
        if not ranged or len(call.args) != 1 or s.orelse:  # type: ignore[attr-defined]
            raise RefusedError(s, "for x in range(n) only")
        bound = call.args[0]  # type: ignore[attr-defined]
        if self.kind(bound) != "int" or not isinstance(s.target, ast.Name):
            raise RefusedError(s, "range takes one int")
        new = s.target.id not in self.types
        self.types[s.target.id] = "int"
        self.bounds[s.target.id] = bound
        self.branch(s.body)
        if new:
            del self.types[s.target.id]

    def condition(self, e: ast.expr) -> None:
        kind = self.kind(e)
        if kind != "bool":
            raise RefusedError(e, f"condition {ast.unparse(e)} is {kind}: compare it")

    def kind(self, e: ast.expr) -> str:
        """The type of an expression."""
        walk = getattr(self, "on_" + type(e).__name__, None)
        if walk is None:
            raise RefusedError(e, f"expression {type(e).__name__}: {ast.unparse(e)[:40]}")
        return str(walk(e))

    def on_Constant(self, e: ast.Constant) -> str:  # noqa: N802
        if type(e.value).__name__ not in SCALARS:
            raise RefusedError(e, f"constant {e.value!r}")
        return type(e.value).__name__

    def on_Name(self, e: ast.Name) -> str:  # noqa: N802
        if e.id in self.types:
            return self.types[e.id]
        if e.id in self.names.constants:
            return type(self.names.constants[e.id]).__name__
        raise RefusedError(e, f"{e.id} is unknown here, or first bound in a branch")

    def on_Attribute(self, e: ast.Attribute) -> str:  # noqa: N802
        owner = self.kind(e.value)
        record = self.names.records.get(owner)
        if record is None or e.attr not in record.fields:
            raise RefusedError(e, f"{owner} has no field {e.attr}")
        return record.fields[e.attr]

    def on_Subscript(self, e: ast.Subscript) -> str:  # noqa: N802
        owner = self.kind(e.value)
        if self.kind(e.slice) != "int" or not (owner == "Floats" or owner.startswith("list[")):
            raise RefusedError(e, "index an array field with an int")
        self.index(e)
        return "float" if owner == "Floats" else owner[5:-1]

    def index(self, e: ast.Subscript) -> None:
        length = self.length(e.value)
        constant = self.value(e.slice)
        bound = self.bounds.get(ast.unparse(e.slice))
        below = None if bound is None else self.value(bound)
        if isinstance(e.slice, ast.BinOp) and not isinstance(e.slice.op, ast.Mod):
            raise RefusedError(e, f"index {ast.unparse(e.slice)} is not proved in range: use %")
        if constant is not None and (constant < 0 or (length or constant + 1) <= constant):
            raise RefusedError(e, f"index {constant} is out of range")
        if below is not None and length is not None and below > length:
            raise RefusedError(e, f"index {ast.unparse(e.slice)} is not proved in range")

    def length(self, array: ast.expr) -> float | None:
        if not isinstance(array, ast.Attribute):
            return None
        record = self.names.records.get(self.kind(array.value))
        return None if record is None else self.value(record.lengths.get(array.attr))

    def value(self, e: ast.expr | None) -> float | None:
        if isinstance(e, ast.Name):
            return self.names.constants.get(e.id)
        return number(e)

    def on_UnaryOp(self, e: ast.UnaryOp) -> str:  # noqa: N802
        kind = self.kind(e.operand)
        if isinstance(e.op, ast.Not) and kind == "bool":
            return "bool"
        if isinstance(e.op, ast.USub) and kind in ("float", "int"):
            return kind
        raise RefusedError(e, f"operator on {kind}")

    def on_BoolOp(self, e: ast.BoolOp) -> str:  # noqa: N802
        for each in e.values:
            self.condition(each)
        return "bool"

    def on_IfExp(self, e: ast.IfExp) -> str:  # noqa: N802
        self.condition(e.test)
        one, other = self.kind(e.body), self.kind(e.orelse)
        if one != other:
            raise RefusedError(e, f"{one} or {other}")
        return one

    def on_Compare(self, e: ast.Compare) -> str:  # noqa: N802
        if len(e.ops) > 1:
            raise RefusedError(e, "chained comparison: write `and`")
        if not isinstance(e.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE | ast.Eq | ast.NotEq):
            raise RefusedError(e, f"comparison {type(e.ops[0]).__name__}")
        one, other = self.kind(e.left), self.kind(e.comparators[0])
        if one != other or one not in SCALARS:
            raise RefusedError(e, f"compares {one} with {other}")
        self.compared |= {ast.unparse(x) for x in ast.walk(e) if isinstance(x, ast.expr)}
        return "bool"

    def on_BinOp(self, e: ast.BinOp) -> str:  # noqa: N802
        return self.arithmetic(e, e.op, e.left, e.right)

    def arithmetic(
        self, at: ast.AST, op: ast.operator, left: ast.expr, right: ast.expr
    ) -> str:
        sign = OPERATORS.get(type(op))
        one, other = self.kind(left), self.kind(right)
        if sign is None:
            raise RefusedError(at, f"operator {type(op).__name__}")
        if one not in ("float", "int") or one != other:
            raise RefusedError(at, f"{one} {sign} {other}: write float(...) or int(...)")
        if sign == "/" and one != "float":
            raise RefusedError(at, "`/` on ints: write float(...)")
        if sign in ("//", "%") and one != "int":
            raise RefusedError(at, f"`{sign}` on floats: C means something else")
        if sign in ("/", "//", "%"):
            self.divisor(at, right)
        return one

    def divisor(self, at: ast.AST, e: ast.expr) -> None:
        known = self.value(e)
        if known is not None and known > 0:
            return
        if isinstance(e, ast.Attribute):
            record = self.names.records.get(self.kind(e.value))
            if record is not None and e.attr in record.positive:
                return
        parts = {ast.unparse(x) for x in ast.walk(e) if isinstance(x, ast.Name | ast.Attribute)}
        bounds = {ast.unparse(each) for each in self.bounds.values()}
        if not parts & (self.compared | bounds | set(SLOTS)):
            raise RefusedError(at, f"unguarded division by {ast.unparse(e)}")

    def on_Call(self, e: ast.Call) -> str:  # noqa: N802
        name = ast.unparse(e.func)
        kinds = [self.kind(each) for each in e.args]
        if e.keywords:
            raise RefusedError(e, f"{name}: no keywords in a call")
        if name in self.names.functions:
            wanted = [kind for _, kind in self.names.functions[name].arguments]
            if wanted != kinds:
                raise RefusedError(e, f"{name} takes {wanted}, got {kinds}")
            return self.names.functions[name].result
        numeric = all(kind in ("float", "int") for kind in kinds)
        if name in ("min", "max") and len(kinds) == 2 and kinds[0] == kinds[1] and numeric:
            return kinds[0]
        if name == "abs" and len(kinds) == 1 and numeric:
            return kinds[0]
        for cast, takes in (("float", "int"), ("int", "float")):
            if name == cast and kinds == [takes]:
                return cast
        if name == "math.sqrt" and kinds == ["float"]:
            return "float"
        raise RefusedError(e, f"call of {name}({', '.join(kinds)})")


def comparisons(node: ast.AST) -> Iterator[ast.expr]:
    """Where a counter may be bounded: comparisons and min."""
    for each in ast.walk(node):
        least = isinstance(each, ast.Call) and ast.unparse(each.func) == "min"
        if least or isinstance(each, ast.Compare):
            yield each  # type: ignore[misc]


def returns(body: list[ast.stmt]) -> bool:
    """Whether every way through ends in a return."""
    last = body[-1]
    if isinstance(last, ast.If):
        return bool(last.orelse) and returns(last.body) and returns(last.orelse)
    return isinstance(last, ast.Return)
