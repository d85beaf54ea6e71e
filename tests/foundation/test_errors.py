"""Messages have one form; exit codes are the documented ones."""

import pytest

from hms import errors
from hms.documents import Problem
from hms.errors import HmsError, InputError, ScenarioError


def test_a_message_has_file_line_what_expected_and_nearest() -> None:
    problem = Problem(
        ("edges",),
        "unknown key `time_out` in edge `checkout -> payment`",
        "calls, cancel_on_timeout, network_ms, on_cut, timeout_ms",
        "`timeout_ms` (milliseconds, above 0)",
        41,
    )
    assert str(ScenarioError([problem], "shop.yaml")) == (
        "shop.yaml:41: unknown key `time_out` in edge `checkout -> payment`\n"
        "    expected: calls, cancel_on_timeout, network_ms, on_cut, timeout_ms\n"
        "    nearest: `timeout_ms` (milliseconds, above 0)"
    )


def test_twenty_problems_are_shown_and_the_rest_is_counted() -> None:
    many = [Problem((), f"mistake {i}") for i in range(23)]
    text = str(InputError(many, "x.yaml"))
    assert "mistake 19" in text
    assert "mistake 20" not in text
    assert text.endswith("\nand 3 more")


def test_a_text_alone_is_a_message() -> None:
    assert str(InputError("--seed is empty")) == "--seed is empty"
    assert str(InputError("is a folder", "x.yaml")) == "x.yaml: is a folder"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("GateRefused", 1),
        ("InputError", 2),
        ("ScenarioError", 2),
        ("PolicyError", 2),
        ("ExperimentError", 2),
        ("ManifestError", 2),
        ("MissingError", 3),
        ("StoreError", 70),
        ("HmsError", 70),
    ],
)
def test_exit_codes(name: str, code: int) -> None:
    assert getattr(errors, name).exit_code == code


def test_every_error_is_an_hms_error_and_a_time_out_is_also_pythons() -> None:
    classes = [each for each in vars(errors).values() if isinstance(each, type)]
    kinds = [kind for kind in classes if kind.__module__ == "hms.errors"]
    assert len(kinds) > 12
    assert all(issubclass(kind, HmsError) for kind in kinds)
    assert issubclass(errors.CallTimeout, TimeoutError)
    for kind in (errors.BreakerOpen, errors.BulkheadFull, errors.BudgetExhausted):
        assert issubclass(kind, errors.CallRefused)
