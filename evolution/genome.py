"""Parameters to genes and back: a policy as a point of the unit cube.

A gene is a number in [0, 1]; what it means comes from the parameter table through the list in
genes.py. Decoding always gives a valid policy, rounded to three significant digits, so that the
file can be read and merged by a person, and *canonical*: settings that the rest of the genome
switches off are left at their defaults. Two genomes that behave alike for that reason have one
policy and one hash, are simulated once, and a hash is an identity.

Genes keep their values while switched off. They drift there freely, and a switch turned on
again finds something other than a default: the known use of neutral variation.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hms.agents.policy.healing_policy import HealingPolicy
from hms.agents.policy.parameters import Tunable, step_table, table
from hms.errors import HmsError
from hms.evolution import genes as listed
from hms.evolution.phenotype import Values, read_values, write_mapping

Floats = NDArray[np.float64]

OFF_SHARE = 0.15  # share of a gene's interval that switches its setting off
DIGITS = 3  # significant digits of a decoded number


@dataclass(frozen=True, slots=True)
class Gene:
    """One coordinate of the space.

    Attributes:
        path: its name: a parameter, a step of a ladder, a part of an act, or of an override.
        kind: number, integer or category.
        low, high: range of a number or an integer, both reached.
        log: equal steps of the gene are equal ratios.
        off: the value meant by the lowest share of the interval; None without one.
        choices: the values of a category, each an equal share of the interval.
        default: the value that stands for "not used".
    """

    path: str
    kind: str
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    off: float | None = None
    choices: tuple[Any, ...] = ()
    default: Any = None

    def value(self, x: float) -> Any:
        """What the gene means at `x` in [0, 1]."""
        if self.kind == "category":
            return self.choices[min(int(x * len(self.choices)), len(self.choices) - 1)]
        if self.off is not None:
            if x < OFF_SHARE:
                return self._typed(self.off)
            x = (x - OFF_SHARE) / (1.0 - OFF_SHARE)
        if self.log:
            found = self.low * math.exp(x * math.log(self.high / self.low))
        elif self.kind == "integer":
            found = math.floor(self.low + x * (self.high - self.low + 1.0))
        else:
            found = self.low + x * (self.high - self.low)
        return self._typed(min(max(_significant(found), self.low), self.high))

    def position(self, value: Any) -> float:
        """Where in [0, 1] the gene means `value`, or the nearest it can mean."""
        if self.kind == "category":
            if value not in self.choices:
                value = self.choices[0]
            return (self.choices.index(value) + 0.5) / len(self.choices)
        if self.off is not None and value == self.off:
            return OFF_SHARE / 2.0
        number = min(max(float(value), self.low), self.high)
        if self.log:
            x = math.log(number / self.low) / math.log(self.high / self.low)
        elif self.kind == "integer":
            x = (number - self.low + 0.5) / (self.high - self.low + 1.0)
        else:
            x = (number - self.low) / (self.high - self.low)
        x = min(max(x, 0.0), 1.0)
        return x if self.off is None else OFF_SHARE + x * (1.0 - OFF_SHARE)

    def _typed(self, number: float) -> float | int:
        return round(number) if self.kind == "integer" else float(number)


def _significant(number: float) -> float:
    return float(f"{number:.{DIGITS}g}")


class Space:
    """All genes of a search, in a fixed order.

    Args:
        slots: overrides that may be switched on, from `genes.OVERRIDE_SLOTS`; none by default.

    Attributes:
        genes: the coordinates.
        categorical: which of them are categories, shape (genes,).
        low, high: bounds of a genome, shape (genes,), zeros and ones.
    """

    def __init__(self, slots: Sequence[listed.Slot] = ()) -> None:
        self.slots = tuple(slots)
        self.genes = tuple(_parameter_genes() + _ladder_genes() + _slot_genes(self.slots))
        self.categorical = np.array([gene.kind == "category" for gene in self.genes])
        self.low = np.zeros(len(self.genes))
        self.high = np.ones(len(self.genes))

    def __len__(self) -> int:
        return len(self.genes)

    def random(self, rng: np.random.Generator, count: int) -> Floats:
        """Genomes drawn uniformly, shape (count, genes)."""
        return rng.random((count, len(self.genes)))

    def values(self, genome: Floats) -> Values:
        """What each gene means, by path, before anything is left out.

        Raises:
            ValueError: a wrong length, or a gene that is outside [0, 1] or not a number.
        """
        if genome.shape != (len(self.genes),):
            raise ValueError(f"a genome has shape ({len(self.genes)},), not {genome.shape}")
        if not bool(((genome >= 0.0) & (genome <= 1.0)).all()):
            raise ValueError("a gene is outside [0, 1] or not a number")
        places = genome.tolist()
        return {gene.path: gene.value(x) for gene, x in zip(self.genes, places, strict=True)}

    def decode(self, genome: Floats) -> HealingPolicy:
        """The policy that a genome means, valid and canonical.

        Args:
            genome: shape (genes,), in [0, 1].

        Raises:
            ValueError: as `values`.
            HmsError: the space and the policy format disagree, which is our bug.
        """
        mapping = write_mapping(self.values(genome), self.slots)
        policy, problems = HealingPolicy.parse(mapping)
        if policy is None:
            told = "; ".join(f"{problem.path}: {problem.what}" for problem in problems)
            raise HmsError(f"a genome decoded to a policy that is not valid: {told}")
        return policy

    def encode(self, policy: HealingPolicy) -> Floats:
        """The genome whose policy is nearest to `policy`, gene by gene.

        Exact for what `decode` made. A foreign policy loses what is no gene (a count window,
        say) and what lies outside the search ranges.

        Returns:
            Shape (genes,), in [0, 1].
        """
        values: Mapping[str, Any] = read_values(policy, self.slots)
        return np.array([gene.position(values.get(gene.path, gene.default)) for gene in self.genes])


def _gene(row: Tunable, sought: listed.Sought) -> Gene:
    """A gene from a row of the parameter table, within the list's narrower range."""
    if row.scale in ("switch", "choice"):
        choices: tuple[Any, ...] = (False, True) if row.scale == "switch" else row.choices
        default = row.default if row.scale == "switch" else row.choices[int(row.default)]
        return Gene(sought.path, "category", choices=choices, default=default)
    return Gene(
        sought.path,
        "integer" if row.kind is int else "number",
        float(row.low if sought.low is None else sought.low),
        float(row.high if sought.high is None else sought.high),
        log="log" in (row.scale, sought.scale),
        off=None if sought.row else row.off,
        default=row.default,
    )


def _parameter_genes() -> list[Gene]:
    known = {row.path: row for row in table()}
    return [_gene(known[sought.path], sought) for sought in listed.SOUGHT]


def _ladder_genes() -> list[Gene]:
    """The steps of each ladder, then what the acts take."""
    steps = [
        Gene(f"ladder.{issue}.{step}", "category", choices=acts, default=listed.NONE)
        for issue, (acts, length) in listed.LADDERS.items()
        for step in range(1, length + 1)
    ]
    known = {row.path: row for row in [*table(), *step_table()]}
    return steps + [_gene(known[sought.row], sought) for sought in listed.AMOUNTS]


def _slot_genes(slots: Sequence[listed.Slot]) -> list[Gene]:
    known = {sought.path: sought for sought in listed.SOUGHT}
    rows = {row.path: row for row in table()}
    found: list[Gene] = []
    for slot in slots:
        prefix = f"override.{slot.name}"
        found.append(Gene(prefix, "category", choices=(False, True), default=False))
        for path in slot.paths:
            base = _gene(rows[path], known[path])
            found.append(
                Gene(
                    f"{prefix}.{path}",
                    base.kind,
                    base.low,
                    base.high,
                    base.log,
                    base.off,
                    base.choices,
                    base.default,
                )
            )
    return found
