"""What an agent is to be asked for a question, and what its words are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.probe.circle import Circle
from conformance.world.door import DoorKind
from conformance.world.place import World
from conformance.world.question import NOT_RESOLVED, Answer, Question
from conformance.world.verdict import AnswerKind, Protocol

Line = tuple[Any, ...]
"""A question in the agent's words: address, port, protocol; with size and family where it is big, or the address is a name."""


def line_of(world: World, question: Question) -> Line | None:
    """The question in the agent's words; None where its destination is not there, or has no address of the family."""
    port, rest = question.port, (question.size,) if question.size else ()
    door = world.doors.get(question.destination)
    if door is not None:
        mine = next((each for each in door.ports if (each.number, each.protocol) == (question.port, question.protocol)), None)
        port = question.port if mine is None or mine.asked is None else mine.asked
        if door.kind is DoorKind.NAME:
            return door.name, port, question.protocol, question.size, question.family
    elif question.destination not in world.pods and question.destination not in world.hosts:
        return None
    address = world.address(question.destination, question.family)
    return None if address is None else (str(address), port, question.protocol, *rest)


def servers_of(world: World, question: Question) -> tuple[tuple[str, int], ...]:
    """Who may have to answer, with the port that must be served there: the destination itself, or all pods behind a door."""
    door = world.doors.get(question.destination)
    if door is None:
        return ((question.destination, question.port),)
    return tuple((pod.ref, target) for pod, target in world.backends(door, question.port, question.protocol))


def owner(world: World, question: Question, address: str) -> str:
    """Whose address it is, the destination first: pods in their node's network share one. The address itself where it is nobody's."""
    places = sorted(world.places(), key=lambda place: place.ref != question.destination)
    return next((place.identity for place in places if address in map(str, place.addresses)), address)


@dataclass(frozen=True, slots=True)
class Witness:
    """What an agent confirms of itself for a round: the ports that it served all the time, and that it was let run."""

    ports: Sequence[Sequence[Any]]
    was_running: bool


@dataclass(frozen=True, slots=True)
class Hearing:
    """All that is known after a round: what each question was told, who replied, and what the silent servers confirm."""

    world: World
    circle: Circle
    told: Mapping[Question, Sequence[Any]]
    replied: frozenset[str]
    witnesses: Mapping[str, Witness]

    def answer(self, question: Question) -> Answer:
        """The answer, broken where nobody can be believed."""
        if question.source not in self.replied:
            return Answer(AnswerKind.BROKEN, detail=self.circle.why(question.source))
        if question not in self.told:
            return Answer(AnswerKind.BROKEN, detail=f"{question.destination} has no {question.family} address")
        kind, responder, seen, latency, detail = self.told[question]
        answer = Answer(AnswerKind(kind), responder, seen, latency, detail)
        if answer.kind is AnswerKind.CONNECTED:
            is_echo = question.protocol is Protocol.ICMP
            return Answer(answer.kind, owner(self.world, question, responder), None, latency) if is_echo else answer
        if answer.kind is not AnswerKind.BROKEN and (doubt := self._doubt(question, detail)):
            return Answer(AnswerKind.BROKEN, latency=latency, detail=doubt)
        return answer

    def _doubt(self, question: Question, detail: str) -> str:
        """Why a silence says nothing: somebody who may have had to answer does not confirm that he could. "" where all do.

        Which pod a door has led to nobody knows: so all behind it must confirm. Behind a door without pods nobody has to. A name
        that was not resolved says nothing of them: it is the name servers that were silent, which are no probes; that they
        are ready is the cluster's word.
        """
        if detail.startswith(NOT_RESOLVED):
            return ""
        doubts = (self._doubt_of(ref, port, question) for ref, port in servers_of(self.world, question))
        return next(filter(None, doubts), "")

    def _doubt_of(self, ref: str, port: int, question: Question) -> str:
        witness, lane = self.witnesses.get(ref), f"{port}/{question.protocol}"
        if witness is None:
            return f"{ref} does not confirm that it was serving {lane}: {self.circle.why(ref)}"
        if question.protocol is Protocol.ICMP:
            return ""  # the kernel answers
        if [port, question.protocol, question.family] not in witness.ports:
            own = "; ".join(self.circle.probes[ref].faults) or "it did not reach this port of its own"
            return f"{ref} was not serving {lane} over {question.family}: {own}"
        if not witness.was_running:
            return f"{ref} was too late itself to answer on {lane}: its node is too busy, or somebody stopped it"
        return ""
