"""What people can do wrong with the file of a fleet and its kubeconfigs: each told at its place, exit code 2, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from fleet_files import FLEET, kubeconfig, write_fleet, write_kubeconfig

from conformance.cli import main
from conformance.fleet.kubeconfig import InvalidKubeconfig, portable


def render(*words: object) -> Result:
    result = CliRunner().invoke(main, ["fleet", "render", *map(str, words)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


def with_line(after: str, line: str) -> str:
    return FLEET.replace(after, f"{after}{line}\n")


LAST = "run: [--force]}\n"

FILES = [
    pytest.param("a: [", ":1:5: is no YAML", id="no YAML"),
    pytest.param("", ": is empty", id="empty"),
    pytest.param("just words", ":1:1: this value is wrong here: wanted is a fleet: name, image, clusters", id="a text"),
    pytest.param(FLEET.replace("image:", "imag:"), ":2:1: unknown key 'imag': did you mean 'image'?", id="an unknown key"),
    pytest.param(FLEET.replace("image: registry.example/suite:1\n", ""), ":1:1: 'image' is missing", id="no image"),
    pytest.param(
        FLEET.replace("night", "Night"), ":1:7: this value is wrong here: wanted is a name for the fleet", id="a name in capitals"
    ),
    pytest.param(FLEET.replace("night", "night--1"), "wanted is a name for the fleet", id="a name that looks like one of its Jobs"),
    pytest.param(
        FLEET.replace("name: night", "name: |\n  night"), ":2:3: this value is wrong here: wanted is a name", id="a name with a line break"
    ),
    pytest.param(FLEET.replace("suite:1", "suite:$(TAG)"), ":2:8: this value is wrong here: wanted is", id="no image"),
    pytest.param(
        FLEET.replace("eu-2-kubeconfig/value", "s/.."), ":6:26: this value is wrong here: wanted is a Secret", id="a key that is none"
    ),
    pytest.param("name: a\n" + FLEET, ":2:1: key 'name' stands twice", id="a key twice"),
    pytest.param("name: a\nimage: b\nclusters: []\n", ":3:11: a list is wrong here: wanted is a list of clusters", id="no clusters"),
    pytest.param(with_line(LAST, "  - {name: eu-1, secret: x}"), ":7:12: there is a cluster eu-1 already, in line 5", id="a name twice"),
    pytest.param(with_line(LAST, "  - {name: eu-3}"), ":7:5: where is its kubeconfig? Say one of kubeconfig", id="no kubeconfig"),
    pytest.param(
        with_line(LAST, "  - {name: a, secret: s, kubeconfig: eu-1.yaml}"), ":7:5: where is its kubeconfig? Say one", id="two kubeconfigs"
    ),
    pytest.param(
        with_line(LAST, "  - {name: eu-3, kubeconfig: no.yaml}"), ":7:30: its kubeconfig cannot be read: No such", id="no such file"
    ),
    pytest.param(with_line(LAST, "  - {name: eu-3, kubeconfig: .}"), ":7:30: its kubeconfig cannot be read: Is a directory", id="a folder"),
    pytest.param(
        with_line(LAST, "  - {name: eu-3, secret: Eu}"), ":7:26: this value is wrong here: wanted is a Secret", id="a Secret in capitals"
    ),
    pytest.param(
        FLEET.replace("cni: cilium", "context: b"), ":5:50: its kubeconfig has no context 'b'; it has: admin", id="no such context"
    ),
    pytest.param(FLEET.replace("cilium", "ciliu"), ":5:46: there is no plugin 'ciliu'; there are: antrea, bridge,", id="no such plugin"),
    pytest.param("cni: x\n" + FLEET, ":1:6: there is no plugin 'x'", id="no such plugin for all"),
    pytest.param(FLEET.replace("shards: 2", "shards: 0"), ":5:62: this value is wrong here: wanted is how many pods share", id="no shard"),
    pytest.param(
        FLEET.replace("shards: 2", "shards: 101"),
        "wanted is how many pods share one cluster's scenarios, from 1 to 100",
        id="too many shards",
    ),
    pytest.param("parallelism: 0\n" + FLEET, ":1:14: this value is wrong here: wanted is how many pods measure", id="no pods"),
    pytest.param(
        FLEET.replace("[-m, recipes]", "-m recipes"), ":3:6: this value is wrong here: wanted is a list of words", id="words as a text"
    ),
    pytest.param(
        FLEET.replace("recipes", "1"), ":3:11: this value is wrong here: wanted is a word, quoted where YAML", id="a word that is a number"
    ),
    pytest.param(FLEET.replace("[-m, recipes]", '["a\\nb"]'), "wanted is a word", id="a line break in a word"),
    pytest.param(
        FLEET.replace("-m,", "--nope,"), ":3:6: `cni-conformance run` does not take these words: No such option", id="an unknown option"
    ),
    pytest.param(
        FLEET.replace("-m, recipes", "-m"), "does not take these words: Option '-m' requires an argument", id="an option without its word"
    ),
    pytest.param(FLEET.replace("-m, recipes", "--family, ipv5"), "--family ipv5: it is ipv4, ipv6 or dual", id="a wrong family"),
    pytest.param(FLEET.replace("-m, recipes", "--help"), "does not take these words: No such option '--help'", id="help"),
    pytest.param(
        FLEET.replace("-m, recipes", "."), ":3:6: . is no option, and the pods have no files of yours", id="a folder of scenarios"
    ),
    pytest.param(FLEET.replace("-m, recipes", "--shard, 1/2"), ":3:6: --shard is said by other keys: shards", id="a shard"),
    pytest.param(FLEET.replace("-m, recipes", "--cluster, kind"), "--cluster is said by other keys: kubeconfig and", id="a default"),
    pytest.param(
        FLEET.replace("-m, recipes", "--cluster, simulated"), "--cluster is said by other keys: kubeconfig and context", id="a cluster"
    ),
    pytest.param(FLEET.replace("-m, recipes", "--setup"), "--setup makes no sense here: the fleet sees to it", id="a setup"),
    pytest.param(FLEET.replace("-m, recipes", "--lf"), "--lf makes no sense here: a pod does not know the last run", id="the last run"),
    pytest.param(FLEET.replace("-m, recipes", "--sonobuoy"), "--sonobuoy makes no sense here: the fleet sees to it", id="Sonobuoy"),
    pytest.param(
        FLEET.replace("-m, recipes", '--world, "pods=30"'), ":5:5: --world takes one shard, not 2: it is one world", id="a world in shards"
    ),
    pytest.param(
        FLEET.replace("eu-1.yaml", "~nobody-is-called-so/k.yaml"),
        ":5:30: its kubeconfig cannot be read",
        id="nobody's home",
    ),
    pytest.param(FLEET.replace("eu-1.yaml", '"a\\0b"'), ":5:30: its kubeconfig is no path", id="no path"),
    pytest.param(FLEET.replace("eu-1.yaml", '"a\\ud800b"'), ":5:30: its kubeconfig is no path", id="half a letter"),
    pytest.param(
        FLEET.replace("eu-2-kubeconfig", "night"),
        ":6:26: Secret night is what the fleet calls its own: give it",
        id="the fleet's own Secret",
    ),
    pytest.param(FLEET.replace("eu-2-kubeconfig", "night--2.3"), ":6:26: Secret night--2.3 is what the fleet", id="a further one of these"),
    pytest.param(
        FLEET.replace("-m, recipes", "-n, many"), "does not take these words: -n many: a number of processes, or auto", id="no number"
    ),
    pytest.param(
        FLEET.replace("-m, recipes", '-k, "(deny"'), "does not take these words: -k (deny: expected", id="a bracket that stays open"
    ),
    pytest.param(FLEET.replace("-m, recipes", '-m, "not and"'), "does not take these words: -m not and: expected", id="half a choice"),
    pytest.param(FLEET.replace("-m, recipes", "--emit, x"), "--emit makes no sense here: the fleet sees to it", id="a name for the log"),
    pytest.param(
        FLEET.replace("-m, recipes", "--disruptive"), ":5:5: --disruptive takes one shard, not 2: what restarts", id="restarts in shards"
    ),
    pytest.param(
        FLEET.replace("-m, recipes", '--outside, "alpha=192.0.2.1 ssh a"'), ":5:5: --outside takes one shard, not 2", id="hosts in shards"
    ),
]


@pytest.mark.parametrize(("text", "sentence"), FILES)
def test_a_wrong_file_is_told_at_its_place(text, sentence, tmp_path):
    result = render(write_fleet(tmp_path, text))
    assert (2, "") == (result.exit_code, result.stdout)
    assert sentence in result.stderr


def test_all_faults_are_told_at_once_with_line_and_column(tmp_path):
    text = FLEET.replace("cilium", "ciliu").replace("ptp", "ptpp")
    file = write_fleet(tmp_path, text)
    lines = render(file).stderr.splitlines()
    assert [f"{file}:5:46: there is no plugin 'ciliu'", f"{file}:6:70: there is no plugin 'ptpp'"] == [
        line.partition(";")[0] for line in lines if line.startswith(str(file))
    ]
    assert (5, "2 faults") == (len(lines), lines[-1])


@pytest.mark.parametrize(
    ("name", "sentence"), [("no.yaml", "cannot be read: No such file or directory"), (".", "cannot be read: Is a directory")]
)
def test_a_file_that_cannot_be_read_is_named(name, sentence, tmp_path):
    result = render(tmp_path / name)
    assert (2, f"{tmp_path / name}: {sentence}") == (result.exit_code, result.stderr.splitlines()[0])


KUBECONFIGS = [
    pytest.param(
        {"server": "https://127.0.0.1:6443"}, "is of this machine alone: its API server is https://127.0.0.1:6443,", id="loopback"
    ),
    pytest.param({"server": "https://localhost:6443"}, "is of this machine alone: its API server", id="localhost"),
    pytest.param({"server": "https://[::1]:6443"}, "is of this machine alone: its API server", id="loopback of IPv6"),
    pytest.param({"server": "https://0.0.0.0:6443"}, "is of this machine alone: its API server", id="no address"),
    pytest.param({"server": "127.0.0.1:6443"}, "is of this machine alone: its API server", id="loopback without https"),
    pytest.param({"server": "https://[x"}, "names an API server that is no URL: https://[x", id="no URL"),
    pytest.param({"server": ""}, "names no API server", id="no server"),
    pytest.param({"server": "https://"}, "names an API server that is no URL: https://", id="a server without a host"),
    pytest.param({"user": {"token": ""}}, "has no credentials for its user: ", id="a token that was not made"),
    pytest.param(
        {"cluster": {"proxy-url": "http://localhost:80"}}, "is of this machine alone: its proxy is http://localhost:80", id="a proxy"
    ),
    pytest.param(
        {"user": {"exec": {"command": "aws"}}}, "needs the program aws to log in, which a pod on the hub has not: ", id="a program"
    ),
    pytest.param({"user": {"exec": 5}}, "needs the program (none) to log in", id="a program that is a number"),
    pytest.param(
        {"cluster": {"proxy-url": "http://me:secret@localhost:80"}}, "its proxy is localhost:80, which", id="a proxy with a password"
    ),
    pytest.param({"user": {"auth-provider": {"name": "gcp"}}}, "logs in by an auth-provider, which a pod", id="an auth-provider"),
    pytest.param({"user": {}}, "has no credentials for its user: docs/rbac.yaml makes a service account", id="nobody"),
    pytest.param(
        {"user": {"tokenFile": "no"}}, "names a file (tokenFile) that cannot be read: No such file", id="a token that is not there"
    ),
    pytest.param({"user": {"tokenFile": "a\0b"}}, "names a file (tokenFile) by what is no path", id="a token that has no path"),
    pytest.param(
        {"cluster": {"certificate-authority": "no"}}, "names a file (certificate-authority) that cannot be read", id="no certificate"
    ),
    pytest.param({"contexts": None}, "is no kubeconfig: it has no list of contexts", id="no contexts"),
    pytest.param({"contexts": [5]}, "has no context 'admin'; it has: none", id="contexts that are numbers"),
    pytest.param(
        {"current-context": None}, "names no current context: say which one, `context: …`; it has: admin", id="no current context"
    ),
    pytest.param({"clusters": []}, "has no cluster 'far'; it has: none", id="no cluster"),
    pytest.param({"users": [{"name": "x"}]}, "has no user 'someone'; it has: x", id="no user"),
]


@pytest.mark.parametrize(("changes", "sentence"), KUBECONFIGS)
def test_a_kubeconfig_that_a_pod_cannot_use_is_refused(changes, sentence, tmp_path):
    with pytest.raises(InvalidKubeconfig) as caught:
        portable(write_kubeconfig(tmp_path / "k.yaml", **changes), "", "eu-1")
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"a: [", "is no YAML: while parsing a flow node: expected the node content"),
        (b"\xff\xfe", "is no kubeconfig: it is no text"),
        (b"", "is no kubeconfig: it has no list of contexts"),
        (b"words", "is no kubeconfig: it has no list of contexts"),
        (b"a: &a [*a]", "is no YAML: write out what … means (line 1, column 8)"),
    ],
    ids=["no YAML", "no text", "empty", "words", "an alias"],
)
def test_a_file_that_is_no_kubeconfig_is_refused(content, sentence, tmp_path):
    (tmp_path / "k.yaml").write_bytes(content)
    with pytest.raises(InvalidKubeconfig) as caught:
        portable(tmp_path / "k.yaml", "", "eu-1")
    assert str(caught.value).startswith(sentence)


HUNTER = "hunter2-correct-horse"
VALUES = [
    f"*{HUNTER}",
    f"!{HUNTER} a",
    f"!!{HUNTER} a",
    f"!<{HUNTER}> a",
    f"!{HUNTER}!a b",
    f"&{HUNTER} &{HUNTER} a",
    f"%{HUNTER}",
    f"@{HUNTER}",
    f"`{HUNTER}",
    f"| {HUNTER}",
    f'"{HUNTER}',
    f'"\\x{HUNTER}"',
    f"'{HUNTER}' {HUNTER}",
    f"[{HUNTER}",
    f"{{{HUNTER}",
    f"{HUNTER}: {HUNTER}",
    f"{HUNTER}\x01",
    f'"{HUNTER}\\n{HUNTER}"',
    f"{HUNTER}/{HUNTER}/{'x' * 300}",
    f"|\n      apiVersion: v1\n      users: [{{user: {{token: {HUNTER}}}}}]",
    HUNTER,
]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("key", ["kubeconfig", "secret", "token", "name"])
def test_no_fault_shows_what_may_be_a_password(key, value, tmp_path):
    """Somebody pastes what the file only names."""
    entry = f"  - name: eu-3\n    {key}: {value}\n" if key != "name" else f"  - secret: s\n    name: {value}\n"
    told = render(write_fleet(tmp_path, FLEET + entry)).output
    is_fine = (key, value) in (("secret", HUNTER), ("name", HUNTER))
    assert is_fine or "fault" in told
    assert is_fine or HUNTER not in told


@pytest.mark.parametrize("value", VALUES[:-3])
def test_nor_does_one_of_a_kubeconfig(value, tmp_path, monkeypatch):
    path = tmp_path / "k.yaml"
    path.write_text(f"apiVersion: v1\nkind: Config\nusers:\n- name: a\n  user:\n    token: {value}\n")
    with pytest.raises(InvalidKubeconfig) as caught:
        portable(path, "", "eu-1")
    monkeypatch.setattr("kubernetes.config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
    fetched = CliRunner().invoke(main, ["fleet", "fetch", str(write_fleet(tmp_path)), "-o", str(tmp_path / "out")])
    assert (3, True) == (fetched.exit_code, fetched.output.startswith(f"kubeconfig {path} cannot be used: "))
    assert HUNTER not in str(caught.value) + fetched.output


@pytest.mark.parametrize("key", ["tokenFile", "client-key", "client-certificate"])
def test_nor_one_of_a_credential_that_stands_where_its_file_is_named(key, tmp_path):
    path = write_kubeconfig(tmp_path / "k.yaml", user={"username": "me", key: HUNTER})
    with pytest.raises(InvalidKubeconfig) as caught:
        portable(path, "", "eu-1")
    assert f"names a file ({key}) that cannot be read: No such file or directory" == str(caught.value)


def test_a_kubeconfig_brings_its_files_and_nothing_of_other_clusters(tmp_path):
    for name in ("ca.crt", "me.crt", "me.key", "me.token"):
        (tmp_path / "keys" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "keys" / name).write_text(f"{name}\n")
    user = {"client-certificate": "keys/me.crt", "client-key": str(tmp_path / "keys" / "me.key"), "tokenFile": "keys/me.token"}
    content = kubeconfig(user=user, cluster={"certificate-authority": "keys/ca.crt"})
    other = kubeconfig(user={"exec": {"command": "other"}}, server="https://localhost")
    for kind, key in (("contexts", "context"), ("clusters", "cluster"), ("users", "user")):
        content[kind].append({"name": "other", key: other[kind][0][key]})
    (tmp_path / "k.yaml").write_text(yaml.safe_dump(content))
    found = yaml.safe_load(portable(tmp_path / "k.yaml", "admin", "eu-1"))
    assert {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "eu-1",
        "contexts": [{"name": "eu-1", "context": {"cluster": "eu-1", "user": "eu-1"}}],
        "clusters": [{"name": "eu-1", "cluster": {"server": "https://eu.example:6443", "certificate-authority-data": "Y2EuY3J0Cg=="}}],
        "users": [
            {
                "name": "eu-1",
                "user": {"client-certificate-data": "bWUuY3J0Cg==", "client-key-data": "bWUua2V5Cg==", "token": "me.token"},
            }
        ],
    } == found


def test_what_stands_in_a_kubeconfig_goes_before_its_files(tmp_path):
    cluster = {"certificate-authority": "no.crt", "certificate-authority-data": "Y2E="}
    found = yaml.safe_load(portable(write_kubeconfig(tmp_path / "k.yaml", cluster=cluster), "", "eu-1"))
    assert "Y2E=" == found["clusters"][0]["cluster"]["certificate-authority-data"]


def test_the_home_of_a_user_is_known(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write_kubeconfig(tmp_path / "home.yaml")
    assert 0 == render(write_fleet(tmp_path / "files", FLEET.replace("eu-1.yaml", "~/home.yaml"))).exit_code
