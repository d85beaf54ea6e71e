"""A champion's weak points in words, for the closing table and the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hms.experiments.report.closing_table import NEVER_TRAINED
from hms.experiments.report.numbers import interval_text, three_digits

if TYPE_CHECKING:
    from hms.experiments.report.weak_points import FamilyLoss, NeverRecovered, WeakPoints

MOST_NAMED = 6  # failures in a sentence; the page and the JSON have them all


def weak_lines(weak: WeakPoints) -> Iterator[str]:
    """Two sentences; each is there when it has nothing to complain about, too."""
    yield losses_sentence(weak)
    yield never_sentence(weak)


def losses_sentence(weak: WeakPoints) -> str:
    """On which families, to which baseline, by how much."""
    if not weak.losses:
        return "loses to no baseline on any family"
    return "loses on " + "; on ".join(_loss(loss) for loss in weak.losses)


def never_sentence(weak: WeakPoints) -> str:
    """How many failures never end, of which families, and which they are."""
    never = weak.never_recovered
    if not never:
        return f"recovers in each of the {weak.failures} failures"
    counted = Counter(_words(each.family) for each in never)
    families = ", ".join(f"{count} {family}" for family, count in sorted(counted.items()))
    nobody = sum(1 for each in never if not each.recovering)
    named = ", ".join(each.incident for each in never[:MOST_NAMED])
    named += ", …" if len(never) > MOST_NAMED else ""
    return (
        f"never recovers in {len(never)} of {weak.failures} failures ({families};"
        f" in {nobody} of them no baseline does either): {named}"
    )


def never_rows(weak: WeakPoints) -> list[dict[str, Any]]:
    """The table of the page: a row for each failure that never ends."""
    return [_row(each) for each in weak.never_recovered]


def _row(each: NeverRecovered) -> dict[str, Any]:
    return {
        "incident": each.incident,
        "family": _words(each.family),
        "downtime": three_digits(each.downtime_s),
        "recovering": ", ".join(each.recovering) or "none",
    }


def _loss(loss: FamilyLoss) -> str:
    untrained = " (never trained)" if loss.set == NEVER_TRAINED else ""
    chance = "" if loss.sure else ", which may be chance"
    seconds = interval_text(loss.downtime_s).replace(" [", " s [")
    return f"{_words(loss.family)}{untrained} to {loss.baseline}: {seconds}{chance}"


def _words(name: str) -> str:
    return name.replace("_", " ")
