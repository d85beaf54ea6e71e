"""What a module of the portable subset declares: constants, records, functions, imports."""

import ast
from dataclasses import dataclass, field
from pathlib import Path

PACKAGE = "hms.agents.policy."
SCALARS = ("float", "int", "bool")
PLAIN_MODULES = ("dataclasses", "math")


class RefusedError(Exception):
    """Not in the subset; `node` says where."""

    def __init__(self, node: ast.AST, why: str) -> None:
        super().__init__(why)
        self.node = node


@dataclass
class Record:
    """A state (starts at zero) or parameter (read only) dataclass."""

    fields: dict[str, str] = field(default_factory=dict)
    lengths: dict[str, ast.expr] = field(default_factory=dict)
    positive: set[str] = field(default_factory=set)  # parameters whose least value is above 0


@dataclass
class Function:
    arguments: list[tuple[str, str]]
    result: str


@dataclass
class Names:
    """All that functions of one module may name."""

    constants: dict[str, float | int] = field(default_factory=dict)
    words: set[str] = field(default_factory=set)  # tuples of text, for people only
    records: dict[str, Record] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    nodes: list[ast.FunctionDef] = field(default_factory=list)


def type_text(annotation: ast.expr | None, node: ast.AST) -> str:
    """`float`, a record's name, or `list[Record]`."""
    if isinstance(annotation, ast.Name):
        return annotation.id
    if isinstance(annotation, ast.Constant) and annotation.value is None:
        return "None"
    if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "list":
        return ast.unparse(annotation)
    raise RefusedError(node, "annotate with float, int, bool, a record or a list of records")


def number(node: ast.expr | None) -> float | int | None:
    """The value of a numeric literal, negative ones too."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = number(node.operand)
        return None if inner is None else -inner
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value  # type: ignore[return-value]
    return None


def is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def declared(tree: ast.Module, folder: Path, refused: list[RefusedError]) -> Names:
    """Read a module's own names, and those it imports from its neighbours."""
    names = Names()
    for node in tree.body:
        try:
            _declare(names, node, folder)
        except RefusedError as why:
            refused.append(why)
    return names


def _declare(names: Names, node: ast.stmt, folder: Path) -> None:
    if isinstance(node, ast.FunctionDef):
        names.functions[node.name] = signature(node)
        names.nodes.append(node)
    elif isinstance(node, ast.ClassDef):
        names.records[node.name] = record(node, names)
    elif isinstance(node, ast.ImportFrom | ast.Import):
        _import(names, node, folder)
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        _constant(names, node, node.targets[0].id)
    elif not is_text(node):
        raise RefusedError(node, f"{type(node).__name__} at module level")


def _constant(names: Names, node: ast.Assign, name: str) -> None:
    value = number(node.value)
    if name.endswith("_NAMES") and isinstance(node.value, ast.Tuple):
        names.words.add(name)
    elif value is None or not name.isupper():
        raise RefusedError(node, f"module variable {name}: only NAME = a number")
    else:
        names.constants[name] = value


def _import(names: Names, node: ast.Import | ast.ImportFrom, folder: Path) -> None:
    module = node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name
    if module in PLAIN_MODULES:
        return
    path = folder / f"{module.removeprefix(PACKAGE)}.py"
    if not module.startswith(PACKAGE) or not path.is_file():
        raise RefusedError(node, f"import of {module}: only dataclasses, math and decisions")
    tree = ast.parse(path.read_text())
    there = parameters(tree) if path.stem == "parameters" else declared(tree, folder, [])
    for alias in node.names:
        if alias.name in there.constants:
            names.constants[alias.name] = there.constants[alias.name]
        elif alias.name in there.records:
            names.records[alias.name] = there.records[alias.name]
            for kind in there.records[alias.name].fields.values():
                if kind in there.records:  # a nested record comes along
                    names.records.setdefault(kind, there.records[kind])
        elif alias.name in there.functions:
            names.functions[alias.name] = there.functions[alias.name]
        elif alias.name not in ("Floats", "floats", "tunable"):
            raise RefusedError(node, f"import of {alias.name}, which is no decision")


def parameters(tree: ast.Module) -> Names:
    """The parameter records; the rest of that file is not in the subset."""
    names = Names()
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name.endswith("Parameters"):
            names.records[node.name] = record(node, names)
    return names


def signature(node: ast.FunctionDef) -> Function:
    a = node.args
    if a.defaults or a.vararg or a.kwarg or a.kwonlyargs or a.posonlyargs or node.decorator_list:
        raise RefusedError(node, f"{node.name}: no defaults, *arguments, keywords or decorators")
    arguments = [(each.arg, type_text(each.annotation, node)) for each in a.args]
    return Function(arguments, type_text(node.returns, node))


def record(node: ast.ClassDef, names: Names) -> Record:
    """The fields of a dataclass; a state must start at the zero of each type."""
    if not any("dataclass" in ast.unparse(each) for each in node.decorator_list):
        raise RefusedError(node, f"class {node.name} is no dataclass")
    found = Record()
    for each in node.body:
        if is_text(each):
            continue
        if not isinstance(each, ast.AnnAssign) or not isinstance(each.target, ast.Name):
            raise RefusedError(each, f"{node.name}: only typed fields")
        name, kind = each.target.id, type_text(each.annotation, each)
        found.fields[name] = kind
        call = each.value if isinstance(each.value, ast.Call) else None
        if kind == "Floats" and call is not None:
            found.lengths[name] = call.args[0]
        if node.name.endswith("Parameters"):
            if call is not None and _least(call) > 0.0:
                found.positive.add(name)
        elif not _starts_at_zero(each.value, kind, names):
            raise RefusedError(each, f"{node.name}.{name} must start at the zero of {kind}")
    return found


def _least(call: ast.Call) -> float:
    given = {k.arg: number(k.value) for k in call.keywords}
    low = number(call.args[2]) if len(call.args) > 2 else None
    off = given.get("off")
    least = given.get("least", low)
    return min(least or 0.0, 1.0 if off is None else off)


def _starts_at_zero(value: ast.expr | None, kind: str, names: Names) -> bool:
    if kind == "Floats":
        return isinstance(value, ast.Call) and ast.unparse(value.func) == "floats"
    if kind in names.records:
        return value is not None and ast.unparse(value) == f"field(default_factory={kind})"
    if isinstance(value, ast.Name):
        held = names.constants.get(value.id)
        return held == 0 and type(held).__name__ == kind
    return isinstance(value, ast.Constant) and repr(value.value) in {
        "float": ("0.0",), "int": ("0",), "bool": ("False",)
    }.get(kind, ())
