"""Faults of a file, as they are told."""

from pathlib import Path

import pytest

from conformance.scenario.fault import Fault, told

ONE = Fault(Path("a.yaml"), 3, 5, "there is no policy 'x'", "  - apply: [x]")


@pytest.mark.parametrize(("faults", "count"), [((ONE,), "1 fault"), ((ONE, ONE), "2 faults")], ids=["one", "two"])
def test_faults_are_told_with_their_number(faults, count):
    assert "\n\n".join([*[str(ONE)] * len(faults), count]) == told(faults)
