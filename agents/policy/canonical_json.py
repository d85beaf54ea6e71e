"""Canonical JSON (RFC 8785): one text for one value, the base of a policy's identity.

Keys are sorted by UTF-16 code units and numbers are written as ECMAScript writes them, so
that 1 and 1.0 are equal and every language finds the same hash.
"""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

MOST_KEPT = 4096  # texts of names and of numbers with few digits: a search meets the same again


def canonical_json(value: Any) -> str:
    """The canonical text of plain data.

    Raises:
        ValueError: a number is not finite, or an integer no double holds; a key is no text;
            a text has half a surrogate pair.
        TypeError: something that is not plain data.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise ValueError("a key that is not text")
        keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{_string(k)}:{canonical_json(value[k])}" for k in keys) + "}"
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return "[" + ",".join(canonical_json(item) for item in value) + "]"
    raise TypeError(f"{type(value).__name__} is not plain data")


@lru_cache(MOST_KEPT)
def _string(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as half:
        raise ValueError(f"half a surrogate pair in {text!r}") from half
    import json  # a service that hashes no policy does without

    return json.dumps(text, ensure_ascii=False)


@lru_cache(MOST_KEPT, typed=True)
def number_text(value: float) -> str:
    """A number as ECMAScript's Number::toString writes it.

    Python's `repr` finds the same shortest digits; only their layout differs.
    """
    if isinstance(value, int):
        text = number_text(float(value)) if abs(value) < 2**1023 else ""
        if abs(value) > 2**53 and text != str(value):
            raise ValueError(f"{value} is an integer that no double holds")
        return text
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a finite number")
    if value == 0.0:
        return "0"
    sign = "-" if value < 0.0 else ""
    digits, exponent = _shortest(abs(value))
    count = len(digits)
    if count <= exponent <= 21:
        return sign + digits + "0" * (exponent - count)
    if 0 < exponent <= 21:
        return sign + digits[:exponent] + "." + digits[exponent:]
    if -6 < exponent <= 0:
        return sign + "0." + "0" * -exponent + digits
    power = exponent - 1
    mantissa = digits if count == 1 else digits[0] + "." + digits[1:]
    return f"{sign}{mantissa}e{'+' if power > 0 else '-'}{abs(power)}"


def _shortest(value: float) -> tuple[str, int]:
    """Digits d and exponent n with value = 0.d × 10^n, d without zeros at either end."""
    mantissa, _, power = repr(value).partition("e")
    whole, _, part = mantissa.partition(".")
    digits = whole + part
    leading = len(digits) - len(digits.lstrip("0"))
    exponent = len(whole) + int(power or "0") - leading
    return digits.strip("0"), exponent
