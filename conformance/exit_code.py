"""What the exit codes of `run` say; the other commands use the same where they mean the same."""

from __future__ import annotations

ALL_PASSED, SOMETHING_FAILED, WRONG_USAGE, BROKEN_WORLD, NOTHING_ENFORCES = range(5)

INTERRUPTED = 130
