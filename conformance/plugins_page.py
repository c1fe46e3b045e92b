"""docs/plugins.md: how each plugin is installed, what it has and lacks, and what it is known to get wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from conformance.cluster.plugin import KUBE_PROXY_MODES, Descriptor, Helm, ImageOf, InPod, Manifest, NodeCommand, NodeFile, OnNode, Step
from conformance.report.markdown import in_cell
from conformance.world.deviation import KnownDeviation

RESTART_PLUGIN, RESTART_NODE = "restart-plugin", "restart-node"

HEAD = """# Plugins

{count} plugins, each a folder of [fixtures/plugins/](../fixtures/plugins): `cni-conformance cluster plugins --markdown > docs/plugins.md`
writes this page from their descriptors. [How to write one](writing-a-plugin.md), and what the cluster around a plugin looks like.

    cni-conformance run --cni NAME                                        # on a cluster of kind that is made for it
    cni-conformance run --cluster kubeconfig:CONTEXT --cni NAME           # on your own: its capabilities and known deviations count

*Lacks*: capabilities that scenarios may need and that it does not have; those scenarios are *not-supported*.
*Known deviations*: scenarios that it is known to fail; the day such a scenario passes, the run is red.
Of a plugin that was never run none is known.
"""

CAPABILITIES = """## The capabilities

What a scenario may need beyond the core of NetworkPolicy. A plugin for one family of addresses lacks the other one;
nodes can be restarted (`restart-node`) in clusters of kind, and `--outside` names outside hosts where kind makes none.
"""


def plugins_page(plugins: Iterable[Descriptor], capabilities: Mapping[str, str]) -> str:
    """The page. `capabilities` are all names with a sentence each."""
    known = sorted(plugins, key=lambda plugin: plugin.name)
    parts = [HEAD.format(count=len(known)), _overview(known, capabilities)]
    by_name = {plugin.name: plugin for plugin in known}
    parts += [_section(plugin, by_name.get(plugin.same_deviations_as), capabilities) for plugin in known]
    parts += [CAPABILITIES, "\n".join(f"- `{name}`: {sentence}" for name, sentence in capabilities.items())]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _overview(plugins: Iterable[Descriptor], capabilities: Mapping[str, str]) -> str:
    rows = ["| plugin | version | enforces policies | families | lacks | known deviations |", "|---|---|---|---|---|---|"]
    for plugin in plugins:
        cells = (
            f"[{plugin.name}](#{plugin.name})",
            plugin.version,
            "yes" if plugin.enforces else "no",
            ", ".join(plugin.families),
            ", ".join(_lacked(plugin, capabilities)) or "nothing",
            _counted(plugin),
        )
        rows.append(f"| {' | '.join(map(in_cell, cells))} |")
    return "\n".join(rows)


def _counted(plugin: Descriptor) -> str:
    shared = f", with those of {plugin.same_deviations_as}" if plugin.same_deviations_as else ""
    return f"{len(plugin.known_deviations) or 'none'}{shared}"


def _owned(plugin: Descriptor) -> frozenset[str]:
    """What it has in a cluster of kind, whose nodes can be restarted."""
    return plugin.capabilities | {RESTART_NODE} | ({RESTART_PLUGIN} if plugin.restart else set())


def _lacked(plugin: Descriptor, capabilities: Mapping[str, str]) -> list[str]:
    return [name for name in capabilities if name not in _owned(plugin)]


def _section(plugin: Descriptor, twin: Descriptor | None, capabilities: Mapping[str, str]) -> str:
    """One plugin; `twin` is the one whose known deviations are its, too."""
    lines = [
        f"- **Version**: {plugin.version}, for which this was written. {_probed(plugin)}",
        f"- **From**: {', '.join([f'<{plugin.homepage}>', *filter(None, [plugin.organization]), *map(_address, plugin.contact)])}",
        f"- **Families**: {_families(plugin)}",
        f"- **Has**: {', '.join(name for name in capabilities if name in _owned(plugin))}",
        f"- **Lacks**: {', '.join(_lacked(plugin, capabilities)) or 'nothing'}",
        f"- **Ready** when these are: {', '.join(['nodes', 'CoreDNS', *map(str, plugin.ready)])}",
        f"- **Restarted** by deleting the pods {_pods(plugin)}" if plugin.restart else "- **Restarted**: it has no agents",
    ]
    if plugin.kube_proxy != KUBE_PROXY_MODES:
        lines.append(f"- **kube-proxy**: {', '.join(plugin.kube_proxy)} only")
    if plugin.offline:
        lines.append("- **Without a registry**: its image is built on the spot (`--setup`)")
    head = f"## {plugin.name}\n\n**{plugin.title}.** {plugin.about}"
    return "\n\n".join([head, "\n".join(lines), _install(plugin), _deviations(plugin, twin)])


def _probed(plugin: Descriptor) -> str:
    match plugin.version_probe:
        case ImageOf(namespace, name):
            return f"What really runs is told by the image of DaemonSet `{namespace}/{name}`."
        case InPod(_, selector, container, command):
            return f"What really runs is asked by {_command(command)} in container `{container}` of a pod `{selector}`."
        case OnNode(command):
            return f"What really runs is asked by {_command(command)} on a node."


def _families(plugin: Descriptor) -> str:
    others = [f"`--family {family}`" for family in plugin.families if family != plugin.default_family]
    return f"{plugin.default_family} by default, or {', '.join(others)}" if others else f"{plugin.default_family} only"


def _pods(plugin: Descriptor) -> str:
    return ", ".join(f"`{each.selector}` in `{each.namespace}`" for each in plugin.restart)


def _install(plugin: Descriptor) -> str:
    folder = f"../fixtures/plugins/{plugin.name}"
    steps = [_step(step, folder) for step in plugin.install]
    told = "\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1)) or "1. nothing: kind brings it along"
    return f"Installed on kind ([configuration]({folder}/{plugin.kind})):\n\n{told}"


def _step(step: Step, folder: str) -> str:
    match step:
        case Helm(release, namespace, chart, repository, version, values):
            given = f", with [{values}]({folder}/{values})" if values else ""
            return f"chart `{chart}` {version} of <{repository}> as release `{release}` in `{namespace}`{given}"
        case Manifest(url=str(url)):
            return f"manifest <{url}> (or another one: `--cni-manifest`)"
        case Manifest(file=file):
            return f"manifest [{file}]({folder}/{file})"
        case NodeCommand(run, because, unless):
            spared = f", except where {_command(unless)} succeeds" if unless else ""
            return f"on every node {_command(run)}{spared}: {because}"
        case NodeFile(path, template):
            return f"on every node the file `{path}`, from [{template}]({folder}/{template})"
        case _:
            return "on every node routes to the pods of the others"


def _command(words: Sequence[str]) -> str:
    """A command as code; of a shell only what it is told to do."""
    text = words[2] if len(words) == 3 and words[:2] == ("sh", "-c") else " ".join(words)
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _deviations(plugin: Descriptor, twin: Descriptor | None) -> str:
    shared = twin.known_deviations if twin else ()
    own = [each for each in plugin.known_deviations if each not in shared]
    if not own and not shared:
        return "Known deviations: none is known."
    parts = []
    if twin:
        parts.append(
            f"Known deviations: all {len(shared)} of [{twin.name}](#{twin.name}), which has the same code{'; and' if own else '.'}"
        )
    if own:
        parts.append("\n".join(_table(own)))
    return "\n\n".join(parts)


def _table(deviations: Iterable[KnownDeviation]) -> Iterator[str]:
    yield "| known deviation: scenario | where | because | source |"
    yield "|---|---|---|---|"
    for each in deviations:
        where = ", ".join([*(f"`{cell}`" for cell in each.cells), *(kind.value for kind in each.kinds)]) or "anywhere"
        often = " (sometimes)" if each.sometimes else ""
        yield f"| {' | '.join(map(in_cell, (each.scenario, f'{where}{often}', each.because, _address(each.source))))} |"


def _address(text: str) -> str:
    """A thread of GitHub by its number, another address as it is, and anything else as text."""
    thread = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+)/(?:issues|pull)/(\d+)", text)
    if thread:
        return f"[{thread[1]}#{thread[2]}]({text})"
    return f"<{text}>" if re.match(r"https?://", text) else text
