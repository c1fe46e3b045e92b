"""Percentiles and numbers in words."""

import pytest

from conformance.judge import percentile
from conformance.judge.finding import counted


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        pytest.param([], 50, None, id="no values"),
        pytest.param([3.0], 50, 3.0, id="one value is every percentile"),
        pytest.param([3.0], 0, 3.0, id="even the lowest"),
        pytest.param([4.0, 1.0, 3.0, 2.0], 50, 2.0, id="half of four is the second"),
        pytest.param([1.0, 2.0, 3.0, 4.0, 5.0], 50, 3.0, id="half of five is the third"),
        pytest.param([float(each) for each in range(1, 101)], 99, 99.0, id="99 of a hundred"),
        pytest.param([float(each) for each in range(1, 11)], 99, 10.0, id="99 of ten is the last"),
    ],
)
def test_nearest_rank(values: list[float], percent: float, expected: float | None) -> None:
    assert percentile(values, percent) == expected


@pytest.mark.parametrize(("number", "text"), [(0, "0 cells"), (1, "1 cell"), (2, "2 cells")])
def test_numbers_in_words(number: int, text: str) -> None:
    assert counted(number, "cell") == text
