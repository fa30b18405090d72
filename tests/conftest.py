"""What holds for every test."""

from hypothesis import HealthCheck, settings

# A busy machine is no reason to fail: no test says how long a step may take.
settings.register_profile("acm", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("acm")
