"""The install steps of a plugin, carried out on a kind cluster."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import tenacity
import urllib3
import yaml
from kubernetes import client, config, dynamic
from kubernetes.dynamic.exceptions import ResourceNotFoundError

from conformance.cluster.broken import BrokenCluster
from conformance.cluster.commands import BrokenCommand, Commands
from conformance.cluster.connection import TRY_AGAIN
from conformance.cluster.plugin import Descriptor, Helm, Manifest, NodeCommand, NodeFile, Routes
from conformance.cluster.ready import NodeFacts
from conformance.cluster.toolbox import Toolbox

_OWNER = "cni-conformance"
_DOWNLOAD_LIMIT = 30.0
_NODE_COMMAND_LIMIT = 300.0
_ESTABLISH_LIMIT = 30.0
"""Seconds until the API server serves a kind that the same manifest has defined, and until one that is too busy is not."""


class Installation:
    """A plugin on its way into a cluster.

    `nodes` gives the nodes once all have joined; it is only asked by steps that need them. `values` are those of the
    templates (name, family, workers, kube_proxy).
    """

    def __init__(
        self,
        commands: Commands,
        toolbox: Toolbox,
        kubeconfig: Path,
        plugin: Descriptor,
        values: Mapping[str, object],
        nodes: Callable[[], list[NodeFacts]],
    ) -> None:
        self._commands, self._toolbox, self._kubeconfig, self._plugin = commands, toolbox, kubeconfig, plugin
        self._values, self._nodes = values, nodes

    def run(self) -> None:
        """All steps in their order. Raises BrokenCluster with the step that failed and why."""
        for step in self._plugin.install:
            match step:
                case Helm():
                    self._helm(step)
                case Manifest():
                    self._manifest(step)
                case NodeCommand():
                    self._on_all_nodes(partial(self._node_command, step))
                case NodeFile():
                    self._on_all_nodes(partial(self._node_file, step))
                case Routes():
                    self._on_all_nodes(self._routes)

    def _helm(self, step: Helm) -> None:
        """The chart from this machine where the toolbox has it, else from its repository."""
        if self._toolbox.helm is None:
            raise BrokenCluster(
                f"plugin {self._plugin.name} is installed by Helm, and helm is not on this machine: https://helm.sh/docs/intro/install/"
            )
        folder = self._commands.folder
        chart = self._toolbox.charts.get(step.chart)
        source = [str(chart)] if chart else [step.chart, "--repo", step.repository, "--version", step.version]
        values: list[Path] = []
        if step.values:
            values.append(folder / f"values-{step.release}.yaml")
            values[0].write_text(self._plugin.render(step.values, **self._values))
        values += self._toolbox.values.get(step.release, ())
        options = [word for path in values for word in ("--values", str(path))]
        try:
            self._commands.run(
                self._toolbox.helm, "install", step.release, *source, "--namespace", step.namespace, "--create-namespace",
                "--kubeconfig", self._kubeconfig, "--repository-cache", folder / "helm",
                "--registry-config", folder / "helm" / "registry.json", "--repository-config", folder / "helm" / "repositories.yaml",
                *options,
                limit=180.0,
            )  # fmt: skip
        except BrokenCommand as error:
            raise BrokenCluster(
                f"the chart {step.chart} {step.version} of plugin {self._plugin.name} could not be installed "
                f"from {chart or step.repository}: {error}"
            ) from error

    def _manifest(self, step: Manifest) -> None:
        """Every object of the manifest by server-side apply."""
        if step.url is not None:
            text, source = self._download(step.url), step.url
        elif step.file is not None and Path(step.file).is_absolute():
            text, source = Path(step.file).read_text(), step.file
        else:
            text, source = self._plugin.render(str(step.file), **self._values), str(step.file)
        try:
            documents = list(objects(yaml.safe_load_all(text)))
            apply(self._kubeconfig, documents, self._commands.folder / "discovery.json")
        except yaml.YAMLError as error:
            raise BrokenCluster(f"the manifest {source} of plugin {self._plugin.name} is not YAML: {error}") from error
        except BrokenCluster as error:
            raise BrokenCluster(f"the manifest {source} of plugin {self._plugin.name}: {error}") from error

    def _download(self, url: str) -> str:
        """The text behind a URL; transient failures are tried again."""

        @tenacity.retry(
            retry=tenacity.retry_if_exception(_is_transient),
            stop=tenacity.stop_after_attempt(3),
            wait=tenacity.wait_exponential(1),
            reraise=True,
        )
        def text() -> str:
            with urllib.request.urlopen(url, timeout=_DOWNLOAD_LIMIT) as answer:  # noqa: S310 - the schema allows http and https only
                return str(answer.read().decode())

        try:
            return text()
        except OSError as error:
            reason = getattr(error, "reason", None) or error
            raise BrokenCluster(
                f"the manifest of plugin {self._plugin.name} cannot be had from {url}: {reason}. Give a copy of it as a file or another URL"
            ) from error

    def _on_all_nodes(self, work: Callable[[NodeFacts], None]) -> None:
        """The same work on every node at once; the first failure is told."""
        nodes = self._nodes()
        with ThreadPoolExecutor(len(nodes)) as pool:
            list(pool.map(work, nodes))

    def _exec(self, node: NodeFacts, *command: str, stdin: str = "") -> str:
        words: tuple[str | Path, ...] = (self._toolbox.docker, "exec", "--interactive", node.name, *command)
        return self._commands.run(*words, stdin=stdin, limit=_NODE_COMMAND_LIMIT)

    def _node_command(self, step: NodeCommand, node: NodeFacts) -> None:
        if step.unless:
            try:
                self._exec(node, *step.unless)
                return
            except BrokenCommand:
                pass  # that is the answer: it is to be done here
        try:
            self._exec(node, *step.run)
        except BrokenCommand as error:
            raise BrokenCluster(f"node {node.name} could not be prepared ({step.because}): {error}") from error

    def _node_file(self, step: NodeFile, node: NodeFacts) -> None:
        """Written beside its place and moved there, so that nobody reads half of it."""
        text = self._plugin.render(step.template, **self._values, node=node.name, pod_ranges=[str(each) for each in node.pod_ranges])
        self._exec(node, "sh", "-c", 'mkdir -p "${1%/*}" && cat > "$1.new" && mv "$1.new" "$1"', "sh", step.path, stdin=text)

    def _routes(self, node: NodeFacts) -> None:
        lines = [f"route replace {destination} via {via}" for destination, via in ways(each for each in self._nodes() if each != node)]
        self._exec(node, "ip", "-batch", "-", stdin="\n".join(lines) + "\n")


def ways(nodes: Iterable[NodeFacts]) -> Iterator[tuple[Any, Any]]:
    """(pod range, address of the node that owns it), for each range of each node."""
    for node in nodes:
        for pod_range in node.pod_ranges:
            if address := node.address(pod_range.version):
                yield pod_range, address


def objects(documents: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    """The objects in a manifest's documents, those inside a List one by one.

    Raises BrokenCluster for a document that is no object.
    """
    for document in documents:
        if document is None:
            continue
        if isinstance(document, dict) and str(document.get("kind")).endswith("List") and isinstance(document.get("items"), list):
            yield from objects(document["items"])
        elif isinstance(document, dict) and document.get("kind") and (document.get("metadata") or {}).get("name"):
            yield document
        else:
            raise BrokenCluster(f"this is no Kubernetes object: {str(document)[:80]!r}")


def apply(kubeconfig: Path, documents: Sequence[Mapping[str, Any]], discovery: Path) -> None:
    """Apply objects of any kind, in their order; a kind that an earlier object defines is waited for.

    `discovery` is the file that the client keeps the server's kinds in (by itself it would leave one in the machine's
    temporary folder). Raises BrokenCluster with the object and the server's reason.
    """
    api = config.new_client_from_config(config_file=str(kubeconfig))
    try:
        resources = _patiently(dynamic.DynamicClient, api, cache_file=str(discovery))
        for document in documents:
            _apply_one(resources, document)
    except urllib3.exceptions.HTTPError as error:
        raise BrokenCluster(f"the API server does not answer: {error}") from error
    except client.ApiException as error:
        raise BrokenCluster(f"the API server does not tell its kinds: {_reason(error)}") from error
    finally:
        api.close()


def _apply_one(resources: Any, document: Mapping[str, Any]) -> None:
    kind, name = document["kind"], document["metadata"]["name"]
    deadline = time.monotonic() + _ESTABLISH_LIMIT
    while True:
        try:
            resource = resources.resources.get(api_version=document.get("apiVersion"), kind=kind)
            namespace = document["metadata"].get("namespace", "default") if resource.namespaced else None
            options = {"name": name, "namespace": namespace, "field_manager": _OWNER, "force_conflicts": True}
            _patiently(resources.server_side_apply, resource, body=dict(document), **options)
            return
        except ResourceNotFoundError as error:
            if time.monotonic() > deadline:
                raise BrokenCluster(f"this cluster does not know the kind {kind} ({document.get('apiVersion')})") from error
            time.sleep(0.5)
            resources.resources.invalidate_cache()
        except client.ApiException as error:
            raise BrokenCluster(f"{kind} {name} was refused: {_reason(error)}") from error


def _patiently(method: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Again and again while the API server says that it is too busy: on a new cluster all starts at the same time."""
    tries = tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda error: isinstance(error, client.ApiException) and error.status in TRY_AGAIN),
        stop=tenacity.stop_after_delay(_ESTABLISH_LIMIT),
        wait=tenacity.wait_exponential(0.1, max=1.0),
        reraise=True,
    )
    return tries(method, *arguments, **options)


def _reason(error: Any) -> str:
    return f"{error.status} {error.reason} {error.body or ''}"


def _is_transient(error: BaseException) -> bool:
    """Worth another try: the server's own trouble or the way to it; not an answer, and not a name that does not exist."""
    if isinstance(error, urllib.error.HTTPError):
        return error.code >= 500 or error.code == 429
    return isinstance(error, TimeoutError | ConnectionError)
