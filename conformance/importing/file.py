"""The scenario file of an import."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.importing.choice import choose
from conformance.importing.expecting import expect_of, verdicts_of
from conformance.manifests.inventory import Inventory
from conformance.scenario.check import needed
from conformance.scenario.fictive import fictive_world
from conformance.scenario.scenario import Apply, Scenario, Step
from conformance.scenario.writing import Block, file_text, layout_document
from conformance.world.policy import NetworkPolicy


class NothingToImport(ValueError):
    """There is nothing of which a scenario could be made. The message says what is missing."""


@dataclass(frozen=True, slots=True)
class Imported:
    """The text of a scenario file, a sentence of what is in it, and sentences of what is not."""

    text: str
    summary: str
    left_out: tuple[str, ...]


def import_of(inventory: Inventory, name: str, origin: str) -> Imported:
    """A scenario of this name. `origin` says where the manifests come from. Raises NothingToImport."""
    chosen = choose(inventory)
    if not chosen.layout.namespaces:
        raise NothingToImport("there is no workload (Deployment, Pod …) of which a pod could be made")
    if not chosen.policies:
        raise NothingToImport("there is no NetworkPolicy in the namespaces of the workloads")
    texts = {key: Block(file_text(document)) for key, document in chosen.policies.items()}
    spaces = ", ".join(chosen.layout.namespaces)
    scenario = Scenario(
        name=name,
        about=f"The policies of {spaces} let through what the table says.",
        because="Imported from manifests: the table is the model's, to be read by those whose policies they are.",
        layout=chosen.layout,
        policies=texts,
        steps=(Step(Apply(tuple(texts)), ()),),
        path=Path(f"{name}.yaml"),
        group="imported",
        fault_class="rules",
        origin=(f"imported from {origin}",),
    )
    verdicts = verdicts_of(fictive_world(chosen.layout), map(NetworkPolicy.from_document, chosen.policies.values()))
    if not verdicts:
        raise NothingToImport(
            "there is nothing to ask: that takes two pods, and a port that one declares or that a Service leads to by number"
        )
    unknown = sum(1 for verdict in verdicts.values() if verdict is None)
    if unknown == len(verdicts):
        raise NothingToImport("every question depends on the addresses that a cluster gives (ipBlock): there is nothing to expect")
    left_out = (*chosen.left_out.sentences(), *_of_addresses(unknown, len(verdicts)), *inventory.unknown)
    text = "".join(_head(left_out)) + file_text(_content(scenario, expect_of(verdicts)))
    return Imported(text, f"{_counts(scenario)}; {len(verdicts)} questions", left_out)


def _content(scenario: Scenario, expect: Any) -> dict[str, Any]:
    wanted = sorted(needed(scenario))
    return {
        "name": scenario.name,
        "about": scenario.about,
        "because": scenario.because,
        "class": scenario.fault_class,
        "origin": list(scenario.origin),
        **({"needs": wanted} if wanted else {}),
        "layout": layout_document(scenario.layout),
        "policies": scenario.policies,
        "steps": [{"apply": list(scenario.policies), "expect": expect}],
    }


def _counts(scenario: Scenario) -> str:
    layout = scenario.layout
    pods, services = sum(1 for _ in layout.pods()), sum(1 for _ in layout.services())
    counts = (len(layout.namespaces), "namespace"), (pods, "pod"), (services, "Service"), (len(scenario.policies), "policy")
    return ", ".join(_many(*each) for each in counts)


def _of_addresses(unknown: int, total: int) -> Iterator[str]:
    if unknown:
        yield f"{unknown} of {total} questions depend on addresses (ipBlock): expect says nothing of them, the model judges them in the run"


def _many(number: int, word: str) -> str:
    plural = f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
    return f"{number} {word if number == 1 else plural}"


_READ_ME = (
    "What stands under `expect` is what the model says the policies mean. Read it: is it what you want? Where it is not, your policies are "
    "wrong, and no run will tell you so. A run tells whether a plugin does what stands here."
)


def _head(left_out: tuple[str, ...]) -> Iterator[str]:
    for sentence in (_READ_ME, *(f"Not as in the manifests: {each}." for each in left_out)):
        plain = "".join(letter if letter.isprintable() else "?" for letter in sentence)
        yield "".join(f"# {line}\n" for line in textwrap.wrap(plain, 120))
