"""Which questions are asked of a world in which nobody can ask all of them: a choice, always the same for the same seed.

In this order, until as many are chosen as may be asked:

1. one question of each two kinds of pods (see `kinds`);
2. for each pod one question that it asks and one that it is asked;
3. of each two kinds one question in each way that they can stand to each other (the same namespace or not, the same node or not) on
   each port;
4. for each pod one for each course of verdicts that there is for its kind in either role (blocked by the first step and allowed
   again by the second, …): a pod that the plugin forgot is seen;
5. pairs of pods across nodes, at random: a quarter at least of what 1 and 2 have left; where they run out, any others.

Nothing here is as large as all pairs of pods.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, product

from conformance.model.classes import ClassTable
from conformance.model.kinds import Kind, Lane, State, kinds_of, lanes_of
from conformance.world.place import Pod, World, family_of
from conformance.world.question import Question, each_question
from conformance.world.verdict import Family, Verdict

_TRIES = 20
"""How often something is tried for a question: chance may hit what is not wanted, or what was chosen before."""

Course = tuple[Verdict, ...]
Meeting = tuple[int, bool, Lane]
"""The other end's kind, whether it is of the same namespace, and the port."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The questions in the order of the world's pods, and of how many they are: `possible` questions between `pods`.

    `pairs` are the ordered pairs of `kinds` of pods, `covered` those of them of which a question is among the chosen ones. `others`
    says how the last ones were chosen ("": there are none of them).
    """

    questions: tuple[Question, ...]
    possible: int
    pods: int
    kinds: int
    pairs: int
    covered: int
    seed: int
    others: str

    def __str__(self) -> str:
        if len(self.questions) == self.possible:
            return f"asked all {self.possible:,} possible questions"
        pairs = f"all {self.pairs:,}" if self.covered == self.pairs else f"{self.covered:,} of the {self.pairs:,}"
        kinds = f"{pairs} ordered pairs of the {self.kinds:,} kinds of pods that the policies tell apart"
        if self.kinds == 1:
            kinds = "pods that no policy tells apart"
        pods = f"each of the {self.pods:,}" if self.in_both == self.pods else f"{self.in_both:,} of the {self.pods:,}"
        return (
            f"asked {len(self.questions):,} of {self.possible:,} possible questions, chosen with seed {self.seed}: {kinds}, {pods} pods in "
            f"both roles{self.others and f', and others {self.others}'}; what the plugin does to one pair of pods only is seen where that "
            "pair was asked"
        )

    @property
    def in_both(self) -> int:
        """How many pods ask and are asked."""
        return len({each.source for each in self.questions} & {each.destination for each in self.questions})


def choose(states: Sequence[State], families: Sequence[Family], most: int, seed: int) -> Choice:
    """At most `most` questions between the pods of the first state, for all of these states (one at least).

    Hosts and doors are not asked. Verdicts are those of the model, by classes.
    """
    return _Choosing(states, families, most, seed).choice()


class _Choosing:
    def __init__(self, states: Sequence[State], families: Sequence[Family], most: int, seed: int) -> None:
        self.states, self.families, self.most, self.seed = states, tuple(families), most, seed
        self.dice = random.Random(seed)  # noqa: S311 - the same choice every time
        self.world: World = states[0][0]
        self.pods = {ref: pod for ref, pod in self.world.pods.items() if self.families_of(pod)}
        self.kind_of = kinds_of(states)
        self.kinds: dict[int, Kind] = {}
        for ref, pod in self.pods.items():
            self.kinds.setdefault(self.kind_of[ref], Kind()).add(pod)
        self.chosen: dict[Question, None] = {}
        self.covered: set[tuple[int, int]] = set()
        self.done: dict[tuple[str, bool], set[Course]] = {}
        self.meetings: dict[tuple[int, bool], dict[Course, list[Meeting]]] = {}

    @cached_property
    def tables(self) -> list[ClassTable]:
        return [ClassTable(world, policies) for world, policies in self.states]

    def families_of(self, pod: Pod) -> tuple[Family, ...]:
        there = {family_of(address) for address in pod.addresses}
        return tuple(family for family in self.families if family in there)

    def choice(self) -> Choice:
        others = ""
        if self.possible <= self.most:
            for question in self.others():
                self.add(question)
        else:
            first, more = self.of_each_two_kinds()
            self.ask_all(first, self.most)
            self.of_each_pod(self.most, is_once=True)
            limit = self.most - (self.most - len(self.chosen)) // 4
            self.ask_all(more, limit)
            self.of_each_pod(limit, is_once=False)
            others = self.by_chance()
        place = {ref: number for number, ref in enumerate(self.pods)}
        ordered = sorted(self.chosen, key=lambda each: (place[each.source], place[each.destination], each))
        pairs = len(self.kinds) ** 2 - sum(each.size == 1 for each in self.kinds.values())
        return Choice(tuple(ordered), self.possible, len(self.pods), len(self.kinds), pairs, len(self.covered), self.seed, others)

    @cached_property
    def possible(self) -> int:
        """How many questions there are, counted by groups of pods that have the same families and as many ports."""
        groups = Counter((self.families_of(pod), len(lanes_of(pod))) for pod in self.pods.values())
        total = 0
        for (one, count), (other, others) in product(groups.items(), repeat=2):
            pairs = count * (others - (one == other))
            total += pairs * other[1] * len(set(one[0]) & set(other[0]))
        return total

    def add(self, question: Question) -> None:
        self.chosen[question] = None
        self.covered.add((self.kind_of[question.source], self.kind_of[question.destination]))

    # --- 1, 3 ---

    def of_each_two_kinds(self) -> tuple[list[Question], list[Question]]:
        """A question of each two kinds, and those in the other ways: the second of each, then the third of each, and so on."""
        waves: dict[int, list[Question]] = {}
        for one, other in self.pairs():
            wave = 0
            for lane, is_near, is_beside in self.ways(other):
                question = self.between(one, other, lane, is_near, is_beside)
                if question is not None:
                    waves.setdefault(wave, []).append(question)
                    wave += 1
                    meeting = self.meetings.setdefault((one, True), {}), self.meetings.setdefault((other, False), {})
                    course = self.course(question)
                    meeting[0].setdefault(course, []).append((other, is_near, lane))
                    meeting[1].setdefault(course, []).append((one, is_near, lane))
        return waves.pop(0, []), list(chain.from_iterable(waves.values()))

    def ask_all(self, questions: Iterable[Question], limit: int) -> None:
        for question in questions:
            if len(self.chosen) >= limit:
                return
            self.ask(question, self.course(question))

    def pairs(self) -> Iterator[tuple[int, int]]:
        """All ordered pairs of kinds; where they are more than may be asked, some of them at random."""
        numbers = list(self.kinds)
        count = len(numbers)
        every: Iterable[int] = range(count * count) if count * count <= self.most else self.dice.sample(range(count * count), self.most)
        for number in every:
            yield numbers[number // count], numbers[number % count]

    def ways(self, kind: int) -> Iterator[tuple[Lane, bool, bool]]:
        """A port, whether the ends share a namespace, and whether a node."""
        for is_beside, is_near, lane in product((False, True), (False, True), self.kinds[kind].lanes):
            yield lane, is_near, is_beside

    def between(self, one: int, other: int, lane: Lane, is_near: bool, is_beside: bool) -> Question | None:  # noqa: FBT001 - two of four
        """A question between two kinds: pods of the first are tried, one for each place where some of them are."""
        spots = self.kinds[one].all_spots
        for spot in self.dice.sample(spots, len(spots)):
            source = self.pods[self.dice.choice(self.kinds[one].spots[spot])]
            destination = self.partner(source, other, is_near, is_beside)
            if destination is not None and (question := self.question(source, destination, lane)) is not None:
                return question
        return None

    def partner(self, pod: Pod, kind: int, is_near: bool, is_beside: bool) -> Pod | None:  # noqa: FBT001 - two of four
        """A pod of a kind in the same namespace or not, on the same node or not; never the pod itself."""
        group = self.kinds[kind]
        spots = group.by_namespace.get(pod.namespace, []) if is_near else group.by_node.get(pod.node, []) if is_beside else group.all_spots
        for spot in self.dice.sample(spots, len(spots)):
            if (spot[0] == pod.namespace) is is_near and (spot[1] == pod.node) is is_beside:
                others = [ref for ref in group.spots[spot] if ref != pod.ref]
                if others:
                    return self.pods[self.dice.choice(others)]
        return None

    def question(self, source: Pod, destination: Pod, lane: Lane) -> Question | None:
        """On a port that the destination serves, over one of the families that both have."""
        families = [family for family in self.families_of(source) if family in self.families_of(destination)]
        if lane not in lanes_of(destination) or not families:
            return None
        return Question(source.ref, destination.ref, *lane, self.dice.choice(families))

    def course(self, question: Question) -> Course:
        return tuple(table.verdict(question) for table in self.tables)

    def ask(self, question: Question, course: Course) -> None:
        self.add(question)
        self.done.setdefault((question.source, True), set()).add(course)
        self.done.setdefault((question.destination, False), set()).add(course)

    # --- 2, 4 ---

    def of_each_pod(self, limit: int, *, is_once: bool) -> None:
        """A question for each pod in each role, of every course that it is not asked for yet; `is_once`: of any course, one is enough."""
        refs = list(self.pods)
        self.dice.shuffle(refs)
        for ref, is_source in product(refs, (True, False)):
            for course in self.meetings.get((self.kind_of[ref], is_source), {}):
                if len(self.chosen) >= limit:
                    return
                seen = self.done.get((ref, is_source), ())
                if course not in seen and not (is_once and seen):
                    self.of_pod(self.pods[ref], course, is_source=is_source)

    def of_pod(self, pod: Pod, course: Course, *, is_source: bool) -> None:
        """A question in which a pod has this role and that goes this way, on another node where there is one."""
        meetings = self.meetings[self.kind_of[pod.ref], is_source][course]
        for kind, is_near, lane in self.dice.sample(meetings, min(_TRIES, len(meetings))):
            for is_beside in (False, True):
                other = self.partner(pod, kind, is_near, is_beside)
                question = None if other is None else self.question(*((pod, other) if is_source else (other, pod)), lane)
                if question is not None and self.course(question) == course:
                    self.ask(question, course)
                    return

    # --- 5 ---

    def by_chance(self) -> str:
        """Returns how, in words; "" where nothing was chosen so."""
        every, before = list(self.pods.values()), len(self.chosen)
        has_nodes = len({pod.node for pod in every}) > 1
        for _ in range(_TRIES * self.most):
            if len(self.chosen) >= self.most:
                break
            source, destination = self.dice.choice(every), self.dice.choice(every)
            is_wanted = source.node != destination.node if has_nodes else source is not destination
            lanes = lanes_of(destination)
            question = self.question(source, destination, self.dice.choice(lanes)) if is_wanted and lanes else None
            if question is not None:
                self.add(question)
        is_short = len(self.chosen) < self.most
        self.fill_up()
        if len(self.chosen) == before or not has_nodes:
            return "" if len(self.chosen) == before else "at random"
        return "at random, first across nodes" if is_short else "at random across nodes"

    def fill_up(self) -> None:
        """Any of the others where chance met too few: those that are left are then so few that each may be looked at."""
        if missing := self.most - len(self.chosen):
            numbers = set(self.dice.sample(range(self.possible - len(self.chosen)), missing))
            for question in [each for number, each in enumerate(self.others()) if number in numbers]:
                self.add(question)

    def others(self) -> Iterator[Question]:
        """Every question that is not chosen yet, one at a time."""
        only_pods = World(self.world.namespaces, self.pods)
        return (question for question in each_question(only_pods, self.families) if question not in self.chosen)
