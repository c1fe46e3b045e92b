"""Truth tables as text: what is drawn can be read, and what is wrong in one is said with its place."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.world.deviation import InvalidDeviation, KnownDeviation, explained, holds
from conformance.world.expectation import Expectation
from conformance.world.question import Question
from conformance.world.table import SYMBOL_OF, Cell, Grid, InvalidTable, Lane, draw, grids, read
from conformance.world.verdict import Family, FindingKind, Protocol, Verdict

A, B, C = "shop/a", "shop/b", "next/c"
ALLOWED, BLOCKED, OPEN = Verdict.ALLOWED, Verdict.BLOCKED, Verdict.OPEN


def symbols(*rows: tuple[str, str, int, Protocol, Family, str]) -> dict[Question, str]:
    return {Question(*row[:-1]): row[-1] for row in rows}


def test_one_table_where_all_ports_agree() -> None:
    cells = {Question(A, B, 80): ".", Question(A, B, 81): ".", Question(B, A, 80): "X", Question(A, C, 80): "!"}

    assert "from\\to  shop/a  shop/b  next/c\nshop/a     -       .       !\nshop/b     X       -       -" == draw(cells)


def test_a_table_for_each_size_where_sizes_differ() -> None:
    cells = {Question(A, B, 80): ".", Question(A, B, 80, size=8000): "X"}
    both = {Question(A, B, 80, family=family, size=1400): symbol for family, symbol in zip(Family, ".X", strict=True)}

    assert "80/TCP  shop/b\nshop/a    .\n\n80/TCP/8000B  shop/b\nshop/a          X" == draw(cells)
    assert ["80/TCP/ipv4/1400B", "80/TCP/ipv6/1400B"] == [grid.corner for grid in grids(both)]


def test_a_table_for_each_port_where_ports_differ() -> None:
    cells = {Question(A, B, 80): ".", Question(A, B, 80, Protocol.UDP): "X"}

    assert "80/TCP  shop/b\nshop/a    .\n\n80/UDP  shop/b\nshop/a    X" == draw(cells)


def test_a_table_for_each_family_where_families_differ() -> None:
    cells = {Question(A, B, 80): ".", Question(A, B, 80, family=Family.IPV6): "~"}

    assert "80/TCP/ipv4  shop/b\nshop/a         .\n\n80/TCP/ipv6  shop/b\nshop/a         ~" == draw(cells)


def test_no_cells_make_no_table() -> None:
    assert "" == draw({})


def test_a_grid_has_its_places_in_order_and_a_symbol_for_what_is_not_asked() -> None:
    (grid,) = grids({Question(A, B, 80): ".", Question(C, B, 80): "X"})

    assert Grid("from\\to", (A, C), (B,), {(A, B): ".", (C, B): "X"}) == grid
    assert [".", "-"] == [grid.symbol(A, B), grid.symbol(B, A)]


def test_reading() -> None:
    text = "\n  80/TCP/ipv6  shop/a  shop/b\n  shop/a         -       X\n\n  next/c         .       ?\n"
    lane = Lane(80, Protocol.TCP, Family.IPV6)

    assert (
        Cell(A, A, lane, None, 2, 17),
        Cell(A, B, lane, BLOCKED, 2, 25),
        Cell(C, A, lane, ALLOWED, 4, 17),
        Cell(C, B, lane, OPEN, 4, 25),
    ) == read(text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param("", ("the table is empty", 0, 0), id="nothing"),
        pytest.param("\n  \n", ("the table is empty", 0, 0), id="only blanks"),
        pytest.param(
            " shop/a shop/b\nshop/a . .",
            ("the corner word is from\\to or: 'shop/a' is no port, protocol and family such as 80/TCP, UDP, ipv6 or 80/TCP/ipv4", 0, 1),
            id="no corner word",
        ),
        pytest.param("from\\to a b\na .", ("row a has 1 cells for 2 columns", 1, 2), id="too few cells"),
        pytest.param("from\\to a b\na . . .", ("row a has 3 cells for 2 columns", 1, 4), id="too many cells"),
        pytest.param("from\\to a\na", ("row a has 0 cells for 1 columns", 1, 0), id="no cells"),
        pytest.param("from\\to\na .", ("row a has 1 cells for 0 columns", 1, 0), id="no columns"),
        pytest.param("from\\to a\nb x", ("'x' is none of . X ? -", 1, 2), id="an unknown symbol"),
        pytest.param("from\\to a a\nb . .", ("column a stands twice", 0, 10), id="a column twice"),
        pytest.param("from\\to a\nb .\nb .", ("row b stands twice", 2, 0), id="a row twice"),
    ],
)
def test_a_table_that_cannot_be_read(text: str, fault: tuple[str, int, int]) -> None:
    with pytest.raises(InvalidTable) as caught:
        read(text)

    assert fault == (str(caught.value), caught.value.line, caught.value.column)


@pytest.mark.parametrize(
    ("text", "lane"),
    [
        pytest.param("80", Lane(80), id="a port"),
        pytest.param("UDP", Lane(protocol=Protocol.UDP), id="a protocol"),
        pytest.param("ipv6", Lane(family=Family.IPV6), id="a family"),
        pytest.param("80/TCP", Lane(80, Protocol.TCP), id="a port and a protocol"),
        pytest.param("SCTP/ipv4", Lane(protocol=Protocol.SCTP, family=Family.IPV4), id="a protocol and a family"),
        pytest.param("0/ICMP/ipv4", Lane(0, Protocol.ICMP, Family.IPV4), id="all three"),
    ],
)
def test_lanes(text: str, lane: Lane) -> None:
    assert (lane, text) == (Lane.parse(text), str(lane))


@pytest.mark.parametrize("text", ["", "80/", "/TCP", "tcp", "ipv4/TCP", "800000", "80TCP", "80/TCP/ipv4/x"])
def test_what_is_no_lane(text: str) -> None:
    with pytest.raises(InvalidTable):
        Lane.parse(text)


@pytest.mark.parametrize(
    ("lane", "is_meant"),
    [
        pytest.param(Lane(), True, id="no limit"),
        pytest.param(Lane(80, Protocol.TCP, Family.IPV4), True, id="all of it"),
        pytest.param(Lane(81), False, id="another port"),
        pytest.param(Lane(protocol=Protocol.UDP), False, id="another protocol"),
        pytest.param(Lane(family=Family.IPV6), False, id="another family"),
    ],
)
def test_the_questions_of_a_lane(lane: Lane, *, is_meant: bool) -> None:
    assert is_meant == lane.holds(Question(A, B, 80))


def test_a_cell_speaks_of_its_pair() -> None:
    cell = Cell(A, B, Lane(80), ALLOWED)

    assert [True, False, False] == [cell.holds(Question(A, B, 80)), cell.holds(Question(B, A, 80)), cell.holds(Question(A, B, 81))]


def test_cells_in_words() -> None:
    assert ["shop/a -> shop/b", "shop/a -> shop/b 80/TCP"] == [
        str(Cell(A, B, Lane(), ALLOWED)),
        str(Cell(A, B, Lane(80, Protocol.TCP), ALLOWED)),
    ]


places = st.sampled_from((A, B, C, "x/d"))
questions = st.builds(
    Question, places, places, st.sampled_from((80, 81)), st.sampled_from((Protocol.TCP, Protocol.UDP)), st.sampled_from(Family)
)


@given(st.dictionaries(questions.filter(lambda question: question.source != question.destination), st.sampled_from(Verdict)))
def test_what_is_drawn_says_the_same_when_it_is_read(verdicts: dict[Question, Verdict]) -> None:
    text = draw({question: SYMBOL_OF[verdict] for question, verdict in verdicts.items()})

    cells = [cell for part in text.split("\n\n") if part for cell in read(part)]

    assert verdicts == {question: cell.verdict for question in verdicts for cell in cells if cell.holds(question)}


def test_the_cells_of_a_known_deviation() -> None:
    deviation = KnownDeviation("s", "because", "https://example.org", ("shop/a -> shop/b", "shop/a -> shop/b 80/TCP ipv6"))

    found = {
        (cell, family): holds(each, Question(A, B, 80, family=family)) for cell, each in enumerate(deviation.lanes()) for family in Family
    }

    assert {(0, Family.IPV4): True, (0, Family.IPV6): True, (1, Family.IPV4): False, (1, Family.IPV6): True} == found


def test_a_cell_of_whoever_it_is() -> None:
    deviation = KnownDeviation("s", "because", "https://example.org", ("* -> shop/b 80/TCP", "* -> * UDP"))
    asked = [Question(A, B, 80), Question(C, B, 80), Question(C, A, 80), Question(C, A, 80, Protocol.UDP)]

    assert [[True, True, False, False], [False, False, False, True]] == [
        [holds(lane, each) for each in asked] for lane in deviation.lanes()
    ]


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        pytest.param("shop/a shop/b", "there is no arrow between two places", id="no arrow"),
        pytest.param("a -> b 80/XXX", "'80/XXX' is no port, protocol and family such as 80/TCP, UDP, ipv6 or 80/TCP/ipv4", id="no lane"),
    ],
)
def test_a_known_deviation_that_cannot_be_read(cell: str, why: str) -> None:
    with pytest.raises(InvalidDeviation) as caught:
        KnownDeviation("s", "because", "https://example.org", (cell,)).lanes()

    assert f"known deviation: the cell {cell!r} is not written as 'shop/other -> shop/api 80/TCP': {why}" == str(caught.value)


@pytest.mark.parametrize(
    ("entries", "meant"),
    [
        pytest.param([], [], id="no entry"),
        pytest.param([{}], [80, 81], id="an entry without cells means all"),
        pytest.param([{"cells": (f"{A} -> {B} 80/TCP",)}], [80], id="a cell"),
        pytest.param([{"cells": (f"{A} -> {B} 80/TCP",)}, {"cells": (f"{A} -> {B} 81/TCP",)}], [80, 81], id="cells of two entries"),
        pytest.param([{"kinds": (FindingKind.CUT,)}], [], id="what is cut is no wrong answer"),
        pytest.param([{"kinds": (FindingKind.WRONGLY_BLOCKED,)}], [80], id="outages, where it must be allowed"),
        pytest.param([{"kinds": (FindingKind.WRONGLY_ALLOWED,)}], [81], id="leaks, where it must be blocked"),
    ],
)
def test_a_failure_is_known(entries: list[dict[str, Any]], meant: list[int]) -> None:
    deviations = [KnownDeviation("s", "why", "https://example.com", **entry) for entry in entries]
    expected = {Question(A, B, 80): Expectation(ALLOWED), Question(A, B, 81): Expectation(BLOCKED)}
    assert {Question(A, B, port) for port in meant} == explained(deviations, expected)
