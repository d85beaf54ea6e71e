"""`hms prove` from end to end on a tiny system: what it says, writes, logs and answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hms.experiments.cli.main import run

TINY = Path(__file__).resolve().parents[1] / "experiments" / "tiny.yaml"
FEW = ["--topology", str(TINY), "--scenarios", "4", "--request", "2", "--safety-runs", "12"]
FEW += ["--oracle", "1"]
POLICY = """\
schema: hms.policy/1
about: {name: mine}
recovery:
  unresponsive: [{act: restart, patience_s: 10.0, cool_down_s: 30.0}]
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A policy file alone in a folder; runs and looks go below it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HMS_RUNS", raising=False)
    (tmp_path / "mine.yaml").write_text(POLICY)
    return tmp_path


@pytest.mark.slow
def test_four_failures_prove_nothing_and_the_first_line_says_so(folder, capsys):
    assert run(["prove", "mine.yaml", *FEW, "--workers", "1"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("FAIL  mine (")
    assert "fails scenarios" in out.splitlines()[0]
    assert "4 held-out failures of corner-shop" in out.splitlines()[1]
    assert len(out.splitlines()) < 45 and "wrote mine.evidence-1.json" in out
    data = json.loads((folder / "mine.evidence-1.json").read_text())
    assert data["schema"] == "hms.evidence/1" and data["passed"] is False
    assert [part["name"] for part in data["gate"]["parts"]] == [
        "scenarios", "downtime", "certainty", "worst tenth", "disruption", "families", "safety",
    ]  # fmt: skip
    assert data["safety"]["runs"] == 4 + 1 + 4 + 4  # held out, apart, two widths
    assert set(data["held_out"]["baselines"]) >= {"ladder", "platform", "envoy"}
    assert [row["width"] for row in data["widths"]] == [1.0, 0.5, 0.0]
    assert data["request"]["scenarios"] == 2
    assert data["oracle"]["scenarios"] == 1
    assert data["oracle"]["oracle_s"] >= 0.0
    assert len(data["incidents"]["held_out"]) == 4
    first = json.loads((folder / "mine.looks.jsonl").read_text())
    assert first["number"] == 1 and first["policy_sha256"] == data["policy"]["sha256"]

    (folder / "copied").mkdir()
    changed = POLICY.replace("mine", "other").replace("cool_down_s: 30.0", "cool_down_s: 31.0")
    (folder / "copied" / "other.yaml").write_text(changed)
    assert run(["prove", "copied/other.yaml", *FEW, "--workers", "1", "--json"]) == 1
    again = json.loads(capsys.readouterr().out)
    assert again["policy"]["sha256"] != data["policy"]["sha256"]
    assert again["look"]["number"] == 2 and again["look"]["before"] == 1
    assert again["look"]["alpha"] == pytest.approx(0.005)
    assert again["seeds"]["held_out"] != data["seeds"]["held_out"]

    repeat = [*FEW, "--look", "1", "--json"]
    assert run(["prove", "mine.yaml", *repeat, "--workers", "1"]) == 1
    same = json.loads(capsys.readouterr().out)
    for each in (same, data):
        each.pop("seconds")
        each.pop("command")
    assert same == data
    assert len((folder / "runs" / "looks.jsonl").read_text().splitlines()) == 2


def test_wrong_input_is_told_and_takes_no_look(folder, capsys):
    for arguments, said in (
        (["mine.yaml", "--topology", "online-butik"], "online-boutique"),
        (["mein.yaml"], "mein.yaml"),
        (["mine.yaml", "--overlay", "x.yaml"], "--topology"),
    ):
        assert run(["prove", *arguments]) == 2
        assert said in capsys.readouterr().err
    assert not list(folder.rglob("looks.jsonl"))
