"""What is gathered when a scenario fails, from a cluster that can be looked into."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import sample_run
from scenario_file import text, write
from standing import TARGET, TIMES

from conformance.cluster.broken import BrokenCluster
from conformance.cluster.inspection import NodeAccess
from conformance.cluster.plugin import Descriptor, load
from conformance.cluster.restart import PodsOf
from conformance.cluster.streams import BrokenStream
from conformance.diagnostics import MOST, Diagnostics, clear, taken_of, taking
from conformance.diagnostics.bundle import FILE, WHOLE, Bundle
from conformance.diagnostics.wrong import wrong_cells
from conformance.notes import Notes
from conformance.pipeline import play
from conformance.record import Run, ScenarioRecord
from conformance.scenario.load import load as load_scenario
from conformance.simulated.cluster import SimulatedCluster
from conformance.simulated.plane import Plane
from conformance.stage import Stage
from conformance.world.verdict import Outcome
from conformance.worlds import Worlds

CILIUM = load("cilium")
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl"  # noqa: S105 # nobody's


class Leaky(Plane):
    """A plugin that lets everything through."""

    def is_let_through(self, flow: Any) -> bool:
        return True


class Packets:
    """A capture that saw one packet in each network."""

    def __init__(self, node: str, argument: str, says: Sequence[str | None]) -> None:
        self.node, self.argument, self.says = node, json.loads(argument), list(says)
        self.is_closed = False

    def send(self, line: str) -> None:
        self.was_told = line

    def receive(self, timeout: float) -> str | None:
        if not self.says:
            raise BrokenStream("the program on outside host node ended with exit code 1")
        return self.says.pop(0)

    def close(self) -> None:
        self.is_closed = True


CAPTURED = json.dumps(
    {
        "captures": [
            {"name": name, "pcap": base64.b64encode(name.encode()).decode(), "packets": 1, "cut": 0, "interfaces": {"eth0": 2}}
            for name in ("node", "pod")
        ],
        "why": "",
    }
)


class Seen:
    """An Inspection of a cluster in memory."""

    def __init__(self, *, has_nodes: bool = True, says: Sequence[str | None] = ("ready", CAPTURED)) -> None:
        self.asked: list[str] = []
        self.refused: set[str] = set()
        self.captures: list[Packets] = []
        self.says = says
        self.nodes = NodeAccess(self._on_node, self._capture) if has_nodes else None

    def _on_node(self, node: str, command: Sequence[str], limit: float) -> str:
        return self._said(f"{' '.join(command)} on {node}")

    def _capture(self, node: str, source: str, argument: str) -> Packets:
        self._said(f"capture on {node}")
        self.captures.append(Packets(node, argument, self.says))
        return self.captures[-1]

    def _said(self, what: str) -> str:
        self.asked.append(what)
        if any(word in what for word in self.refused):
            raise BrokenCluster(f"cannot do {what}: no permission")
        return f"what {what} says\n"

    def events(self, namespace: str, limit: float) -> list[dict[str, Any]]:
        self._said(f"events of {namespace.rpartition('-')[2]}")
        event = {"metadata": {}, "type": "Warning", "reason": "Late", "involvedObject": {"kind": "Pod", "name": "api"}}
        return [event | {"lastTimestamp": time, "message": time} for time in ("2026-11-21T09:00:02Z", "2026-11-21T09:00:01Z")]

    def objects(self, kind: str, namespace: str, limit: float) -> list[dict[str, Any]]:
        self._said(f"{kind} of {namespace.rpartition('-')[2]}")
        container = {"env": [{"name": "PASSWORD", "value": "hunter2"}], "command": ["python3", "x" * 5000]}
        return [{"metadata": {"name": kind, "managedFields": [{"manager": "me"}]}, "spec": {"containers": [container]}}]

    def pods_of(self, which: PodsOf, limit: float) -> list[dict[str, Any]]:
        self._said(f"agents {which.selector}")
        nodes = ("simulated-worker", "simulated-worker2", "elsewhere")
        return [
            {
                "metadata": {"name": f"agent-{node}", "namespace": which.namespace},
                "spec": {"nodeName": node, "containers": [{"name": "main", "env": [{"name": "PASSWORD", "value": "hunter2"}]}]},
            }
            for node in nodes
        ]

    def log(self, namespace: str, name: str, container: str, seconds: int, limit: float) -> str:
        return self._said(f"log of {name}") + f"Authorization: Bearer {TOKEN}\n"

    def run_in_pod(self, namespace: str, name: str, container: str, command: Sequence[str], limit: float) -> str:
        return self._said(f"{' '.join(command)} in {name}")


def played(
    tmp_path: Path, seen: Seen | None, plane: type[Plane] = Leaky, plugin: Descriptor | None = CILIUM, taken: int = 0, **parts: str
) -> tuple[ScenarioRecord, Path]:
    """A scenario through the pipeline in a cluster that can be looked into; and where its diagnostics are to be."""
    cluster = SimulatedCluster(plane, TIMES)
    cluster.inspection = seen  # type: ignore[assignment] # the cluster in memory has none of its own
    scenario = load_scenario(write(tmp_path, text(**parts)))
    diagnostics = Diagnostics(tmp_path / "report", tmp_path / "claims", plugin)
    for _ in range(taken):
        diagnostics.claim()
    worlds = Worlds(cluster, TARGET, TIMES, "run", 0)
    record = play(scenario, worlds, TIMES, Notes(scenario, TARGET, "gw0"), diagnostics.of(scenario.name))
    return record, tmp_path / "report" / "diagnostics" / scenario.name


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_scenario_that_passes_has_none(tmp_path: Path) -> None:
    seen = Seen()
    record, folder = played(tmp_path, seen, Plane)
    assert (Outcome.PASSED, "", [], False) == (record.outcome, record.diagnostics, seen.asked, folder.exists())


def test_a_scenario_that_fails_has_all_of_it(tmp_path: Path) -> None:
    record, folder = played(tmp_path, Seen())
    assert (Outcome.FAILED, f"diagnostics/{record.name}") == (record.outcome, record.diagnostics)
    names = files(folder)
    assert {"about.md", "capture/source-pod.pcap", "capture/source-node.pcap", "capture/destination-pod.pcap"} <= names
    assert {"cilium-dbg-policy-get.txt", "nft-list-ruleset.txt", "ip-6-route-show-table-all.txt", "iptables-save-c.txt"} <= {
        Path(name).name for name in names
    }
    assert {"agent-simulated-worker.yaml", "agent-simulated-worker-main.log"} <= {Path(name).name for name in names}
    assert "plugin/kube-system/events.txt" in names
    assert {"events.txt", "pods.yaml", "policies.yaml", "services.yaml"} <= {Path(name).name for name in names if name.startswith("world/")}
    assert not [name for name in names if "elsewhere" in name]  # no end of the question is there
    about = (folder / "about.md").read_text()
    assert "must be blocked" in about
    assert "Asked once more while packets were captured: connected, answered by" in about
    for name in names - {"about.md"}:
        assert f"({name})" in about
    assert "Not here" not in about


def test_they_are_taken_while_the_policy_is_in_force(tmp_path: Path) -> None:
    seen = Seen()
    record, _ = played(tmp_path, seen)
    assert any(phase.name == "diagnostics" for phase in record.phases)
    assert 1 == sum(each.startswith("events of shop") for each in seen.asked)  # once, though later steps are wrong, too


def test_the_packets_are_those_of_both_ends_and_the_captures_are_ended(tmp_path: Path) -> None:
    seen = Seen()
    _, folder = played(tmp_path, seen)
    assert [True, True] == [each.is_closed for each in seen.captures]
    assert 2 == len({each.argument["identity"] for each in seen.captures})
    for each in seen.captures:
        assert len(each.argument["addresses"]) >= 2
    assert b"pod" == (folder / "capture" / "source-pod.pcap").read_bytes()


def test_nothing_secret_is_in_them(tmp_path: Path) -> None:
    _, folder = played(tmp_path, Seen())
    whole = "".join(path.read_text() for path in folder.rglob("*") if path.is_file() and path.suffix != ".pcap")
    assert [False] * 3 == [word in whole for word in (TOKEN, "hunter2", "managedFields")]
    assert "value: (left out)" in whole
    assert "4800 more characters" in whole


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param({"seen": Seen(has_nodes=False)}, "packets are captured in a cluster of kind only", id="nodes that nobody reaches"),
        pytest.param({"seen": Seen(has_nodes=False)}, "\nAsked once more: connected", id="and who was asked again without them"),
        pytest.param({"seen": Seen(has_nodes=False)}, "no rules and routes of the nodes", id="rules that nobody reaches"),
        pytest.param({"seen": Seen(), "plugin": None}, "nobody said which one runs here", id="a plugin that nobody named"),
        pytest.param({"seen": Seen(says=())}, "no packets of the source: the program", id="a capture that cannot be started"),
        pytest.param({"seen": Seen(says=(None,))}, "the capture did not begin in time", id="a capture that does not begin"),
        pytest.param({"seen": Seen(says=("ready", None))}, "the capture did not end in time", id="a capture that does not end"),
        pytest.param({"seen": Seen(says=("ready", "?"))}, "no packets of the source: Expecting value", id="a capture that says nonsense"),
        pytest.param(
            {"seen": Seen(says=("ready", '{"why": "its process was not found on its node"}'))},
            "no packets in the network of",
            id="a pod whose process is not found",
        ),
    ],
)
def test_what_cannot_be_had_is_said(tmp_path: Path, arguments: dict[str, Any], sentence: str) -> None:
    record, folder = played(tmp_path, **arguments)
    assert Outcome.FAILED == record.outcome
    assert sentence in (folder / "about.md").read_text().replace("\\", "")


@pytest.mark.parametrize("word", ["events", "pods of", "agents", "log of", "cilium-dbg bpf", "nft", "capture"])
def test_what_is_refused_is_said_and_the_rest_is_there(tmp_path: Path, word: str) -> None:
    seen = Seen()
    seen.refused = {word}
    record, folder = played(tmp_path, seen)
    assert Outcome.FAILED == record.outcome
    assert "no permission" in (folder / "about.md").read_text()
    assert len(files(folder)) > 5


def test_a_fault_of_the_suite_here_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(*_: object) -> None:
        raise ZeroDivisionError("a slip")

    monkeypatch.setattr(taking, "reproduce", faulty)
    record, folder = played(tmp_path, Seen())
    assert Outcome.FAILED == record.outcome
    assert "something is missing by a fault of the suite: ZeroDivisionError" in (folder / "about.md").read_text().replace("\\", "")


def test_where_nothing_can_be_written_the_scenario_is_judged_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "report").write_text("a file")
    record, _ = played(tmp_path, Seen())
    assert (Outcome.FAILED, "") == (record.outcome, record.diagnostics)


def test_a_cluster_in_memory_has_nothing_to_see(tmp_path: Path) -> None:
    record, folder = played(tmp_path, None)
    assert (Outcome.FAILED, "", False) == (record.outcome, record.diagnostics, folder.exists())


def test_what_is_late_is_left_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    freed = threading.Event()

    class Slow(Seen):
        def events(self, namespace: str, limit: float) -> list[dict[str, Any]]:
            freed.wait()
            return super().events(namespace, limit)

    monkeypatch.setattr(taking, "LIMIT", 1.0)
    try:
        _, folder = played(tmp_path, Slow())
    finally:
        freed.set()
    assert "pieces were not there within 1 s" in (folder / "about.md").read_text()


def test_of_so_many_scenarios_and_no_more(tmp_path: Path) -> None:
    record, folder = played(tmp_path, Seen(), taken=MOST - 1)
    assert record.diagnostics
    record, _ = played(tmp_path, Seen(), taken=MOST)
    assert "" == record.diagnostics
    assert folder.exists()


def test_many_processes_together_take_no_more(tmp_path: Path) -> None:
    diagnostics = Diagnostics(tmp_path, tmp_path / "claims")
    assert MOST == sum(diagnostics.claim() for _ in range(3 * MOST))


def test_a_process_of_a_run_takes_them_where_its_run_has_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimulatedCluster, "inspection", Seen())
    monkeypatch.setattr(Plane, "is_let_through", Leaky.is_let_through)
    scenario = load_scenario(write(tmp_path, text()))
    for report, expected in ((tmp_path / "report", "diagnostics/sample"), (None, "")):
        folder = tmp_path / f"run-{expected.count('/')}"
        folder.mkdir()
        Stage.announce(folder, TARGET, TIMES, "run", report=report)
        stage = Stage.join(folder, "gw0")
        assert expected == stage.play(scenario).diagnostics
        stage.close()
    assert (tmp_path / "report" / "diagnostics" / "sample" / "about.md").is_file()


def test_a_wrong_cell_is_a_leak_between_pods_before_all_others() -> None:
    run = {each.name: each for each in sample_run.scenarios()}
    step = run["leaks-and-outages"].measurement.steps[1]
    cells = wrong_cells(step, ())
    assert "shop/other -> shop/api 80/TCP ipv4" == str(cells[0].question)
    assert 6 == len(cells)
    assert [] == wrong_cells(step, set(step.expected))


def test_the_page_of_a_run_counts_those_without() -> None:
    failed, *others = sample_run.scenarios()[1:4]
    taken = ScenarioRecord(failed.name, failed.judgement, diagnostics="diagnostics/x")
    assert "" == taken_of(Run(sample_run.facts(), (failed,)))
    assert "diagnostics of 1 scenario: diagnostics/ beside the record" == taken_of(Run(sample_run.facts(), (taken,)))
    assert taken_of(Run(sample_run.facts(), (taken, *others))).endswith(
        "; of 2 more that failed or are in error there are none (10 at the most)"
    )


def test_what_an_earlier_run_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "diagnostics" / name).mkdir(parents=True)
    (tmp_path / "diagnostics" / "a" / "about.md").write_text("")
    (tmp_path / "diagnostics" / "b" / "mine.txt").write_text("")
    clear(tmp_path)
    assert ["b"] == [path.name for path in (tmp_path / "diagnostics").iterdir()]


def test_a_long_log_keeps_its_end_and_a_long_text_its_beginning(tmp_path: Path) -> None:
    bundle = Bundle(tmp_path)
    bundle.text("log", "a log", "first " + "x" * FILE + " last", keeps_end=True)
    bundle.text("text", "a text", "first " + "x" * FILE + " last")
    log, text_ = ((tmp_path / name).read_text() for name in ("log", "text"))
    assert log.startswith("(11 bytes are cut here)\n")
    assert log.endswith(" last")
    assert text_.startswith("first ")
    assert text_.endswith("(11 bytes are cut here)\n")


def test_of_a_text_that_is_longer_than_any_file_only_what_is_near_is_looked_through(tmp_path: Path) -> None:
    bundle = Bundle(tmp_path)
    bundle.text("log", "a log", "x" * 3 * FILE + f" token: {TOKEN} last", keeps_end=True)
    kept = (tmp_path / "log").read_text()
    assert kept.endswith(" token: (left out) last")
    assert kept.startswith(f"({3 * FILE + len(f' token: {TOKEN} last') - FILE - len(TOKEN) + len('(left out)')} bytes are cut here)\n")


def test_a_text_in_which_nothing_stands_is_a_note_and_no_file(tmp_path: Path) -> None:
    bundle = Bundle(tmp_path)
    bundle.text("world/shop/services.yaml", "services", " \n")
    bundle.close("a", [])
    assert {"about.md"} == files(tmp_path)
    assert "- world/shop/services.yaml (services): none" in (tmp_path / "about.md").read_text()


def test_a_bundle_has_a_size_and_says_what_is_left_out(tmp_path: Path) -> None:
    bundle = Bundle(tmp_path)
    for number in range(WHOLE // FILE + 1):
        bundle.data(f"{number}", "a file", b"x" * FILE)
    bundle.close("a", [])
    assert WHOLE // FILE == len(bundle.files)
    assert "- 8 (a file) is left out: a bundle has 4 MB at the most" in (tmp_path / "about.md").read_text()


def test_what_comes_after_the_end_is_left_aside(tmp_path: Path) -> None:
    bundle = Bundle(tmp_path)
    bundle.close("a", [])
    bundle.text("late", "a text", "x")
    bundle.note("late")
    assert ({"about.md"}, [], []) == (files(tmp_path), bundle.files, bundle.notes)


def test_hostile_words_stay_words(tmp_path: Path) -> None:
    bundle = Bundle(tmp_path)
    bundle.text("text", "\x1b[31m|<script>", "\ud800")
    bundle.note("a\n# heading")
    bundle.close("\ud800<script>", ["| x |"])
    about = (tmp_path / "about.md").read_text()
    assert (False, False, False) == ("\x1b" in about, "<script>" in about, "\n# heading" in about)
