"""The model's description says what the code says, and a citation which version it is."""

from pathlib import Path

import yaml

import hms
from hms.experiments.model_page import PAGE, filled

ROOT = Path(__file__).resolve().parents[2]


def test_its_tables_are_those_of_the_code() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert filled(text) == text, "run: python -m hms.experiments.model_page"
    assert "| crash |" in text and "| `service_time_ms` |" in text


def test_the_citation_names_this_version() -> None:
    said = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert said["version"] == hms.__version__
    assert said["license"] == "Apache-2.0" and said["cff-version"] == "1.2.0"
