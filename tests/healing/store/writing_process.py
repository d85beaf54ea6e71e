"""A process that writes for ever, and says after each row that it is acknowledged.

    python writing_process.py URL FIRST

Each act is begun (intended), then told done; a line `begun N` or `done N` on stdout after the
store has taken it. It is killed in the middle of that.
"""

from __future__ import annotations

import itertools
import sys

from hms.agents.healing.store.database import SqlStore
from hms.agents.healing.store.place import Url
from hms.agents.healing.store.records import (
    INTENDED,
    AttemptRecord,
    EffectivenessRecord,
    IncidentRecord,
)


def main(url: str, first: int) -> None:
    store = SqlStore(Url(url), kept=1_000_000)
    store.open()
    claim = store.claim("cart", "a")
    print(f"claimed {claim.instance_id}", flush=True)
    for number in itertools.count(first):
        key = f"k{number}"
        store.begin_act(claim, AttemptRecord(key, 1.0, "errors", "restart", state=INTENDED))
        print(f"begun {number}", flush=True)
        store.write(
            claim,
            [
                AttemptRecord(key, 2.0, "errors", "restart"),
                IncidentRecord(str(number), "errors", 1.0, 2.0),
                EffectivenessRecord("errors", "restart", float(number + 1), float(number + 1)),
            ],
        )
        print(f"done {number}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
