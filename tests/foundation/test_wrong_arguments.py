"""A command told of what is not there says so, exits 2, shows no traceback, writes nothing."""

import os
from pathlib import Path

import pytest

from hms.experiments.cli import main as cli


@pytest.mark.parametrize(
    "arguments",
    [
        "run nosuch.yaml",
        "run nosuch",
        "simulate nosuch.yaml",
        "simulate online-boutique --policy nosuch",
        "compare nosuch.yaml --policies envoy",
        "compare online-boutique --policies nosuch",
        "import kubernetes nosuch -o scenario.yaml",
        "import compose nosuch.yaml -o scenario.yaml",
        "export nosuch.yaml --to envoy -o exported",
        "policy show nosuch.yaml",
        "policy diff nosuch.yaml envoy",
        "policy validate nosuch.yaml",
        "explain nosuch",
        "doctor nosuch",
    ],
)
def test_what_is_not_there_is_wrong_input(
    arguments: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments.split())
    said = capsys.readouterr().err
    assert ended.value.code == 2, said
    assert "nosuch" in said
    assert "expected" in said or "unexpected" in said
    assert "Traceback" not in said
    assert os.listdir(tmp_path) == []
