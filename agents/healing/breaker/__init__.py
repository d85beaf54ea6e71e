"""The circuit breaker: eras, windows, permits, events; `agents.policy.breaker` decides."""
