"""A mapping is walked to its end; every mistake in it is gathered."""

import math
from typing import Any

import pytest

from hms.documents import REQUIRED, Problem, Reader


def reader_of(**data: Any) -> Reader:
    return Reader(data, where="`retry`")


def only(reader: Reader) -> Problem:
    assert len(reader.problems) == 1, reader.problems
    return reader.problems[0]


def test_values_are_returned_as_their_type() -> None:
    r = reader_of(base_s=1, attempts=3.0, jitter="full", on=False)
    assert repr(r.number("base_s")) == "1.0"
    assert repr(r.integer("attempts")) == "3"
    assert r.text("jitter", choices=["none", "full"]) == "full"
    assert r.boolean("on", True) is False
    assert r.finish() == []


def test_a_missing_key_takes_its_default_or_is_a_mistake() -> None:
    r = reader_of(empty=None)
    assert r.number("base_s", 0.1) == 0.1
    assert r.text("empty", "none") == "none"
    assert r.problems == []
    assert r.number("max_s", REQUIRED, low=0.0) == 0.0
    assert only(r).what == "`max_s` is missing in `retry`"
    assert only(r).expected == "a number, at least 0.0"


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, True, "1", [1], 10**400, -0.1, 1.1]
)
def test_what_is_no_finite_number_within_its_limits_is_refused(value: Any) -> None:
    r = reader_of(share=value)
    assert r.number("share", 0.5, low=0.0, high=1.0) == 0.5
    assert only(r).path == ("share",)
    assert only(r).expected == "a number from 0.0 to 1.0"


def test_limits_belong_to_the_range() -> None:
    r = reader_of(low=0, high=1)
    assert (r.number("low", low=0.0, high=1.0), r.number("high", low=0.0, high=1.0)) == (0.0, 1.0)
    assert r.problems == []


@pytest.mark.parametrize("value", [2.5, True, "3", 0, 6])
def test_what_is_no_whole_number_within_its_limits_is_refused(value: Any) -> None:
    r = reader_of(attempts=value)
    assert r.integer("attempts", 1, low=1, high=5) == 1
    assert only(r).expected == "a whole number from 1 to 5"


def test_a_large_whole_number_keeps_its_digits() -> None:
    assert reader_of(seed=2**60 + 1).integer("seed") == 2**60 + 1


def test_a_wrong_choice_names_the_nearest() -> None:
    r = reader_of(jitter="ful")
    assert r.text("jitter", "none", choices=["none", "full"]) == "none"
    assert only(r).nearest == "full"
    assert only(r).what == "`jitter` is `ful`"


@pytest.mark.parametrize("value", ["true", 1, 0])
def test_a_boolean_is_true_or_false_only(value: Any) -> None:
    r = reader_of(on=value)
    assert r.boolean("on", True) is True
    assert only(r).expected == "true or false"


def test_an_unknown_key_names_the_expected_and_the_nearest() -> None:
    r = reader_of(time_out=3)
    r.number("timeout_ms", 1.0)
    r.number("calls", 1.0)
    (problem,) = r.finish()
    assert problem.what == "unknown key `time_out` in `retry`"
    assert problem.expected == "timeout_ms, calls"
    assert problem.nearest == "timeout_ms"


def test_nested_readers_share_the_problems_and_know_their_path() -> None:
    r = Reader({"steps": [{"act": 1}, 7], "limit": {"rps": "x"}})
    r.mapping("limit").number("rps", 1.0)
    for step in r.items("steps"):
        step.text("act", "none")
        step.finish()
    r.finish()
    assert [(p.path, p.what) for p in r.problems] == [
        (("limit", "rps"), "`rps` is `x`"),
        (("steps", 1), "item 2 of `steps` is 7"),
        (("steps", 0, "act"), "`act` is 1"),
    ]


def test_a_missing_mapping_or_list_is_empty_and_a_wrong_one_a_mistake() -> None:
    r = Reader({"list": "x", "map": []})
    assert r.mapping("absent").number("a", 2.0) == 2.0
    assert r.values("absent") == []
    assert r.problems == []
    assert r.values("list") == []
    assert r.mapping("map").data == {}
    assert [p.expected for p in r.problems] == ["a list", "a mapping"]


def test_long_and_huge_values_are_shown_short() -> None:
    r = Reader({"a": "x" * 1000, "b": 10**5000})
    r.number("a", 0.0)
    r.number("b", 0.0)
    assert all(len(p.what) < 100 for p in r.problems)
    assert "a very large number" in r.problems[1].what


def test_has_marks_a_key_as_known() -> None:
    r = reader_of(a=1, b=None)
    assert r.has("a")
    assert not r.has("b")
    assert r.finish() == []
