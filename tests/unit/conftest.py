"""Hypothesis without limits of time: how long an example takes says something of the machine, not of the code."""

from hypothesis import HealthCheck, settings

settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")
