"""The nights of a plugin, from a folder of records: what broke when, between which versions, what is flaky, how long enforcing takes."""

from conformance.trend.night import Night
from conformance.trend.reading import InvalidFolder
from conformance.trend.section import Section
from conformance.trend.trend import InvalidDate, Trend, look

__all__ = ["InvalidDate", "InvalidFolder", "Night", "Section", "Trend", "look"]
