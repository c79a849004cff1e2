"""What all tests share: Hypothesis as a table of cases, the same each time, on a machine however busy."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "ours", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ours")
