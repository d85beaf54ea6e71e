"""The list behind `make mutants` is up to date, and its harness tells red from green."""

from __future__ import annotations

import ast

import pytest
from mutant_comparisons import flips
from mutant_defects import BREAKER, DEFECTS, Defect
from mutant_run import EVERY_TEST, ROOT, Mutant, judged, mutants, planted


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda each: each.name)
def test_each_defect_can_still_be_planted_and_its_test_exists(defect: Defect) -> None:
    for source in planted(defect).files.values():
        ast.parse(source)
    file, _, name = defect.test.partition("::")
    assert f"def {name}" in (ROOT / "tests/healing" / file).read_text()


def test_a_patch_that_no_longer_fits_is_an_error() -> None:
    with pytest.raises(ValueError, match="no such text"):
        planted(Defect("gone", "x::y", ((BREAKER, "no such text", ""),)))


def test_each_comparison_is_turned_round_once() -> None:
    source = "if a < b and (c ==\n        d):\n    pass\nx = 1 < y < 3\n"
    assert next(iter(flips(source))).source.split("\n")[0] == "if (a >= b) and (c =="
    assert len(list(flips(source))) == 2  # a chain is no comparison of two
    assert len(list(flips((ROOT / BREAKER).read_text()))) > 30
    for flip in flips((ROOT / BREAKER).read_text()):
        ast.parse(flip.source)


@pytest.mark.slow
def test_a_planted_defect_turns_its_test_red_and_nothing_planted_does_not() -> None:
    found = next(iter(mutants("half-open lets all in")))
    assert judged(found).said == "red"
    assert judged(Mutant("none", {}, found.tests, found.chosen)).said == "alive"
    assert len(EVERY_TEST) > 8
