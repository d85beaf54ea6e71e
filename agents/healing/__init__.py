"""The runtime library that a service embeds: no Ray, MLflow, numba or numpy.

In this folder: what an instance is (interface, instance), its three levels (standalone, hybrid,
a2a), how it is made and kept going (factory, loop, synchronous, persistence), who else it talks
with (bus, neighbours, supervision). In the folders: `breaker` and `pipeline` around one call,
`calls` that ties them to a dependency; `health` from reports to status; `recovery` from issues to
acts, `strategies` that carry them out; `configuration`; `learning` from incidents; `store`,
`telemetry` and `adapters` to other people's systems; `testing` for other people's tests.
"""

from typing import TYPE_CHECKING, Any

from hms.agents.healing.configuration.config import (
    AdaptiveConfig,
    HealingLevel,
    ImplementationConfig,
    UnifiedHealingConfig,
)
from hms.agents.healing.default_policy import read_policy
from hms.agents.healing.factory import (
    create_advanced_self_healing,
    create_basic_self_healing,
    create_full_self_healing,
    create_self_healing,
)
from hms.agents.healing.interface import (
    Critical,
    Degraded,
    Failed,
    HealthMetrics,
    HealthStatus,
    Healthy,
    Issue,
    RecoveryLevel,
    RecoveryStrategy,
    SelfHealing,
    Supervisor,
)

if TYPE_CHECKING:
    from hms.agents.healing.actions import (
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
    from hms.agents.healing.supervision import Child, ChildSupervisor

__all__ = [
    "AdaptiveConfig",
    "Child",
    "ChildSupervisor",
    "ConfigAdjusted",
    "Critical",
    "Custom",
    "Degraded",
    "Failed",
    "FallbackActivated",
    "HealingAction",
    "HealingLevel",
    "HealthMetrics",
    "HealthStatus",
    "Healthy",
    "ImplementationConfig",
    "Issue",
    "NoAction",
    "ReconnectionAttempted",
    "RecoveryLevel",
    "RecoveryStrategy",
    "ResourcesScaled",
    "Restarted",
    "SelfHealing",
    "Supervisor",
    "UnifiedHealingConfig",
    "action_from_json",
    "create_advanced_self_healing",
    "create_basic_self_healing",
    "create_full_self_healing",
    "create_self_healing",
    "read_policy",
]

_LATER = {
    **dict.fromkeys(
        (
            "ConfigAdjusted", "Custom", "FallbackActivated", "HealingAction", "NoAction",
            "ReconnectionAttempted", "ResourcesScaled", "Restarted", "action_from_json",
        ),
        "actions",
    ),
    **dict.fromkeys(("Child", "ChildSupervisor"), "supervision"),
}  # fmt: skip
"""What a component that is never ill does not need: loaded when somebody asks for it."""


def __getattr__(name: str) -> Any:
    """A name that is loaded when it is first used (PEP 562)."""
    module = _LATER.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
    return value
