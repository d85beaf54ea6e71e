"""Every store beside a model of dictionaries, under random use; two stores at one address."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from hms.agents.healing.store.database import SqlStore
from hms.agents.healing.store.memory import MemoryStore
from hms.agents.healing.store.place import Url
from hms.agents.healing.store.records import (
    ACT_STATES,
    AttemptRecord,
    BreakerRecord,
    EffectivenessRecord,
    Record,
)
from hms.agents.healing.store.store import Claim, ClaimLost, Store

KEPT = 6
COMPONENTS = ("cart", "shop")
NAMES = ("a", "b")
Owner = tuple[str, str]


class Model:
    """What a store does, in a few lines: rows by table, claims by place."""

    def __init__(self) -> None:
        self.rows: dict[str, list[tuple[Owner, Record]]] = {}
        self.tokens: dict[Owner, str] = {}

    def put(self, owner: Owner, row: Record) -> None:
        rows = self.rows.setdefault(row.table, [])
        for i, (other, held) in enumerate(rows):
            same = held.key == row.key and other[0] == owner[0]
            if same and other == owner:
                rows[i] = (owner, row)
                return
            if same and row.table == "attempts":
                return
        rows.append((owner, row))

    def forget(self, component: str) -> None:
        rows = self.rows.get("attempts", [])
        own = [each for each in rows if each[0][0] == component]
        for each in own[: max(len(own) - KEPT, 0)]:
            rows.remove(each)

    def of(self, table: str, owner: Owner) -> tuple[Record, ...]:
        return tuple(row for other, row in self.rows.get(table, []) if other == owner)


class StoreMachine(RuleBasedStateMachine):
    """Two stores at one address (of memory: one), used in turns."""

    build: Any

    def __init__(self) -> None:
        super().__init__()
        self.resources = contextlib.ExitStack()
        self.stores: list[Store] = self.resources.enter_context(type(self).build())
        self.model = Model()
        self.claims: list[Claim] = []

    def teardown(self) -> None:
        self.resources.close()

    @rule(i=st.integers(0, 1), component=st.sampled_from(COMPONENTS), name=st.sampled_from(NAMES))
    def claim(self, i: int, component: str, name: str) -> None:
        claim = self.stores[i].claim(component, name)
        taken = {place[1] for place in self.model.tokens if place[0] == component}
        numbered = [name, *(f"{name}-{number}" for number in range(2, 99))]
        assert claim.instance_id == next(each for each in numbered if each not in taken)
        self.model.tokens[component, claim.instance_id] = claim.token
        self.claims.append(claim)

    @rule(i=st.integers(0, 1), which=st.integers(0, 9))
    def release(self, i: int, which: int) -> None:
        claim = self.held(which)
        if claim is not None:
            self.stores[i].release(claim)
            del self.model.tokens[claim.component_id, claim.instance_id]

    @rule(
        i=st.integers(0, 1),
        which=st.integers(0, 9),
        acts=st.lists(st.tuples(st.integers(0, 9), st.sampled_from(ACT_STATES)), max_size=4),
        breakers=st.lists(st.tuples(st.sampled_from("xy"), st.integers(0, 9)), max_size=3),
        tried=st.integers(0, 9),
    )
    def write(
        self, i: int, which: int, acts: list[tuple[int, str]], breakers: list[tuple[str, int]],
        tried: int,
    ) -> None:  # fmt: skip
        claim = self.held(which)
        if claim is None:
            return
        rows: list[Record] = [
            AttemptRecord(f"k{key}", float(key), "errors", "restart", state=state)
            for key, state in acts
        ]
        for name, left in breakers:
            rows.append(BreakerRecord(name, "open" if left else "closed", float(left)))
        rows.append(EffectivenessRecord("errors", "restart", float(tried), 0.0))
        owner = (claim.component_id, claim.instance_id)
        self.stores[i].write(claim, rows)
        self.stores[1 - i].write(claim, rows)  # a retry after an answer that was lost
        for row in rows:
            self.model.put(owner, row)
        self.model.forget(claim.component_id)

    @rule(i=st.integers(0, 1), which=st.integers(0, 9), key=st.integers(0, 9))
    def begin(self, i: int, which: int, key: int) -> None:
        claim = self.held(which)
        if claim is None:
            return
        act = AttemptRecord(f"k{key}", 0.0, "errors", "restart", state="intended")
        known = [
            row
            for owner, row in self.model.rows.get("attempts", [])
            if owner[0] == claim.component_id and row.key == act.key
        ]
        expected = "new" if not known else "under_way"
        if known and isinstance(known[0], AttemptRecord) and known[0].state == "done":
            expected = "done"
        assert self.stores[i].begin_act(claim, act) == expected
        if not known:
            self.model.put((claim.component_id, claim.instance_id), act)

    @rule(i=st.integers(0, 1), which=st.integers(0, 9))
    def lost(self, i: int, which: int) -> None:
        gone = [each for each in self.claims if not self.holds(each)]
        if gone:
            with pytest.raises(ClaimLost):
                self.stores[i].write(
                    Claim(*self.place(gone[which % len(gone)]), "an old token"), []
                )

    @invariant()
    def it_holds_what_the_model_says(self) -> None:
        for store in self.stores:
            for claim in self.claims:
                owner = self.place(claim)
                state = store.load(*owner)
                assert state.attempts == self.model.of("attempts", owner)
                assert state.effectiveness == self.model.of("effectiveness", owner)
                plain = [(each.dependency, each.left_s) for each in state.breakers]
                expected = self.model.of("breakers", owner)
                assert plain == [(row.key, getattr(row, "left_s", None)) for row in expected]

    def held(self, which: int) -> Claim | None:
        live = [each for each in self.claims if self.holds(each)]
        return live[which % len(live)] if live else None

    def holds(self, claim: Claim) -> bool:
        return self.model.tokens.get(self.place(claim)) == claim.token

    @staticmethod
    def place(claim: Claim) -> Owner:
        return claim.component_id, claim.instance_id


@contextlib.contextmanager
def in_memory() -> Iterator[list[Any]]:
    store = MemoryStore(kept=KEPT)
    yield [store, store]


@contextlib.contextmanager
def in_a_file() -> Iterator[list[Any]]:
    with tempfile.TemporaryDirectory() as folder:
        stores = [SqlStore(Url(f"sqlite:///{Path(folder) / 'hms.db'}"), kept=KEPT) for _ in "ab"]
        for store in stores:
            store.open()
        yield stores
        for store in stores:
            store.close()


@pytest.mark.parametrize("build", [in_memory, in_a_file])
def test_a_store_is_what_a_model_of_dictionaries_says(build: Any) -> None:
    kind = type(build.__name__, (StoreMachine,), {"build": staticmethod(build)})
    run_state_machine_as_test(kind, settings=settings(max_examples=15, stateful_step_count=25))
