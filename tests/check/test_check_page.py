"""The page on `hms check`: its example runs, prints what the page shows, and names every rule."""

import re
from pathlib import Path

import pytest

from hms.experiments.check.rules import RULES
from hms.scenarios.file_keys import EXPECT_KEYS, OPENS_AFTER, OPENS_AFTER_KEYS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "check.md").read_text(encoding="utf-8")


def blocks(mark: str) -> list[str]:
    return re.findall(rf"^```{mark}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_example_prints_what_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = blocks("python run")
    exec(compile(example, "check.md", "exec"), {"__name__": "__docs__"})  # noqa: S102
    printed = capsys.readouterr().out
    shown = blocks("text")
    assert len(shown) == 2
    for text in shown:
        assert text in printed


def test_the_page_names_every_rule_and_every_expectation() -> None:
    for name in (*RULES, *EXPECT_KEYS, OPENS_AFTER, *OPENS_AFTER_KEYS):
        assert name in PAGE
