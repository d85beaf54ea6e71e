"""Which training scenarios a generation sees.

A policy that only ever meets the same few failures learns those failures (in the prototype,
64 fixed scenarios taught nothing that held on unseen families; a rotating 64 of 768 did). So
each generation sees a window over a fixed cyclic order of all training scenarios, and the
window moves on by a share of its length: what the survivors met before is remembered, only
the new part costs incidents. The order deals the families out evenly, hence every window holds
each family in its proportion.
"""

from collections.abc import Sequence

from hms.evolution.randomness import generator


class Rotation:
    """A window that walks over a stratified cyclic order of scenarios.

    Args:
        families: the family of each training scenario; their number is the set's size.
        size: scenarios in a window; the whole set when it has fewer.
        share: part of the window that is new after each step, above 0, at most 1.
        seed: names the stream that shuffles within families.

    Raises:
        ValueError: no scenarios, or size or share out of range.
    """

    def __init__(self, families: Sequence[str], size: int, share: float, seed: str) -> None:
        if not families:
            raise ValueError("a search needs at least one training scenario")
        if size < 1 or not 0.0 < share <= 1.0:
            raise ValueError(f"a window needs size >= 1 and 0 < share <= 1, not {size}, {share}")
        self.order = _dealt_out(families, seed)
        self.size = min(size, len(self.order))
        self.step = max(1, round(self.size * share))

    def window(self, turn: int) -> list[int]:
        """Scenario indices of the window at a turn, counted from 0."""
        return [self._at(turn * self.step + place) for place in range(self.size)]

    def before(self, turn: int) -> list[int]:
        """The scenarios outside that window, the most recently seen first."""
        start = turn * self.step
        return [self._at(start - back) for back in range(1, len(self.order) - self.size + 1)]

    def _at(self, place: int) -> int:
        return self.order[place % len(self.order)]


def _dealt_out(families: Sequence[str], seed: str) -> list[int]:
    """All indices, each family spread evenly over the order.

    The k-th of a family's n scenarios stands at (k + a) / n of the way, `a` one random number
    a family, so that equal families take turns in a random but fixed sequence.
    """
    placed: list[tuple[float, str, int]] = []
    for family in sorted(set(families)):
        rng = generator(seed, "rotation", family)
        members = [index for index, name in enumerate(families) if name == family]
        phase = float(rng.random())
        for rank, which in enumerate(rng.permutation(len(members))):
            placed.append(((rank + phase) / len(members), family, members[int(which)]))
    return [index for _, _, index in sorted(placed)]
