"""Healing actions and their JSON form."""

from __future__ import annotations

import json

import pytest

from hms.agents.healing import (
    ConfigAdjusted,
    Custom,
    FallbackActivated,
    HealingAction,
    NoAction,
    ReconnectionAttempted,
    ResourcesScaled,
    Restarted,
    action_from_json,
)
from hms.errors import InputError

FORMS = [
    (NoAction(), '"NoAction"'),
    (Restarted(), '"Restarted"'),
    (ConfigAdjusted("limit = 24"), '{"ConfigAdjusted": "limit = 24"}'),
    (ResourcesScaled("1 more"), '{"ResourcesScaled": "1 more"}'),
    (ReconnectionAttempted(True), '{"ReconnectionAttempted": true}'),
    (FallbackActivated("30 s"), '{"FallbackActivated": "30 s"}'),
    (Custom("roll_back"), '{"Custom": "roll_back"}'),
]


@pytest.mark.parametrize(("action", "text"), FORMS)
def test_an_action_survives_json(action: HealingAction, text: str) -> None:
    assert json.dumps(action.to_json()) == text
    assert action_from_json(json.loads(text)) == action


@pytest.mark.parametrize(
    "data", ["ConfigAdjusted", {"ConfigAdjusted": 1}, {"NoAction": ""}, {}, 7, None, ["Restarted"]]
)
def test_what_is_no_action_is_refused(data: object) -> None:
    with pytest.raises(InputError, match="no healing action"):
        action_from_json(data)


def test_a_misspelt_action_gets_the_nearest_name() -> None:
    with pytest.raises(InputError, match="nearest: `Restarted`"):
        action_from_json("Restart")
