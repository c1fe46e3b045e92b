"""Which files are scenarios, all of them at once, and what holds for every one."""

# A row of a table of cases stands on a line of its own, however long the sentence that is expected.
# ruff: noqa: E501

from collections.abc import Mapping
from pathlib import Path

import pytest
from scenario_file import HEAD, SOUND, policy, root, text, write

from conformance import data
from conformance.scenario.catalogue import by_path, find, hand_over, handed_over, is_scenario, load_all
from conformance.scenario.check import INVARIANTS, check
from conformance.scenario.fault import InvalidScenario
from conformance.scenario.load import load
from conformance.scenario.meaning import meaning

SHARED = {
    "layouts/two.yaml": "about: Two.\nlayout: {shop: {pods: {api: {}, front: {}}}}\n",
    "a/one.yaml": text(name="name: one\n"),
    "a/b/two.yaml": text(name="name: two\n"),
    "a/notes.txt": "words",
}


def catalogue(folder: Path, files: Mapping[str, str] = SHARED) -> Path:
    for name, content in files.items():
        write(folder, content, name)
    return root(folder)


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        pytest.param("a/one.yaml", True, id="a file in a folder of the root"),
        pytest.param("one.yaml", True, id="a file in the root"),
        pytest.param("a/layouts/one.yaml", True, id="a file in another folder of layouts"),
        pytest.param("layouts/two.yaml", False, id="a shared layout"),
        pytest.param("capabilities.yaml", False, id="the capabilities"),
        pytest.param("a/one.yml", False, id="another ending"),
        pytest.param("../one.yaml", False, id="a file beside the root"),
    ],
)
def test_what_is_a_scenario_by_its_place(tmp_path: Path, name: str, *, is_one: bool) -> None:
    assert is_one == is_scenario((catalogue(tmp_path / "s") / name).resolve())


def test_scenarios_are_found_once_and_sorted(tmp_path: Path) -> None:
    folder = catalogue(tmp_path)

    assert (folder / "a/b/two.yaml", folder / "a/one.yaml") == find([folder, folder / "a", folder / "a/one.yaml"])


def test_a_file_that_is_named_is_a_scenario_wherever_it_lies(tmp_path: Path) -> None:
    path = write(tmp_path, text(), "any.yaml")

    assert (path,) == find([path])


def test_paths_without_scenarios_are_faults_all_of_them(tmp_path: Path) -> None:
    with pytest.raises(InvalidScenario) as caught:
        find([tmp_path, tmp_path / "none"])

    assert [f"{tmp_path}: no scenario lies below this folder", f"{tmp_path / 'none'}: no such file or folder"] == [
        str(fault) for fault in caught.value.faults
    ]


def test_sound_files_are_loaded_beside_the_faults_of_others(tmp_path: Path) -> None:
    folder = catalogue(tmp_path, {**SHARED, "c/bad.yaml": text(about=""), "c/worse.yaml": ""})

    scenarios, faults = load_all([folder])

    assert ["two", "one"] == [scenario.name for scenario in scenarios]
    assert [f"{folder / 'c/bad.yaml'}:1:1: 'about' is missing", f"{folder / 'c/worse.yaml'}: is empty"] == [
        str(fault).splitlines()[0] for fault in faults
    ]


def test_the_fault_of_a_shared_layout_is_said_once(tmp_path: Path) -> None:
    folder = catalogue(tmp_path, {f"a/{name}.yaml": text(name=f"name: {name}\n", layout="layout: two\n") for name in ("one", "two")})
    write(folder, "about: Two.\n", "layouts/two.yaml")

    assert [f"{folder / 'layouts/two.yaml'}:1:1: 'layout' is missing"] == [str(fault).splitlines()[0] for fault in load_all([folder])[1]]


def test_loading_nothing_says_why(tmp_path: Path) -> None:
    assert ((), f"{tmp_path}: no scenario lies below this folder") == (load_all([tmp_path])[0], str(load_all([tmp_path])[1][0]))


KNOWN = "class: rules\norigin: [a book]\n"
HOSTS = "layout:\n  shop: {pods: {api: {labels: {app: api}}, front: {}}}\n  outside: {hosts: {alpha: {}}}\n"
PROBES = "layout:\n  shop: {pods: {api: {labels: {app: api}, serves: [80/SCTP, ICMP]}, front: {}}}\n"
BLOCK = "spec: {ingress: [{from: [{ipBlock: {cidr: \"{{ cidr('outside/alpha') }}\"}}]}]}\n"
LEGACY = "steps:\n  - {apply: [deny], expect: all allowed}\n  - {annotate: {shop: {net.beta.kubernetes.io/network-policy: x}}, expect: all allowed}\n"


@pytest.mark.parametrize(
    ("content", "faults"),
    [
        pytest.param(text(), [], id="nothing is wrong"),
        pytest.param(text(name="name: other\n"), ["1:1: the file is called sample.yaml, not other.yaml"], id="another name"),
        pytest.param(
            text(name="name: ample\n", needs='recipe: "02"\n'),
            ["1:1: the file is called sample.yaml, not 02-ample.yaml or ample.yaml"],
            id="another name of a recipe",
        ),
        pytest.param(text(about="about: It should be so.\n"), ["2:1: about says what should be: say what is"], id="a wish"),
        pytest.param(text(because="because: So\n"), ["3:1: because is no sentence: it ends without a full stop"], id="no sentence"),
        pytest.param(text(because="because: Does it say \"so.\"\n"), [], id="a quotation as a sentence"),
        pytest.param(
            text(policies=policy(HEAD) + "  allow: |\n" + "".join(f"    {line}\n" for line in HEAD.splitlines())),
            ["14:3: no step applies policy allow"],
            id="a policy without use",
        ),
        pytest.param(text(layout=HOSTS), [], id="outside hosts without need"),
        pytest.param(text(layout=HOSTS, needs="needs: [outside-host]\n"), [], id="outside hosts with need"),
        pytest.param(
            text(layout=HOSTS, policies=policy(HEAD + BLOCK)),
            ["1:1: needs does not name outside-host, though a policy names an outside host"],
            id="a policy with an outside host",
        ),
        pytest.param(
            text(needs="needs: [outside-host, ipv6, sctp]\n"),
            ["4:9: needs names outside-host, and nothing here uses it", "4:29: needs names sctp, and nothing here uses it"],
            id="needs without use",
        ),
        pytest.param(
            text(layout=PROBES, steps=LEGACY),
            [
                "1:1: needs does not name sctp, though its layout or a policy has SCTP",
                "1:1: needs does not name icmp, though its layout serves ICMP",
                "1:1: needs does not name legacy-annotation, though a step sets the annotation",
            ],
            id="uses of the layout and of the steps without need",
        ),
        pytest.param(
            text(
                needs="needs: [ipv6]\n",
                policies=policy(HEAD + "spec: {egress: [{ports: [{port: http}, {port: 1, endPort: 2}, {protocol: SCTP}]}], policyTypes: [Egress]}"),
            ),
            [
                "4:1: needs does not name sctp, though its layout or a policy has SCTP",
                "4:1: needs does not name named-port, though a policy has a named port",
                "4:1: needs does not name end-port, though a policy has an endPort",
            ],
            id="uses of a policy without need",
        ),
    ],
)  # fmt: skip
def test_what_holds_for_every_scenario(tmp_path: Path, content: str, faults: list[str]) -> None:
    path = write(tmp_path, content + KNOWN)

    assert faults == [str(fault).splitlines()[0].removeprefix(f"{path}:") for fault in check([load(path)])]


def test_a_name_is_used_once(tmp_path: Path) -> None:
    first = write(tmp_path, text() + KNOWN, "a/sample.yaml")
    second = write(
        tmp_path, text(layout="layout:\n  shop: {pods: {api: {labels: {app: api}}, front: {node: b}}}\n") + KNOWN, "b/sample.yaml"
    )

    assert [f"{second}:1:1: the name sample is that of {first} too"] == [
        str(fault).splitlines()[0] for fault in check([load(first), load(second)])
    ]


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        pytest.param({"about": "about: Another sentence.\n", "because": "because: Of another one.\n"}, True, id="other sentences"),
        pytest.param({"steps": "steps:\n  - apply: [deny]\n    expect: all blocked\n"}, True, id="another expectation"),
        pytest.param({"policies": SOUND["policies"].replace("name: deny", "name: closed")}, True, id="another name of a policy"),
        pytest.param({"policies": SOUND["policies"].replace("{app: api}", "{app: web}")}, False, id="another policy"),
        pytest.param({"policies": SOUND["policies"].replace("}}}", "}}, ingress: []}")}, False, id="a policy in other words"),
        pytest.param({"needs": "sizes: {TCP: [9]}\n"}, False, id="other sizes"),
        pytest.param({"needs": "watch: [shop/front -> shop/api]\n"}, False, id="a watched cell"),
        pytest.param({"needs": "without-nat: true\n"}, False, id="the source is judged"),
        pytest.param({"steps": SOUND["steps"] + "  - delete: [deny]\n    expect: all allowed\n"}, False, id="one more step"),
        pytest.param({"steps": "steps:\n  - together: [{apply: [deny]}, {delete: [deny]}]\n    expect: all allowed\n"}, False, id="changes together"),
        pytest.param(
            {"steps": "steps:\n  - apply: [deny]\n    expect: |\n      from\\to  shop/api\n      shop/front  X\n      shop/api  -\n"}, True, id="a hyphen where nobody asks"
        ),
        pytest.param(
            {"steps": "steps:\n  - apply: [deny]\n    expect: |\n      from\\to  shop/api  shop/front\n      shop/front  X  -\n      shop/api  -  -\n"}, False, id="a cell left out"
        ),
    ],
)  # fmt: skip
def test_no_two_scenarios_have_the_same_meaning(tmp_path: Path, change: dict[str, str], *, is_same: bool) -> None:
    first, second = load(write(tmp_path, text() + KNOWN, "a.yaml")), load(write(tmp_path, text(**change) + KNOWN, "b.yaml"))

    assert is_same == (meaning(first) == meaning(second))


def test_names_of_policies_count_where_they_are_the_matter(tmp_path: Path) -> None:
    other = text(policies=SOUND["policies"].replace("name: deny", "name: closed"))
    about_names = KNOWN.replace("rules", "names")

    first, second = load(write(tmp_path, text() + about_names, "a.yaml")), load(write(tmp_path, other + about_names, "b.yaml"))

    assert meaning(first) != meaning(second)


def test_the_other_file_of_the_same_meaning_is_named(tmp_path: Path) -> None:
    first = write(tmp_path, text() + KNOWN, "a/sample.yaml")
    second = write(tmp_path, text(name="name: other\n", about="about: Something else.\n") + KNOWN, "b/other.yaml")

    assert [f"{second}:1:1: it means the same as {first}: the same layout, policies, changes and questions"] == [
        str(fault).splitlines()[0] for fault in check([load(first), load(second)])
    ]


def test_class_and_origin_are_missing(tmp_path: Path) -> None:
    path = write(tmp_path, text())

    assert [
        f"{path}:1:1: class is missing: the class of faults that it is about",
        f"{path}:1:1: origin is missing: a list of where it comes from",
    ] == [str(fault).splitlines()[0] for fault in check([load(path)])]


def test_a_fault_of_a_file_that_is_gone_has_no_line(tmp_path: Path) -> None:
    path = write(tmp_path, text(because="because: So\n") + KNOWN)
    scenario = load(path)
    path.unlink()

    assert [f"{path}: because is no sentence: it ends without a full stop"] == list(map(str, check([scenario])))


def test_every_invariant_is_a_sentence() -> None:
    assert [] == [invariant.sentence for invariant in INVARIANTS if not invariant.sentence.endswith(".")]


def test_scenarios_are_handed_over_to_other_processes_by_their_paths(tmp_path: Path) -> None:
    scenarios, _ = load_all((data.folder("scenarios") / "recipes",))
    hand_over(by_path(scenarios), tmp_path / "scenarios.pickle")

    assert by_path(scenarios) == handed_over(tmp_path / "scenarios.pickle")
    assert {} == handed_over(tmp_path / "none.pickle")
