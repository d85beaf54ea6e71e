"""How much of what could be gained was gained."""


def gap_closed(best_tuned_s: float, champion_s: float, oracle_s: float) -> float | None:
    """The champion's share of the way from the best tuned baseline to the oracle.

    Args:
        best_tuned_s: mean downtime of the best tuned baseline.
        champion_s, oracle_s: theirs, on the same failures.

    Returns:
        1 where the champion is as good as the oracle, 0 where it is no better than the baseline;
        below 0 where it is worse, above 1 where it beats the oracle. None without a gap: the
        baseline is as good as the oracle, to a thousandth of a second.
    """
    gap_s = best_tuned_s - oracle_s
    if gap_s < 1e-3:
        return None
    return (best_tuned_s - champion_s) / gap_s
