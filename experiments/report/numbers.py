"""Seconds and intervals as every table, sentence and picture prints them."""

from hms.evolution.statistics import Interval

MINUS = "\N{MINUS SIGN}"


def three_digits(value: float) -> str:
    """A number of seconds with three digits, or one decimal below 10; a real minus sign."""
    text = f"{value:.1f}" if abs(value) < 99.95 else f"{value:.0f}"
    if text.strip("-0.") == "":
        return "0.0"
    return text.replace("-", MINUS)


def signed(value: float) -> str:
    """As `three_digits`, with a plus sign where it is above zero."""
    text = three_digits(value)
    return text if text == "0.0" or text.startswith(MINUS) else f"+{text}"


def interval_text(interval: Interval | None) -> str:
    """`−1.2 [−4.0, 1.7]`; a dash where there is none."""
    if interval is None:
        return "–"
    bounds = f"[{three_digits(interval.low)}, {three_digits(interval.high)}]"
    return f"{signed(interval.mean)} {bounds}"
