"""The code in the documentation is code: Python compiles or runs, commands exist.

A block that starts with ```python is compiled; with ```python run it is executed, in a fresh
namespace and an empty folder. In a ```console block, lines that start with `$ hms` or `$ make`
must name a command with these options, or a target.
"""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from source_tree import ROOT, named

from hms.experiments.cli import main as cli

DOCUMENTS = [
    path
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
    if path.name != "CHANGELOG.md"
]
FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    path: Path
    line: int
    language: str
    mark: str
    text: str

    def __str__(self) -> str:
        return f"{named(self.path)}:{self.line}"


def blocks(language: str) -> list[Block]:
    found = []
    for path in DOCUMENTS:
        text = path.read_text(encoding="utf-8")
        for match in FENCE.finditer(text):
            line = text.count("\n", 0, match.start()) + 2
            found.append(Block(path, line, match[1], match[2].strip(), match[3]))
    return [block for block in found if block.language == language]


def test_python_blocks_compile() -> None:
    for block in blocks("python"):
        compile(block.text, str(block), "exec")


def test_python_blocks_marked_run_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for block in blocks("python"):
        if block.mark == "run":
            exec(compile(block.text, str(block), "exec"), {"__name__": "__docs__"})  # noqa: S102


def commands_of(block: Block) -> list[str]:
    """The commands typed in a console block, without prompt, continuation joined."""
    text = block.text.replace("\\\n", " ")
    return [line[2:].strip() for line in text.splitlines() if line.startswith("$ ")]


def wrong_with(typed: str) -> str:
    """Why nobody could type this, "" if one can."""
    words = shlex.split(typed.partition("|")[0].partition(">")[0], comments=True)
    if words[:1] == ["make"]:
        unknown = {word for word in words[1:] if "=" not in word} - TARGETS
        return f"no target {unknown}" if unknown else ""
    if words[:1] != ["hms"] or words[1:2] in ([], ["--help"], ["--version"]):
        return ""
    if words[1] not in cli.COMMANDS:
        return f"no command {words[1]}"
    command = cli.commands.get_command(click.Context(cli.commands), words[1])
    rest = words[2:]
    if isinstance(command, click.Group) and rest:
        name = rest.pop(0)
        command = command.commands.get(name)
        if command is None:
            return f"no command {words[1]} {name}"
    known = {option for each in command.params for option in each.opts} if command else set()
    unknown = {word.partition("=")[0] for word in rest if word.startswith("-")} - known
    return f"no option {unknown}" if unknown - {"--help"} else ""


def test_console_blocks_name_commands_options_and_targets_that_exist() -> None:
    wrong = [
        f"{block}: {typed}: {wrong_with(typed)}"
        for block in blocks("console")
        for typed in commands_of(block)
        if wrong_with(typed)
    ]
    assert wrong == []


def test_the_readme_opens_with_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert -1 < text.find("make demo") < 1500
    assert -1 < text.find("make test") < 1500


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ("hms run x.yaml --budget small", ""),
        ("hms policy show latest | head", ""),
        ("hms rum x.yaml", "no command rum"),
        ("hms run x.yaml --budgets small", "no option {'--budgets'}"),
        ("hms policy shows latest", "no command policy shows"),
        ("make demos", "no target {'demos'}"),
        ("git clone x", ""),
    ],
)
def test_the_check_finds_commands_that_are_not_there(typed: str, wrong: str) -> None:
    assert wrong_with(typed) == wrong
