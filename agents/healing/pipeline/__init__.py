"""What composes with a breaker around a call: retry, time-out, bulkhead, hedge, fallback."""
