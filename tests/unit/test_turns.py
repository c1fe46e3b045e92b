"""Whose turn it is: side by side, alone, last; and what goes to one worker as a whole."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from conformance.portion import DISRUPTIVE, EXCLUSIVE, next_portion, portions, scheduling
from conformance.scenario.layout import Layout, NamespacePlan, PodPlan
from conformance.scenario.scenario import Scenario
from conformance.turn import Turns

PATIENCE = 60.0
"""Seconds until a test says that something never came; nothing waits as long where all is well."""


class Player:
    """A process of a run, here a thread: its turns run when they may, and are written down."""

    def __init__(self, folder: Path, told: list[str]) -> None:
        self.turns, self.told = Turns(folder), told
        self.has_begun, self.may_end = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, name: str, *, is_alone: bool = False, is_last: bool = False) -> None:
        def play() -> None:
            with self.turns.turn(is_alone=is_alone, is_last=is_last):
                self.told.append(f"{name} begins")
                self.has_begun.set()
                self.may_end.wait(PATIENCE)
                self.told.append(f"{name} ends")

        self._thread = threading.Thread(target=play)
        self._thread.start()

    def end(self) -> None:
        self.may_end.set()
        assert self._thread is not None
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()


@pytest.fixture
def players(tmp_path: Path) -> Iterator[Callable[[], Player]]:
    made: list[Player] = []
    told: list[str] = []

    def make() -> Player:
        made.append(Player(tmp_path, told))
        return made[-1]

    yield make
    for player in made:
        player.turns.close()


def test_two_scenarios_are_played_side_by_side(players: Callable[[], Player]) -> None:
    one, two = players(), players()
    one.begin("one")
    two.begin("two")

    assert one.has_begun.wait(PATIENCE)
    assert two.has_begun.wait(PATIENCE)
    one.end()
    two.end()


def test_one_that_is_alone_waits_for_the_others_and_keeps_them_out(players: Callable[[], Player]) -> None:
    one, two = players(), players()
    one.begin("one")
    assert one.has_begun.wait(PATIENCE)
    two.begin("two", is_alone=True)
    one.end()
    assert two.has_begun.wait(PATIENCE)
    two.end()

    assert one.told == ["one begins", "one ends", "two begins", "two ends"]


def test_a_disruptive_one_waits_until_the_other_processes_have_done_all_their_work(players: Callable[[], Player]) -> None:
    one, two = players(), players()
    two.begin("last", is_last=True)
    one.begin("one")
    assert one.has_begun.wait(PATIENCE)
    one.end()
    assert not two.has_begun.is_set()
    one.turns.close()
    assert two.has_begun.wait(PATIENCE)
    two.end()

    assert one.told == ["one begins", "one ends", "last begins", "last ends"]


def test_two_processes_with_disruptive_ones_do_not_wait_for_each_other(players: Callable[[], Player]) -> None:
    one, two = players(), players()
    one.begin("one", is_last=True)
    two.begin("two", is_last=True)
    one.may_end.set()
    two.may_end.set()
    one.end()
    two.end()

    assert sorted(one.told[::2]) == ["one begins", "two begins"]
    assert [told.split()[0] for told in one.told[::2]] == [told.split()[0] for told in one.told[1::2]]


def scenario(name: str, *, namespace: str = "shop", is_exclusive: bool = False, is_disruptive: bool = False) -> Scenario:
    layout = Layout(None, {namespace: NamespacePlan(pods={"api": PodPlan(is_host_network=is_exclusive)})})
    return Scenario(name, "", "", layout, {}, (), Path(f"{name}.yaml"), "own", is_disruptive=is_disruptive)


def test_worlds_that_cannot_stand_side_by_side_are_one_portion_of_work() -> None:
    many = [scenario(f"s{number}", namespace=f"n{number}", is_exclusive=True) for number in range(4)]

    assert {EXCLUSIVE} == set(portions(many).values())


def test_disruptive_scenarios_are_one_portion_whatever_their_layout() -> None:
    many = [scenario("quiet"), scenario("restart", is_disruptive=True), scenario("node", is_exclusive=True, is_disruptive=True)]
    found = portions(many)

    assert [DISRUPTIVE, DISRUPTIVE] == [found["restart"], found["node"]]
    assert found["quiet"] not in (DISRUPTIVE, EXCLUSIVE)


@pytest.mark.parametrize(
    ("queue", "mine", "others", "expected"),
    [
        pytest.param(["mall/0", "shop/1"], "shop", [], "shop/1", id="what it has the world of"),
        pytest.param(["mall/0", "shop/1", "shop/2"], None, [], "shop/1", id="at first: the layout of which most is left"),
        pytest.param(["mall/0", "shop/1", "shop/2"], "own", ["shop", "shop"], "mall/0", id="most for each worker that has its world"),
        pytest.param(["shop/1", "shop/2", EXCLUSIVE], None, [], EXCLUSIVE, id="the one long row begins early"),
        pytest.param([EXCLUSIVE, "shop/1"], "shop", [], "shop/1", id="and not before the world that stands is done"),
        pytest.param([DISRUPTIVE, "shop/1"], None, ["shop", "shop"], "shop/1", id="disruptive ones come last"),
        pytest.param([DISRUPTIVE], DISRUPTIVE, [], DISRUPTIVE, id="nothing else is left"),
    ],
)
def test_a_worker_gets_next(queue: list[str], mine: str | None, others: list[str], expected: str) -> None:
    assert expected == next_portion(queue, mine, others)


class Worker:
    """A worker of pytest-xdist that plays nothing: what it is given is written down."""

    shutting_down = False

    def __init__(self) -> None:
        self.given: list[int] = []
        self.gateway = SimpleNamespace(id="gw0")

    def send_runtest_some(self, indices: list[int]) -> None:
        self.given += indices

    def shutdown(self) -> None:
        """There is no more work."""


def test_the_disruptive_portion_is_given_out_last_however_large_it_is() -> None:
    tests = {"a::restart": DISRUPTIVE, "b::node": DISRUPTIVE, "c::churn": DISRUPTIVE, "d::one": "shop/0", "e::two": "mall/0"}
    options = {"tx": ["popen"]}
    config = SimpleNamespace(getvalue=options.__getitem__, option=SimpleNamespace(loadscopereorder=True))
    worker, scheduler = Worker(), scheduling(config, None, tests.__getitem__)
    scheduler.add_node(worker)
    scheduler.add_node_collection(worker, list(tests))
    scheduler.schedule()
    for index in range(3, 5):
        scheduler.mark_test_complete(worker, index)

    assert [3, 4, 0, 1, 2] == worker.given
