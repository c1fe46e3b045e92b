"""The scenarios of a large world: what bites when there is much of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import yaml

from conformance.judge.finding import counted
from conformance.large import policies
from conformance.large.layout import layout_of
from conformance.scenario.scenario import Action, Apply, Delete, Layout, Relabel, Sample, Scenario, Step
from conformance.size import WorldSize
from conformance.world.verdict import Family

GROUP = "large-world"
"""The group of these scenarios; there is no folder of this name."""

_SOME = 10
"""Labels are changed in each namespace of this many."""


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc] # libyaml, where PyYAML has it
    """Writes what is the same object in several places out in each of them."""

    def ignore_aliases(self, _: object) -> bool:
        """See PyYAML."""
        return True


Make = Callable[[Layout], tuple[policies.Policies, tuple[Action, ...]]]


def scenarios_of(size: WorldSize) -> tuple[Scenario, ...]:
    """The scenarios of a world of this size; they share its layout, and ask the sample that the size says."""
    layout = layout_of(size)
    return tuple(_scenario(name, about, layout, make, Sample(size.questions, size.seed)) for name, (about, make) in _FAMILY.items())


def told(size: WorldSize, families: Collection[Family]) -> str:
    """What a report says of a world of this size: how much of it is asked, and what cannot be seen."""
    layout = layout_of(size)
    possible = sum(len(plan.serves) for _, plan in layout.pods()) * (size.pods - 1) * len(families)
    world = f"{size.pods:,} pods in {counted(size.namespaces, 'namespace')}"
    if size.questions >= possible:
        return f"{world}, all {possible:,} questions asked"
    return (
        f"{world}, {size.questions:,} of {possible:,} possible questions asked at most (seed {size.seed}): each scenario says which; what "
        "the plugin does to one pair of pods only is seen where that pair was asked"
    )


def _scenario(name: str, about: str, layout: Layout, make: Make, sample: Sample) -> Scenario:
    documents, actions = make(layout)
    return Scenario(
        name=name,
        about=about,
        because="What holds for nine pods holds for hundreds.",
        layout=layout,
        policies={key: yaml.dump(each, Dumper=_Dumper, sort_keys=False, width=1000) for key, each in documents.items()},
        steps=tuple(Step(action, ()) for action in actions),
        path=Path(f"{name}.yaml"),
        group=GROUP,
        sample=sample,
    )


def _denied(layout: Layout) -> tuple[policies.Policies, tuple[Action, ...]]:
    found = policies.deny_everything(layout)
    return found, (Apply(tuple(found)), Delete(tuple(found)))


def _tiers(layout: Layout) -> tuple[policies.Policies, tuple[Action, ...]]:
    found = policies.tiers(layout)
    # Both serve the same ports: everybody reaches the new web, few the new api; and either reaches what the other did.
    turned = {ref: {"tier": tier} for old, tier in (("web", "api"), ("api", "web")) for ref in _of_tier(layout, old)}
    return found, (Apply(tuple(found)), *((Relabel(turned),) if turned else ()))


def _teams(layout: Layout) -> tuple[policies.Policies, tuple[Action, ...]]:
    found = policies.teams(layout)
    moved = {name: {"team": "search" if layout.namespaces[name].labels["team"] != "search" else "data"} for name in _some(layout)}
    return found, (Apply(tuple(found)), Relabel(moved), Delete(tuple(key for key in found if key.startswith("newer"))))


def _egress(layout: Layout) -> tuple[policies.Policies, tuple[Action, ...]]:
    found = policies.egress(layout)
    return found, (Apply(tuple(found)),)


def _of_tier(layout: Layout, tier: str) -> Iterable[str]:
    """A pod of this tier in some of the namespaces."""
    for name in _some(layout):
        yield from [f"{name}/{pod}" for pod, plan in layout.namespaces[name].pods.items() if plan.labels["tier"] == tier][:1]


def _some(layout: Layout) -> list[str]:
    return list(layout.namespaces)[::_SOME]


_FAMILY: dict[str, tuple[str, Make]] = {
    "default-deny-of-everything": ("A default deny in every namespace stops everybody, and without it all goes on.", _denied),
    "tiers-within-each-namespace": (
        "Five policies in every namespace let the tiers of an application in, and follow their labels.",
        _tiers,
    ),
    "teams-across-namespaces": ("Namespaces let in those of their own team, whose labels change, and two rules at once add up.", _teams),
    "egress-of-stage-and-databases": ("What is in stage stays in stage, and databases ask nobody.", _egress),
}
