"""The runtime library that a service embeds: no Ray, MLflow, numba or numpy."""

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
from hms.agents.healing.config import (
    AdaptiveConfig,
    HealingLevel,
    ImplementationConfig,
    UnifiedHealingConfig,
)
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

__all__ = [
    "AdaptiveConfig",
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
]
