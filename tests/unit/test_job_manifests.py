"""The Job's manifests ask for what a run needs and no more, and the pages in docs are what the command writes."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from conformance.cli import main
from conformance.cluster.rights import RIGHTS
from conformance.inside import job
from conformance.inside.sonobuoy import definition

DOCS = Path(__file__).parents[2] / "docs"
IMAGE = "registry.example/suite:1"
MADE = {each["kind"]: each for each in job.manifests(IMAGE, "there", "night", ["-m", "not disruptive"])}
POD = MADE["Job"]["spec"]["template"]["spec"]
CONTAINER = POD["containers"][0]


def render(*words: str) -> Result:
    return CliRunner().invoke(main, ["job", "render", *words])


def test_the_rights_are_those_that_a_run_asks_for():
    rules = {(rule["apiGroups"][0], rule["resources"][0], *rule["verbs"]) for rule in MADE["ClusterRole"]["rules"]}
    assert {(right.group, right.resource, *right.verbs) for right in RIGHTS} == rules


def test_two_namespaces_do_not_share_their_binding():
    assert ["cni-conformance-there", "cni-conformance-there"] == [
        MADE[kind]["metadata"]["name"] for kind in ("ClusterRole", "ClusterRoleBinding")
    ]
    assert [{"kind": "ServiceAccount", "name": "cni-conformance", "namespace": "there"}] == MADE["ClusterRoleBinding"]["subjects"]


def test_the_run_measures_its_own_cluster_with_its_own_image_and_emits_its_record():
    own = ["run", "--cluster", "kubeconfig", "--probe-image", IMAGE, "-n", "4", "--report", "/work/report", "--emit", "night"]
    assert [*own, "-m", "not disruptive"] == CONTAINER["args"]


@pytest.mark.parametrize("words", [["--world", "pods=30"], ["--world=pods=30"]], ids=["two words", "one word"])
def test_a_large_world_is_measured_by_one_process(words):
    said = job.run_words(IMAGE, "night", words)
    assert "0" == said[said.index("-n") + 1]


def test_the_pod_keeps_to_pod_security_restricted():
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert {"type": "RuntimeDefault"} == POD["securityContext"]["seccompProfile"]
    expected = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    assert expected == CONTAINER["securityContext"]


def test_a_quota_on_limits_lets_the_pod_in():
    assert {"requests": {"cpu", "memory"}, "limits": {"cpu", "memory"}} == {key: set(each) for key, each in CONTAINER["resources"].items()}


def test_what_another_try_does_not_change_is_final():
    policy = MADE["Job"]["spec"]["podFailurePolicy"]["rules"]
    assert [("Ignore", None), ("FailJob", [1, 2, 4])] == [(rule["action"], rule.get("onExitCodes", {}).get("values")) for rule in policy]
    assert ("Never", "Failed") == (POD["restartPolicy"], MADE["Job"]["spec"]["podReplacementPolicy"])


def test_the_job_itself_has_no_deadline_because_that_would_remove_the_log():
    assert "activeDeadlineSeconds" not in MADE["Job"]["spec"]
    assert job.LONGEST == POD["activeDeadlineSeconds"]


def test_a_pod_without_an_account_gets_no_token():
    made = job.pod_template(IMAGE, ["run"], service_account=None, volumes={"kube": {"secret": {"secretName": "one"}}})["spec"]
    assert made["automountServiceAccountToken"] is False
    assert {"name": "kube", "secret": {"secretName": "one"}} == made["volumes"][-1]
    assert {"name": "kube", "mountPath": "/kube", "readOnly": True} == made["containers"][0]["volumeMounts"][-1]


@pytest.mark.parametrize(
    ("page", "words"), [("job.yaml", ()), ("sonobuoy.yaml", ("--sonobuoy",))], ids=["the Job", "the plugin of Sonobuoy"]
)
def test_the_page_is_what_the_command_writes(page, words):
    text = (DOCS / page).read_text()
    assert list(yaml.safe_load_all(render(*words).stdout)) == list(yaml.safe_load_all(text))


def test_what_is_rendered_has_no_aliases_and_can_be_read_again():
    text = render("--image", IMAGE, "-n", "there", "--name", "night", "--", "-m", "not disruptive").stdout
    assert "&id" not in text
    assert list(MADE.values()) == list(yaml.safe_load_all(text))


@pytest.mark.parametrize("text", ["1e3", "7e12345", "1.5e3", "0o17", "12", "1_000", "on", "2026-11-22", "~"])
def test_what_the_api_would_take_for_something_else_than_a_text_is_quoted(text):
    """A name may be the beginning of a commit's hash: kubectl's YAML knows numbers that PyYAML does not."""
    assert f"name: '{text}'\n" == job.as_yaml([{"name": text}])


def test_the_plugin_of_sonobuoy_finds_the_folder_of_old_and_of_new_releases():
    made = yaml.safe_load(definition(IMAGE))
    assert ("Job", "junit") == (made["sonobuoy-config"]["driver"], made["sonobuoy-config"]["result-format"])
    mounts = [each["mountPath"] for each in made["spec"]["volumeMounts"] if each["name"] == "results"]
    assert ["/tmp/sonobuoy/results", "/tmp/results"] == mounts  # noqa: S108 - Sonobuoy's own
    assert "--sonobuoy" in made["spec"]["args"]
    assert made["spec"]["securityContext"]["runAsNonRoot"] is True


@pytest.mark.parametrize(
    ("words", "text"),
    [
        pytest.param(("--name", "Night"), "--name Night: small letters, digits and hyphens", id="a name with a capital letter"),
        pytest.param(("--name", ""), "--name : small letters", id="an empty name: a variable that was not set"),
        pytest.param(("--name", "x" * 64), "at most 63", id="a name that is too long"),
        pytest.param(("-n", "kube_system"), "--namespace kube_system: small letters", id="a namespace with an underscore"),
        pytest.param(("--image", "my suite"), "--image my suite: a reference such as", id="an image with a blank"),
        pytest.param(("--imgae", "x"), "--imgae", id="an option that is mistyped"),
        pytest.param(("--", "--keepp"), "run would refuse these words: No such option", id="a word of run that is mistyped"),
        pytest.param(
            ("--", "--times", "settle=soon"), "run would refuse these words: --times settle=soon: 'soon' is no number", id="a value"
        ),
        pytest.param(("--", "-n", "many"), "run would refuse these words: -n many: a number of processes, or auto", id="no number"),
        pytest.param(("--", "-k", "(deny"), "run would refuse these words: -k (deny: expected", id="a bracket that stays open"),
        pytest.param(("--", "--shard", "9/8"), "run would refuse these words: --shard 9/8", id="a shard that is none"),
        pytest.param(("--", "--cluster", "kind"), "--cluster is the Job's own", id="another cluster"),
        pytest.param(("--", "--report=/tmp/x"), "--report is the Job's own", id="another folder, with an equals sign"),
        pytest.param(("--", "--sonobuoy"), "--sonobuoy is the Job's own", id="Sonobuoy without its definition"),
        pytest.param(("--", "--setup"), "--setup makes no sense in a pod", id="what makes a cluster"),
        pytest.param(("--", "--baseline", "old.json"), "--baseline makes no sense in a pod", id="a file of this machine"),
        pytest.param(("--", "docs"), "docs is not in the suite's image", id="a folder of this machine"),
        pytest.param(
            ("--", "no-such-file.yaml"), "run would refuse these words: Invalid value for '[SCENARIOS]...'", id="a file that is not there"
        ),
        pytest.param(("--", "--cni", "clilium"), "--cni clilium: the suite's image knows", id="a plugin that is mistyped"),
        pytest.param(("--", "--cni", "."), "--cni .: the suite's image knows", id="a folder of a plugin"),
        pytest.param(("--", "--help"), "--help is for people", id="a question for help"),
    ],
)
def test_what_the_pod_would_refuse_is_refused_here(words, text):
    ended = render(*words)
    assert text in ended.output
    assert 2 == ended.exit_code
    assert "Traceback" not in ended.output
