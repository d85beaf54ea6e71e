"""A search that died goes on, and ends as if it had not."""

import json
from pathlib import Path

import numpy as np
import pytest
from toy_world import toy_world

from hms.errors import InputError
from hms.evolution.backends import SerialBackend
from hms.evolution.checkpoint import STATE, Checkpoint
from hms.evolution.genome import Space
from hms.evolution.objectives import column
from hms.evolution.search import Search, SearchResult
from hms.evolution.settings import SearchSettings


@pytest.fixture
def search(families: tuple[str, ...], cases: list[float]):
    settings = SearchSettings(
        incidents=3000, families=families, population=12, incidents_per_genome=20
    )

    def fresh(world=toy_world) -> Search:
        return Search(settings, SerialBackend({"train": cases}, world), "7", Space())

    return fresh


def finished(search: Search, checkpoint: Checkpoint | None = None) -> SearchResult:
    while search.advance() is not None:
        if checkpoint is not None:
            search.save(checkpoint)
    return search.result()


def told(result: SearchResult) -> object:
    front = [(one.sha256, one.values, one.genes.tobytes()) for one in result.front]
    archive = [(each.individual.sha256, each.values, each.scenarios) for each in result.archive]
    born = [(one.born, one.parents) for one in result.population]
    return front, archive, born, result.history, result.incidents


def test_it_goes_on_from_each_generation_bit_for_bit(search, tmp_path: Path) -> None:
    whole = told(finished(search()))
    first, checkpoint = search(), Checkpoint(tmp_path / "checkpoint", "code")
    generations = 0
    while first.advance() is not None:
        first.save(checkpoint)
        generations += 1
        later = search()
        later.restore(checkpoint)
        assert told(finished(later)) == whole
    assert generations > 3


def test_it_may_die_again_after_going_on(search, tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "checkpoint", "code")
    whole = told(finished(search()))
    for lives in range(4):
        one = search()
        if lives:
            one.restore(checkpoint)
        one.advance()
        one.save(checkpoint)
    last = search()
    last.restore(checkpoint)
    assert told(finished(last, checkpoint)) == whole


def test_what_went_on_would_be_kept_as_it_was_found(search, tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "checkpoint", "code")
    one, later = search(), search()
    one.advance()
    one.save(checkpoint)
    kept = json.loads((checkpoint.folder / STATE).read_text())
    later.restore(checkpoint)
    later.save(checkpoint)  # both random streams among it, that of chance genomes too
    again = json.loads((checkpoint.folder / STATE).read_text())
    assert again == {**kept, "parts": kept["parts"] + 1}


def test_who_breached_safety_is_not_forgotten(search, tmp_path: Path) -> None:
    def unsafe(policies: list, cases: list, pairs: np.ndarray) -> np.ndarray:
        rows = toy_world(policies, cases, pairs)
        rows[:, column("breaches")] = pairs[:, 0] % 2
        return rows

    checkpoint = Checkpoint(tmp_path / "checkpoint", "code")
    one, later = search(unsafe), search(unsafe)
    one.advance()
    one.save(checkpoint)
    later.restore(checkpoint)
    breaches = [each.breaches for each in one.population]
    assert any(breaches)
    assert [each.breaches for each in later.population] == breaches


def test_a_part_that_no_state_counts_is_written_again(search, tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "checkpoint", "code")
    one = search()
    one.advance()
    one.save(checkpoint)
    kept = (checkpoint.folder / STATE).read_text()
    one.advance()
    one.save(checkpoint)
    (checkpoint.folder / STATE).write_text(kept)  # killed after the part, before the state
    later = search()
    later.restore(checkpoint)
    assert told(finished(later, checkpoint)) == told(finished(search()))


def test_a_search_that_ended_stays_ended(search, tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "checkpoint", "code")
    whole = told(finished(search(), checkpoint))
    later = search()
    later.restore(checkpoint)
    assert later.advance() is None
    assert told(later.result()) == whole


def test_other_code_is_refused(search, tmp_path: Path) -> None:
    one = search()
    one.advance()
    one.save(Checkpoint(tmp_path, "old code"))
    with pytest.raises(InputError, match="written by other code"):
        search().restore(Checkpoint(tmp_path, "new code"))


@pytest.mark.parametrize("damage", [b"", b"{", b'{"schema": 3}'])
def test_a_damaged_checkpoint_is_refused(search, tmp_path: Path, damage: bytes) -> None:
    (tmp_path / STATE).write_bytes(damage)
    with pytest.raises(InputError, match=r"no checkpoint to go on from|other code"):
        search().restore(Checkpoint(tmp_path, "code"))


def test_a_damaged_part_is_refused(search, tmp_path: Path) -> None:
    one, checkpoint = search(), Checkpoint(tmp_path, "code")
    one.advance()
    one.save(checkpoint)
    next(tmp_path.glob("*.npz")).write_bytes(b"PK broken")
    with pytest.raises(InputError, match="damaged part"):
        search().restore(checkpoint)
