"""When the callee said to come again: Retry-After, as seconds or as an HTTP date (RFC 9110)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any


def parse_retry_after(value: object, wall_s: Callable[[], float] = time.time) -> float | None:
    """Seconds to wait, above 0; None where the header says nothing that can be used.

    Args:
        value: the header's text, or a number of seconds.
        wall_s: the wall clock, seconds since 1970 (UTC); read only for a date.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _usable(float(value))
    if not isinstance(value, str):
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return _usable(float(text))
    from email.utils import parsedate_to_datetime  # 10 ms to load, and dates are rare

    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:  # "-0000": UTC, of a source unknown
            from datetime import UTC

            moment = moment.replace(tzinfo=UTC)
        return _usable(moment.timestamp() - wall_s())
    except (ValueError, OverflowError, OSError):
        return None


def told_retry_after_s(ended: Any) -> float | None:
    """What an error or a response says by itself.

    Looked at are `retry_after_s` (seconds), then the header Retry-After in `headers` and in
    `response.headers`, which is where httpx, requests, aiohttp and urllib keep it.
    """
    told = parse_retry_after(getattr(ended, "retry_after_s", None))
    if told is not None:
        return told
    for holder in (ended, getattr(ended, "response", None)):
        get = getattr(getattr(holder, "headers", None), "get", None)
        if callable(get):
            told = parse_retry_after(get("Retry-After") or get("retry-after"))
            if told is not None:
                return told
    return None


def _usable(seconds: float) -> float | None:
    return seconds if math.isfinite(seconds) and seconds > 0.0 else None
