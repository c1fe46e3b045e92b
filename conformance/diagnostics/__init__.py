"""What is gathered when a scenario fails, so that nobody has to wait for the next night: events, logs, states, rules, packets."""

from conformance.diagnostics.taking import FOLDER, MOST, Diagnostics, Examiner, clear, taken_of

__all__ = ["FOLDER", "MOST", "Diagnostics", "Examiner", "clear", "taken_of"]
