"""What is read of manifests as people have them: which files, which objects, and what is said of the rest."""

import json
import os
from pathlib import Path

import pytest
from own_policies import policy, read, workload

from conformance.manifests.files import files_of
from conformance.manifests.inventory import Inventory
from conformance.manifests.reading import Gathered, read_bytes, read_paths
from conformance.manifests.taking import inventory
from conformance.scenario.fault import Fault


def below(folder: Path) -> list[str]:
    """The files that are read of a folder, and the faults, as paths within it."""
    return [str(each).replace(f"{folder}/", "") for each in files_of([folder])]


def test_manifests_of_a_folder_are_those_with_their_endings_whatever_their_case(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.YML", "c.json", "notes.txt", "d.yaml.bak", ".e.yaml", "sub/f.yaml", ".git/g.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert ["a.YML", "b.yaml", "c.json", "sub/f.yaml"] == below(tmp_path)


def test_links_are_followed_and_no_file_is_read_twice(tmp_path: Path) -> None:
    folder = tmp_path / "k8s"
    for name in ("k8s/a.yaml", "other/b.yaml"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    (folder / "again.yaml").symlink_to(folder / "a.yaml")
    (folder / "back").symlink_to(folder)
    (folder / "more").symlink_to(tmp_path / "other")
    assert ["a.yaml", "more/b.yaml"] == below(folder)
    assert [folder / "a.yaml"] == list(files_of([folder / "a.yaml", folder / "sub" / ".." / "a.yaml", folder / "again.yaml"]))


def test_a_link_that_leads_nowhere_is_told(tmp_path: Path) -> None:
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nothing")
    (tmp_path / "self.yaml").symlink_to(tmp_path / "self.yaml")
    assert ["cannot be read: No such file or directory", "cannot be read: Too many levels of symbolic links"] == [
        each.text for each in read_paths([tmp_path]).faults
    ]


def test_a_folder_that_may_not_be_looked_into_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / "a.yaml").touch()
    real = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert [Fault(tmp_path / "closed", 0, 0, "cannot be read: Permission denied"), tmp_path / "a.yaml"] == list(files_of([tmp_path]))


def test_a_path_that_is_none_is_told() -> None:
    (fault,) = read_paths([Path("a" * 5000)]).faults
    assert "cannot be read: File name too long" == fault.text


POD = "{metadata: {labels: {app: it}}, spec: {containers: [{name: main, ports: [{containerPort: 80}]}]}}"

OTHERS = [
    pytest.param("argoproj.io/v1alpha1", "Rollout", f"{{replicas: 2, template: {POD}}}", ["shop/it"], [], id="a Rollout"),
    pytest.param("apps.openshift.io/v1", "DeploymentConfig", f"{{template: {POD}}}", ["shop/it"], [], id="a DeploymentConfig"),
    pytest.param("serving.knative.dev/v1", "Service", f"{{template: {POD}}}", ["shop/it"], [], id="a Service that makes pods"),
    pytest.param("batch.volcano.sh/v1alpha1", "Job", "{tasks: []}", [], ["Job of batch.volcano.sh"], id="a Job of another API"),
    pytest.param("serving.knative.dev/v1", "Route", "{traffic: []}", [], ["Route"], id="nothing that makes pods"),
    pytest.param("example.org/v1", "Namespace", "{}", [], ["Namespace of example.org"], id="a Namespace of another API"),
]


@pytest.mark.parametrize(("version", "kind", "spec", "workloads", "passed"), OTHERS)
def test_objects_of_other_apis_are_what_they_are(version, kind, spec, workloads, passed) -> None:
    found = read(f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: it, namespace: shop}}\nspec: {spec}\n")
    assert (workloads, passed) == ([each.ref for each in found.workloads], [each.kind for each in found.passed])
    assert () == found.services
    assert [{"app": "it"}] * len(workloads) == [each.labels for each in found.workloads]


def test_two_kinds_of_one_name_are_told_apart() -> None:
    knative = (
        f"---\napiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {{name: api, namespace: shop}}\nspec: {{template: {POD}}}\n"
    )
    assert ["shop/api", "shop/api.service"] == [each.ref for each in read(workload("shop/api", "app: api"), knative).workloads]


def test_an_object_that_stands_twice_is_replaced_and_that_is_said() -> None:
    service = "---\nkind: Service\nmetadata: {name: api, namespace: shop}\nspec: {selector: {app: %s}, ports: [{port: 80}]}\n"
    space = "---\nkind: Namespace\nmetadata: {name: shop, labels: {team: %s}}\n"
    base = workload("shop/api", "app: api", "80/TCP") + service % "api" + space % "a" + policy("shop/it", "{podSelector: {}}")
    patch = workload("shop/api", "app: other").removeprefix("---\n") + service % "other" + space % "b"
    found = read(base, patch)
    assert [{"app": "other"}] == [each.labels for each in found.workloads]
    assert [{"app": "other"}] == [each.selects for each in found.services]
    assert {"team": "b"} == found.spaces["shop"].labels
    told = "Deployment shop/api (2.yaml:1), Service shop/api (2.yaml:10), Namespace shop (2.yaml:14)"
    assert (f"objects with the kind and name of an earlier one replace it (3): {told}",) == found.unknown


def test_what_stands_twice_in_a_namespace_that_is_not_looked_at_is_not_said() -> None:
    again = workload("bank/vault", "app: vault") * 2
    assert () == read(workload("shop/api", "app: api"), again, namespaces=("shop",)).unknown


def of_file(name: str, text: str) -> Inventory:
    gathered = Gathered()
    read_bytes(Path(name), text.encode(), gathered)
    found, faults = inventory(gathered)
    assert () == faults
    return found


KUSTOMIZATIONS = [
    pytest.param("k8s/kustomization.yaml", "resources: [a.yaml]\n", id="by its name"),
    pytest.param("k8s/it.yaml", "kind: Kustomization\napiVersion: kustomize.config.k8s.io/v1beta1\n", id="by its kind"),
]


@pytest.mark.parametrize(("name", "text"), KUSTOMIZATIONS)
def test_a_kustomization_is_not_what_is_applied(name, text) -> None:
    (sentence,) = of_file(name, text).unknown
    assert sentence.startswith("what a kustomization changes (names, namespaces, labels, patches) is not seen: `kubectl kustomize FOLDER`")


def test_a_job_may_be_named_by_the_beginning_of_its_name() -> None:
    text = f"kind: Job\nmetadata: {{generateName: migrate-, namespace: shop}}\nspec: {{template: {POD}}}\n"
    assert ["shop/migrate"] == [each.ref for each in read(text).workloads]


def test_values_that_are_written_out_may_be_as_many_as_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.manifests.reading.MOST_VALUES", 100)
    text = workload("shop/api", "app: api") + json.dumps({"kind": "ConfigMap", "metadata": {"name": "x"}, "data": list(range(1000))})
    assert ["shop/api"] == [each.ref for each in read(text.replace('{"kind"', '---\n{"kind"')).workloads]


def test_lines_that_end_as_on_windows_are_lines() -> None:
    found = read((workload("shop/api", "app: api") + policy("shop/it", "{podSelector: {}}")).replace("\n", "\r\n"))
    assert ["1.yaml:11"] == [each.where for each in found.policies]
