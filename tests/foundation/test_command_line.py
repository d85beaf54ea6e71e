"""`hms`: light until a command needs more, one line for what goes wrong, documented exit codes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

import hms
from hms.errors import GateRefused, InputError
from hms.experiments.cli import main as cli

HEAVY = ("ray", "mlflow", "numba", "pandas", "numpy", "sqlalchemy", "networkx")
LAB = cli.EXTRAS["lab"]


def hms_process(*arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """A fresh interpreter that runs hms after some lines of Python."""
    code = f"import sys\n{before}\nfrom hms.experiments.cli.main import main\nmain(sys.argv[1:])"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120
    )


def without(packages: tuple[str, ...]) -> str:
    """Lines that make packages look as if they were not installed."""
    return f"for name in {packages!r}: sys.modules[name] = None"


def imported_by(arguments: list[str]) -> set[str]:
    code = (
        "import sys\nfrom hms.experiments.cli.main import run\n"
        f"code = run({arguments!r})\n"
        "print('\\n' + ' '.join({name.partition('.')[0] for name in sys.modules}))\n"
        "sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    return set(done.stdout.strip().split("\n")[-1].split())


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["run", "--help"], ["explain", "breaker.open_s"]]
)
def test_help_and_light_commands_import_nothing_heavy(arguments: list[str]) -> None:
    imported = imported_by(arguments)
    assert "click" in imported
    assert imported.isdisjoint(HEAVY), imported & set(HEAVY)


def test_help_lists_every_command() -> None:
    done = hms_process("--help")
    assert done.returncode == 0
    for name, entry in cli.COMMANDS.items():
        assert f"  {name} " in done.stdout
        assert entry.help in done.stdout


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_each_command_of_the_table_is_there_and_explains_itself(name: str) -> None:
    command = cli.commands.get_command(click.Context(cli.commands), name)
    assert command is not None
    assert command.help
    assert "\\b" not in command.help  # click's mark must reach it as the character
    assert command.name == name


def test_the_version_is_the_packages() -> None:
    assert hms_process("--version").stdout == f"hms {hms.__version__}\n"


def test_python_m_hms_is_hms(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hms", "--version"],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
    )
    assert done.stdout == f"hms {hms.__version__}\n"


def test_an_unknown_command_names_the_nearest_and_exits_2() -> None:
    done = hms_process("simulat")
    assert done.returncode == 2
    assert "no command `simulat`" in done.stderr
    assert "nearest: `simulate`" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_option_exits_2() -> None:
    assert hms_process("explain", "--colour").returncode == 2


def test_without_the_lab_extra_a_command_that_needs_it_exits_3_and_names_it() -> None:
    done = hms_process("run", "online-boutique", before=without(LAB))
    assert done.returncode == 3
    assert 'pip install "hms-healing[lab]"' in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [("doctor",), ("explain", "breaker.open_s"), ("policy", "--help"), ("run", "--help")],
)
def test_without_the_lab_extra_the_light_commands_work(arguments: tuple[str, ...]) -> None:
    done = hms_process(*arguments, before=without(LAB))
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """Put an exception in: `hms explain` raises it."""
    raised: list[BaseException] = []

    def fail() -> None:
        raise raised[0]

    command = click.Command("explain", callback=fail)
    monkeypatch.setattr(cli.Commands, "get_command", lambda self, context, name: command)
    monkeypatch.delenv("HMS_TRACEBACK", raising=False)
    return raised


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (InputError("is a folder", "x.yaml"), 2, "x.yaml: is a folder\n"),
        (GateRefused("no better than ladder"), 1, "no better than ladder\n"),
        (KeyboardInterrupt(), 130, "stopped\n"),
        (click.Abort(), 130, "stopped\n"),
        (SystemExit(7), None, ""),
    ],
)
def test_what_a_command_raises_becomes_its_exit_code(
    failing: list[BaseException],
    capsys: pytest.CaptureFixture[str],
    raised: BaseException,
    code: int | None,
    said: str,
) -> None:
    failing.append(raised)
    if code is None:
        with pytest.raises(SystemExit, match="7"):
            cli.run(["explain"])
    else:
        assert cli.run(["explain"]) == code
    assert capsys.readouterr().err == said


def test_what_nobody_expected_is_our_bug_in_one_line(
    failing: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    failing.append(ValueError("first\nsecond"))
    assert cli.run(["explain"]) == 70
    said = capsys.readouterr().err
    assert said.startswith(f"this is a bug of hms {hms.__version__}: ValueError: first\n")
    assert "HMS_TRACEBACK=1" in said
    assert "Traceback" not in said


def test_hms_traceback_shows_where(
    failing: list[BaseException],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HMS_TRACEBACK", "1")
    failing.append(ValueError("first"))
    assert cli.run(["explain"]) == 70
    assert "in fail" in capsys.readouterr().err


WAITING = """
import time, click
from hms.experiments.cli import main as cli
def wait():
    print("waiting", flush=True)
    time.sleep(60)
cli.Commands.get_command = lambda self, context, name: click.Command("run", callback=wait)
"""


def hear_ctrl_c() -> None:
    """As in a terminal; what runs in the background is started deaf to it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_command_with_its_code(number: int, code: int) -> None:
    program = f"import sys\n{WAITING}\ncli.main(['run'])"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_ctrl_c,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    assert process.returncode == code
    assert said == "stopped\n"


def test_a_reader_that_goes_away_is_no_error() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "hms", "explain", "--markdown"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        said = process.stderr.read()
    assert process.returncode == 141
    assert said == b""


def test_doctor_says_what_is_there_as_json(tmp_path: Path) -> None:
    done = hms_process("doctor", "--json", before=f"import os; os.chdir({str(tmp_path)!r})")
    found = json.loads(done.stdout)
    assert found["hms"] == hms.__version__
    assert found["python_supported"] is True
    assert found["packages"]["base"]["click"]
    assert found["packages"]["lab"]["ray"]
    assert found["runs"]["writable"] is True
    assert found["usage_reports"]["Ray"]["RAY_USAGE_STATS_ENABLED"] == "0"
    assert found["usage_reports"]["MLflow"]["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert os.listdir(tmp_path) == []


def test_doctor_without_ray_starts_nothing_and_imports_nothing_heavy() -> None:
    assert imported_by(["doctor"]).isdisjoint(HEAVY)


@pytest.mark.slow
def test_doctor_with_ray_lists_its_ports_all_on_loopback() -> None:
    done = hms_process("doctor", "--ray", "--json")
    assert done.returncode == 0, done.stderr
    ray = json.loads(done.stdout)["ray"]
    assert len(ray["ports"]) >= 3
    assert ray["loopback_only"] is True
    assert all(port["address"] == "127.0.0.1" for port in ray["ports"])
