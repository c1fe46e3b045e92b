"""Runs on a real cluster: what passes, what fails, what is an error, and that nothing is left of any of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conftest import COMMAND, call, heed_ctrl_c, kinds, outcomes, ran
from kubernetes import client, config

from conformance import data
from conformance.cluster.kind_cluster import KindCluster
from conformance.cluster.state import cache_folder

RECIPE = "02-limit-traffic-to-an-application"
FEW = "limit-traffic or only-to-a-named-port or three-tiers"


def core(cluster: KindCluster) -> client.CoreV1Api:
    return client.CoreV1Api(config.new_client_from_config(str(cluster.kubeconfig)))


def policies(cluster: KindCluster) -> client.NetworkingV1Api:
    return client.NetworkingV1Api(config.new_client_from_config(str(cluster.kubeconfig)))


def worlds(cluster: KindCluster) -> list[str]:
    """The namespaces of runs."""
    return [each.metadata.name for each in core(cluster).list_namespace(label_selector="cni-conformance/run").items]


@pytest.fixture
def edited(tmp_path: Path) -> Callable[[str, str, str], Path]:
    """A catalogue of one recipe, with a piece of its text replaced."""

    def edited(old: str, new: str, recipe: str = RECIPE) -> Path:
        folder = tmp_path / "scenarios"
        (folder / "recipes").mkdir(parents=True)
        shipped = data.folder("scenarios")
        for file in ("schema.json", "capabilities.yaml"):
            (folder / file).write_bytes((shipped / file).read_bytes())
        (folder / "layouts").symlink_to(shipped / "layouts")
        text = (shipped / "recipes" / f"{recipe}.yaml").read_text()
        assert text.count(old) >= 1
        (folder / "recipes" / f"{recipe}.yaml").write_text(text.replace(old, new, 1))
        return folder

    return edited


# --- what comes out -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def several(cilium, tmp_path_factory):
    """One run with all that is looked at below: what it said, the namespaces that it left, and its scenarios by name."""
    words = f"{FEW} or external or documentation or legacy"
    ended, record = ran(tmp_path_factory.mktemp("several"), cilium, "-k", words, "-n", "2")
    return ended, worlds(cilium), {scenario["name"]: scenario for scenario in record["scenarios"]}


def test_scenarios_pass_on_an_enforcing_plugin_and_leave_nothing(several):
    ended, left, scenarios = several
    assert 0 == ended.code, ended.text
    assert {"legacy-annotation"} == {name for name, scenario in scenarios.items() if scenario["outcome"] != "passed"}
    assert (8, []) == (len(scenarios), left)


def test_every_cell_of_a_passed_scenario_was_answered_by_the_right_pod_over_both_families(several):
    scenario = several[2]["limit-traffic-to-an-application"]
    assert {"ipv4", "ipv6"} == {family for *_, family, _ in scenario["questions"]}
    baseline = scenario["steps"][0]
    answered = {
        (scenario["questions"][cell][1], scenario["answers"][span[3]][1])
        for cell, track in zip(baseline["cells"], baseline["tracks"], strict=True)
        for span in track
    }
    assert baseline["identities"] == dict(answered)


def test_scenarios_of_outside_hosts_are_measured_from_both_sides(several):
    found = [scenario for name, scenario in several[2].items() if "external" in name or "documentation" in name]
    assert [(4, {"passed"})] == [(len(found), {scenario["outcome"] for scenario in found})]
    for at in (0, 1):
        assert "outside" in {question[at].partition("/")[0] for scenario in found for question in scenario["questions"]}


def test_a_capability_that_the_plugin_lacks_is_not_supported_with_the_reason(several):
    scenario = several[2]["legacy-annotation"]
    assert "not-supported" == scenario["outcome"]
    assert "which Cilium does not offer" in scenario["sentence"]


def test_an_expectation_that_contradicts_the_policies_is_an_error_with_both_opinions(cilium, run, edited):
    folder = edited("shop/foo -> shop/api 80/TCP: allowed", "shop/foo -> shop/api 80/TCP: blocked")
    ended, record = run(cilium, str(folder), "-n", "0")
    (scenario,) = record["scenarios"]
    assert (3, "error", {"contradiction"}) == (ended.code, scenario["outcome"], kinds(scenario)), ended.text
    assert "says blocked, the model says allowed" in scenario["sentence"]


def test_a_policy_that_is_gone_behind_our_back_is_a_failure(cilium, run, edited):
    folder = edited("because:", "because:")
    with sabotage(cilium, "shop", lambda namespace: policies(cilium).delete_namespaced_network_policy("api-allow", namespace)):
        ended, record = run(cilium, str(folder), "-n", "0", "--times", "hold=6", "--times", "settle=6")
    (scenario,) = record["scenarios"]
    assert (1, "failed") == (ended.code, scenario["outcome"]), ended.text
    assert kinds(scenario) & {"unstable", "wrongly-allowed"}


def test_a_server_that_dies_is_an_error_with_its_cause_and_the_others_go_on(cilium, run):
    with sabotage(cilium, "shop", lambda namespace: core(cilium).delete_namespaced_pod("api", namespace, grace_period_seconds=0)):
        ended, record = run(cilium, "-k", "limit-traffic or multiple-selectors", "-n", "0", "--times", "hold=5", "--times", "stream=4")
    found = {scenario["name"]: scenario for scenario in record["scenarios"]}
    assert 3 == ended.code, ended.text
    assert {"error", "passed"} == {scenario["outcome"] for scenario in found.values()}
    (broken,) = (scenario for scenario in found.values() if scenario["outcome"] == "error")
    assert "shop/api" in broken["sentence"]
    assert [] == worlds(cilium)


def test_where_policies_of_kube_system_close_the_name_servers_nobody_is_blamed(cilium, run):  # 12 s
    # not of egress: name servers that lost their API server need some seconds afterwards, which rows after this one may not have
    deny = {"metadata": {"name": "default-deny"}, "spec": {"podSelector": {}, "policyTypes": ["Ingress"]}}
    policies(cilium).create_namespaced_network_policy("kube-system", deny)
    try:
        ended, record = run(cilium, "-k", "name-needs-the-name-server", "-n", "0")
    finally:
        policies(cilium).delete_namespaced_network_policy("default-deny", "kube-system")
    (scenario,) = record["scenarios"]
    assert (0, "skipped") == (ended.code, scenario["outcome"]), ended.text
    assert scenario["sentence"] == (
        "it asks Services by name, and the name servers may not be asked on port 53 by pods of other namespaces "
        "(policy kube-system/default-deny): add a policy that allows it"
    )


# --- does anything enforce? -----------------------------------------------------------------------------------------


def test_where_nothing_enforces_policies_a_run_ends_with_one_sentence(ptp, run):
    ended, record = run(ptp, "-n", "0")
    assert (4, {}) == (ended.code, record), ended.text
    assert 1 == ended.text.count("nothing enforces policies here")


def test_with_force_every_blocked_cell_is_reported_as_wrongly_allowed(ptp, run):
    ended, record = run(ptp, "--force", "-k", "limit-traffic", "-n", "0", "--times", "settle=2")
    (scenario,) = record["scenarios"]
    blocked = [
        (step["number"], cell)
        for step in scenario["steps"]
        for cell, expectation in zip(step["cells"], step["expected"], strict=True)
        if scenario["expectations"][expectation][0] == "blocked"
    ]
    leaks = [(finding["step"], finding["cell"]) for finding in scenario["findings"] if finding["kind"] == "wrongly-allowed"]
    assert (1, sorted(blocked)) == (ended.code, sorted(leaks)), ended.text


@pytest.mark.parametrize(("plugin", "code", "sentence"), [("cilium", 0, "a deny-all blocks"), ("ptp", 4, "nothing enforces policies here")])
def test_the_doctor_tells_whether_anything_enforces(standing, plugin, code, sentence):
    cluster = standing(plugin)
    ended = call("doctor", "--name", cluster.name)
    assert (code, True) == (ended.code, sentence in ended.text), ended.text
    assert [] == worlds(cluster)


# --- the pytest door ------------------------------------------------------------------------------------------------


def test_pytest_itself_runs_scenarios_and_writes_its_junit(cilium, tmp_path):
    words = [str(data.folder("scenarios")), "-k", FEW, "-n", "2", f"--name={cilium.name}", "--junit-xml=junit.xml", f"--rootdir={tmp_path}"]
    done = subprocess.run([sys.executable, "-m", "pytest", *words], cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
    cases = {case.get("name"): list(case) for case in ElementTree.parse(tmp_path / "junit.xml").iter("testcase")}  # noqa: S314 - we wrote it
    assert 0 == done.returncode, done.stdout
    assert 3 == len(cases)
    assert [] == [case for case in cases.values() if case]


def test_what_failed_last_is_run_again_by_lf(tmp_path, edited):  # what it chooses is the same on any cluster
    folder = edited("shop/foo -> shop/api 80/TCP: allowed", "shop/foo -> shop/api 80/TCP: blocked")
    (folder / "recipes" / "03.yaml").write_text(
        (data.folder("scenarios") / "recipes" / "03-deny-all-non-whitelisted-traffic-in-the-namespace.yaml").read_text()
    )
    words = ("run", str(folder), "--cluster", "simulated", "-n", "2")
    first = call(*words, folder=tmp_path)
    again = call(*words, "--lf", folder=tmp_path)
    record = json.loads((tmp_path / "reports" / "out" / "record.json").read_text())
    assert (3, 3, {"limit-traffic-to-an-application": "error"}) == (first.code, again.code, outcomes(record)), again.text


# --- ended in the middle --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_run_that_is_interrupted_leaves_nothing_and_keeps_its_record(cilium, tmp_path, number, workers):
    runs = cache_folder() / "runs"
    before = set(runs.glob("*"))
    with started(cilium, tmp_path, workers) as process:
        wait_until(lambda: "passed" in (tmp_path / "said").read_text(), process)
        process.send_signal(number)
        code = process.wait(600)
    assert 130 == code, (tmp_path / "said").read_text()
    assert [] == worlds(cilium)
    assert set() == set(runs.glob("*")) - before
    assert "passed" in outcomes(json.loads((tmp_path / "reports" / "out" / "record.json").read_text())).values()


def test_after_sigkill_clean_removes_what_is_left(cilium, tmp_path):
    with started(cilium, tmp_path, "0") as process:
        wait_until(lambda: "passed" in (tmp_path / "said").read_text(), process)
        process.kill()
        process.wait(30)
    left = worlds(cilium)
    ended = call("clean")
    assert (0, True, []) == (ended.code, bool(left), worlds(cilium)), ended.text
    assert (0, "nothing was left behind\n") == (call("clean").code, call("clean").text)


class started:  # noqa: N801 - reads as a word where it is used
    """A run in the background; what it says goes to the file `said`."""

    def __init__(self, cluster: KindCluster, folder: Path, workers: str) -> None:
        words = [COMMAND, "run", str(data.folder("scenarios") / "recipes"), "--name", cluster.name, "-n", workers]
        with (folder / "said").open("w") as said:
            self.process = subprocess.Popen(
                words, cwd=folder, stdout=said, stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=heed_ctrl_c
            )

    def __enter__(self) -> subprocess.Popen[bytes]:
        return self.process

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def wait_until(is_so: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Raises where the process ends before, or after ten minutes."""
    until = time.monotonic() + 600
    while not is_so():
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.1)


class sabotage:  # noqa: N801 - reads as a word where it is used
    """Does something to a namespace of a run, once, as soon as the policy api-allow is there: another process does it."""

    def __init__(self, cluster: KindCluster, ref: str, deed: Callable[[str], object]) -> None:
        from threading import Event, Thread

        self.cluster, self.ref, self.deed = cluster, ref, deed
        self.ended = Event()
        self.thread = Thread(target=self._watch)
        self.was_done = False

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join()
        assert self.was_done

    def _watch(self) -> None:
        for namespace in self._found():
            self.deed(namespace)
            self.was_done = True

    def _found(self) -> Iterator[str]:
        """The namespace, some rounds after the policy has come into it."""
        api = policies(self.cluster)
        while not self.ended.wait(0.2):
            for each in api.list_network_policy_for_all_namespaces(field_selector="metadata.name=api-allow").items:
                if each.metadata.namespace.endswith(f"-{self.ref}"):
                    self.ended.wait(0.5)  # well within the stability window, however slow the deed is
                    yield each.metadata.namespace
                    return
