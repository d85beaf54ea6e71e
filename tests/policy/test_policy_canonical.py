"""RFC 8785: numbers as ECMAScript writes them, keys by UTF-16 code units."""

import json
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hms.agents.policy.canonical_json import canonical_json, number_text

# RFC 8785, appendix B: IEEE 754 bits and their text.
APPENDIX_B = [
    ("0000000000000000", "0"),
    ("8000000000000000", "0"),
    ("0000000000000001", "5e-324"),
    ("8000000000000001", "-5e-324"),
    ("7fefffffffffffff", "1.7976931348623157e+308"),
    ("ffefffffffffffff", "-1.7976931348623157e+308"),
    ("4340000000000000", "9007199254740992"),
    ("c340000000000000", "-9007199254740992"),
    ("4430000000000000", "295147905179352830000"),
    ("44b52d02c7e14af5", "9.999999999999997e+22"),
    ("44b52d02c7e14af6", "1e+23"),
    ("44b52d02c7e14af7", "1.0000000000000001e+23"),
    ("444b1ae4d6e2ef4e", "999999999999999700000"),
    ("444b1ae4d6e2ef4f", "999999999999999900000"),
    ("444b1ae4d6e2ef50", "1e+21"),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
    ("3eb0c6f7a0b5ed8d", "0.000001"),
    ("41b3de4355555553", "333333333.3333332"),
    ("41b3de4355555554", "333333333.33333325"),
    ("41b3de4355555555", "333333333.3333333"),
    ("41b3de4355555556", "333333333.3333334"),
    ("41b3de4355555557", "333333333.33333343"),
    ("becbf647612f3696", "-0.0000033333333333333333"),
    ("43143ff3c1cb0959", "1424953923781206.2"),
]


@pytest.mark.parametrize(("bits", "text"), APPENDIX_B)
def test_numbers_of_the_rfcs_appendix(bits, text):
    (value,) = struct.unpack(">d", bytes.fromhex(bits))
    assert number_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1"), (1, "1"), (1e21, "1e+21"), (1e20, "100000000000000000000"), (0.1, "0.1"),
     (1e-7, "1e-7"), (123.456, "123.456"), (-2.5, "-2.5"), (1.5e-5, "0.000015"), (100.0, "100")],
)
def test_numbers_of_policies(value, text):
    assert canonical_json(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_reads_back_as_itself(value):
    assert float(number_text(value)) == value


@given(st.integers(-(2**53) + 1, 2**53 - 1))
def test_an_integer_and_its_float_are_one_text(value):
    assert number_text(value) == number_text(float(value))


def test_keys_are_sorted_by_utf_16_code_units():
    """RFC 8785, section 3.2.3: a surrogate pair sorts before U+FB33."""
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    text = canonical_json(dict.fromkeys(keys, 1))
    sorted_keys = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert list(json.loads(text)) == sorted_keys


def test_strings_escape_only_what_they_must():
    assert canonical_json('\u20ac$\x0f\nA\'B"\\\\"/\x7f') == (
        '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/\x7f"'
    )


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(plain)
def test_it_is_json_and_canonical_again(value):
    text = canonical_json(value)
    back = json.loads(text)
    assert canonical_json(back) == text
    assert json.loads(text, parse_int=float) == json.loads(json.dumps(value), parse_int=float)


@pytest.mark.parametrize("value", [math.nan, math.inf, 2**53 + 1, 10**400, "\ud800", {1: 2}])
def test_what_has_no_canonical_text_is_refused(value):
    with pytest.raises(ValueError, match=r"finite|no double|surrogate|not text"):
        canonical_json([value])


def test_what_is_no_plain_data_is_refused():
    with pytest.raises(TypeError, match="bytes is not plain data"):
        canonical_json(b"x")
