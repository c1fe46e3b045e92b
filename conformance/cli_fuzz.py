"""The command `fuzz`: random policies against the model."""

from __future__ import annotations

import random
import re
import sys
import time
from pathlib import Path

import click

from conformance.cli import view_of, with_settings
from conformance.cli_cluster import plain_errors
from conformance.exit_code import ALL_PASSED, SOMETHING_FAILED
from conformance.settings import OPTIONS, Settings

GRACE = 2.0
"""What is under way when the budget is over (a case that is being shrunk) may take so many times the budget in all."""


_OF_SCENARIOS = ("--disruptive", "--shard", "--world", "--report", "--baseline")
"""Options of a run that mean nothing to a hunt: it has no selection to divide, disrupts nobody and leaves no record."""


class Budget(click.ParamType):  # type: ignore[type-arg] # generic in newer releases only
    """Seconds, written `90s`, `10m` or `1h`."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds; a plain number is seconds, too."""
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", str(value))
        if found is None:
            self.fail(f"{value!r} is no time such as 90s, 10m or 1h", param, ctx)
        return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


@click.command()
@with_settings(*(option.flag for option in OPTIONS if option.flag not in _OF_SCENARIOS))
@click.option("--seed", type=int, help="Makes the same cases again. Default: another one each time; it is shown.")
@click.option("--budget", type=Budget(), default="10m", show_default=True, help="How long to hunt: 90s, 10m, 1h.")
@click.option("--policies", "most", type=click.IntRange(min=1), help="Stop after so many random policies.")
@click.option("-n", "workers", type=click.IntRange(min=1), default=3, show_default=True, help="Cases that are measured at the same time.")
@click.option("-x", "stops_at_first", is_flag=True, help="Stop at the first disagreement, once it is shrunk and written.")
@click.option("--with-known", "has_known", is_flag=True, help="Try also what the plugin's descriptor says it gets wrong.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=".", help="Folder for the scenario files. Default: here.")
@click.pass_context
def fuzz(context: click.Context, /, settings: Settings, seed: int | None, budget: float, most: int | None, out: Path, **how: int) -> None:
    """Random policies, labels and changes: does the cluster do what the model says?

    Each disagreement is shrunk on the cluster to the smallest scenario file that still shows it. What the plugin does not offer, and what
    its descriptor says it gets wrong, is left out of the cases.

    \b
    Exit code 0 none found · 1 some, each with its file · 2 wrong usage · 3 the world was broken · 4 nothing enforces policies
    """
    from conformance.fuzz.grammar import Language
    from conformance.fuzz.ground import ASKED_FOR, hunting_ground, layout_for
    from conformance.fuzz.hunt import Hunt
    from conformance.fuzz.known import left_out, told

    view, seed = view_of(context), random.SystemRandom().randrange(10**6) if seed is None else seed
    view.say(f"seed {seed}")
    out.mkdir(parents=True, exist_ok=True)
    with plain_errors(), hunting_ground(settings, how["workers"], view) as ground:
        layout, plugin, offers = layout_for(ground.target), ground.target.plugin, ground.capabilities
        known = left_out(plugin.known_deviations if plugin and not how["has_known"] else ())
        for line in told([name for name in ASKED_FOR if name not in offers], known):
            view.say(line)
        began = time.monotonic()

        def is_over(has_grace: bool) -> bool:  # noqa: FBT001 - a word of its own at both callers would say no more
            return time.monotonic() - began > budget * (GRACE if has_grace else 1.0)

        language = Language(
            layout, ground.target.families, "end-port" in offers, "named-port" in offers, tuple(each.feature for each in known)
        )
        hunt = Hunt(language, seed, out, is_over, view.say, most or 0, stops_at_first=bool(how["stops_at_first"]))
        hunt.run(ground.stages)
    click.echo(
        f"seed {seed}: {hunt.cases} cases with {hunt.policies} policies in {time.monotonic() - began:.0f} s, "
        f"{len(hunt.catches)} disagreements"
    )
    for catch in hunt.catches:
        click.echo(f"  {catch.path}: {catch.sentence}" + ("" if catch.is_repeatable else " (seen once)"))
    sys.exit(SOMETHING_FAILED if hunt.catches else ALL_PASSED)
