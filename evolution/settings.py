"""What a search is told: the experiment file's `search:` and its budget."""

from dataclasses import dataclass

from hms.evolution.objectives import OBJECTIVES

POLISHED_AT_ONCE = 8  # candidates of a round of the polish


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """Settings of one search (docs/formats.md, "Experiment file").

    Attributes:
        incidents: the budget, in simulated incidents.
        families: the fault family of each training scenario, in index order.
        population: genomes kept from one generation to the next.
        incidents_per_genome: scenarios that a generation sees.
        start_from: `baselines` (all but today's), a baseline's name, or `random`, which fills up.
        objectives: keys of `objectives.OBJECTIVES`; the first ranks the result.
        rotation_share: part of a generation's scenarios that the one before did not see.
        racing: scenarios after which new genomes that are clearly worse are dropped; (): never.
        racing_level: chance in a stage of dropping one that is no worse.
        polish_share: part of the budget for CMA-ES on the numbers of the best policy.
        finals_share: part of the budget kept to compare the last population on more scenarios.
        set_name: the back end's name of the training set.

    Raises:
        ValueError: a setting is out of range, or the budget is too small to compare anything.
    """

    incidents: int
    families: tuple[str, ...]
    population: int = 24
    incidents_per_genome: int = 16
    start_from: tuple[str, ...] = ("baselines", "random")
    objectives: tuple[str, ...] = ("downtime_s", "disruption_s")
    rotation_share: float = 0.25
    racing: tuple[int, ...] = (8, 16, 32)
    racing_level: float = 0.05
    polish_share: float = 0.1
    finals_share: float = 0.15
    set_name: str = "train"

    def __post_init__(self) -> None:
        unknown = [name for name in self.objectives if name not in OBJECTIVES]
        if unknown or not self.objectives:
            raise ValueError(f"objectives are some of {', '.join(OBJECTIVES)}, not {unknown}")
        if not self.families:
            raise ValueError("a search needs at least one training scenario")
        if self.population < 4 or self.incidents_per_genome < 1:
            raise ValueError("a search needs a population of 4 and one scenario a genome at least")
        if not 0.0 < self.rotation_share <= 1.0:
            raise ValueError("rotation_share lies in (0, 1]")
        kept = self.finals_share + self.polish_share
        if min(self.finals_share, self.polish_share) < 0.0 or kept > 0.9:
            raise ValueError("finals_share and polish_share are at least 0 and at most 0.9 in all")
        if list(self.racing) != sorted(set(self.racing)) or not 0.0 < self.racing_level < 1.0:
            raise ValueError("racing stages rise, and racing_level lies between 0 and 1")
        if self.searched < 2 * self.scenarios:
            raise ValueError(
                f"{self.incidents} incidents cannot compare two genomes on {self.scenarios} "
                "scenarios: raise the budget or lower incidents_per_genome"
            )

    @property
    def scenarios(self) -> int:
        """Scenarios that a generation sees, never more than there are."""
        return min(self.incidents_per_genome, len(self.families))

    @property
    def polish_scenarios(self) -> int:
        """Scenarios that the polish runs on: half a window, so that a round is cheap."""
        return max(1, self.scenarios // 2)

    @property
    def polish_rounds(self) -> int:
        """Generations of CMA-ES that its share of the budget pays for."""
        round_incidents = POLISHED_AT_ONCE * self.polish_scenarios
        return round(self.incidents * self.polish_share) // round_incidents

    @property
    def polished(self) -> int:
        """Incidents for the polish."""
        return self.polish_rounds * POLISHED_AT_ONCE * self.polish_scenarios

    @property
    def searched(self) -> int:
        """Incidents for the generations; the rest is for the polish and the finals."""
        return self.incidents - self.polished - round(self.incidents * self.finals_share)
