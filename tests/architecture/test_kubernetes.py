"""The manifests are right, and the checks that say so see a mistake when there is one."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.k8s.arrows import Arrow, allowed_arrows, selects
from deploy.k8s.checks import check
from deploy.k8s.kustomize import KustomizeError, containers_of, render
from deploy.k8s.merging import Document, PatchError, apply_operations, merge
from deploy.k8s.nats_config import nats_configuration, password_variable
from deploy.k8s.verdict import copied, problems_of
from deploy.local.nats_server import server_binary
from libs.bus.permissions import USERS

Break = Callable[[list[Document]], None]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A copy of the manifests with secrets made up for it."""
    with copied() as found:
        yield found


def one(documents: list[Document], kind: str, name: str) -> Any:
    """The document of this kind and name."""
    return next(each for each in documents if (each["kind"], each["metadata"]["name"]) == (kind, name))


def test_the_manifests_are_right(folder: Path) -> None:
    """Base and dev overlay hold all of it: schema, security, environments, references, network arrows."""
    assert problems_of(folder) == []


def container(documents: list[Document], name: str) -> Document:
    """The container of a service's Deployment."""
    return containers_of(one(documents, "Deployment", name))[0]


def _unknown_field(documents: list[Document]) -> None:
    container(documents, "intake")["readinesProbe"] = {}


def _no_probe(documents: list[Document]) -> None:
    del container(documents, "routing")["readinessProbe"]


def _writable_root(documents: list[Document]) -> None:
    container(documents, "results")["securityContext"]["readOnlyRootFilesystem"] = False


def _root(documents: list[Document]) -> None:
    del one(documents, "Deployment", "keeper")["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"]


def _no_limit(documents: list[Document]) -> None:
    del container(documents, "notify")["resources"]["limits"]["memory"]


def _missing_variable(documents: list[Document]) -> None:
    environment = container(documents, "results")["env"]
    environment[:] = [each for each in environment if each["name"] != "SIGNING_KEY"]


def _unknown_variable(documents: list[Document]) -> None:
    container(documents, "intake")["env"].append({"name": "DATABSE_URL", "value": "x"})


def _migrator_for_all(documents: list[Document]) -> None:
    container(documents, "intake")["env"].append({"name": "MIGRATOR_DATABASE_URL", "value": "x"})


def _unknown_key(documents: list[Document]) -> None:
    for each in container(documents, "intake")["env"]:
        if each["name"] == "LOG_LEVEL":
            each["valueFrom"]["configMapKeyRef"]["key"] = "LOG_LEVLE"


def _short_grace(documents: list[Document]) -> None:
    del one(documents, "Deployment", "intake")["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]


def _budget_blocks(documents: list[Document]) -> None:
    one(documents, "PodDisruptionBudget", "intake")["spec"]["minAvailable"] = 2


def _latest(documents: list[Document]) -> None:
    container(documents, "intake")["image"] = "mot-cua/intake:latest"


def _open_network(documents: list[Document]) -> None:
    documents.remove(one(documents, "NetworkPolicy", "deny-all"))


def _extra_arrow(documents: list[Document]) -> None:
    rule = one(documents, "NetworkPolicy", "notify-mail")["spec"]["egress"][0]
    rule["ports"].append({"protocol": "TCP", "port": 443})


def _lost_arrow(documents: list[Document]) -> None:
    documents.remove(one(documents, "NetworkPolicy", "results-reads"))


SEEDED: dict[Break, str] = {
    _unknown_field: "readinesProbe",
    _no_probe: "readinessProbe is missing",
    _writable_root: "readOnlyRootFilesystem",
    _root: "runAsNonRoot",
    _no_limit: "resources.limits.memory is missing",
    _missing_variable: "SIGNING_KEY is missing",
    _unknown_variable: "DATABSE_URL is read by nobody",
    _migrator_for_all: "MIGRATOR_DATABASE_URL is read by nobody",
    _unknown_key: "has no LOG_LEVLE",
    _short_grace: "terminationGracePeriodSeconds",
    _budget_blocks: "allows no eviction",
    _latest: "a tag that stays",
    _open_network: "which is no arrow",
    _extra_arrow: "lets notify reach internet:443",
    _lost_arrow: "stops results from reaching intake:8080",
}


@pytest.mark.parametrize("mistake", SEEDED, ids=lambda mistake: mistake.__name__.strip("_"))
def test_a_mistake_is_seen(folder: Path, mistake: Break) -> None:
    """Each check finds the mistake it is there for."""
    documents = render(folder / "base")
    mistake(documents)
    found = check(documents, complete=False)
    assert any(SEEDED[mistake] in problem for problem in found), found


def test_a_missing_secret_is_seen(folder: Path) -> None:
    """The dev overlay brings every Secret it names; the base is allowed to expect them."""
    documents = [each for each in render(folder / "overlays/dev") if each["kind"] != "Secret"]
    assert any("Secret/" in problem for problem in check(documents, complete=True))


def test_a_service_s_own_database_only(folder: Path) -> None:
    """With one database cluster a service, no service reaches another's."""
    documents = render(folder / "base")
    for service in ("intake", "routing"):
        labels = {"app.kubernetes.io/name": f"{service}-db", f"database.mot-cua/{service}": "yes"}
        documents.append(
            {
                "kind": "StatefulSet",
                "metadata": {"name": f"{service}-db"},
                "spec": {
                    "template": {
                        "metadata": {"labels": labels},
                        "spec": {"containers": [{"ports": [{"name": "sql", "containerPort": 5432}]}]},
                    }
                },
            }
        )
    databases = {arrow for arrow in allowed_arrows(documents) if arrow.target.endswith("-db")}
    assert databases == {
        Arrow(source, f"{service}-db", 5432)
        for service in ("intake", "routing")
        for source in (service, f"{service}-migrate")
    }


def test_nats_reads_its_configuration(tmp_path: Path) -> None:
    """nats-server itself takes the generated configuration, with every password from the environment."""
    path = tmp_path / "nats.conf"
    path.write_text(nats_configuration(), encoding="utf-8")
    command = [str(server_binary()), "--config", str(path), "-t"]
    given = {password_variable(user): "p0123456789abcdef" for user in USERS}
    complete = subprocess.run(command, env=given, capture_output=True, timeout=20, check=False)
    assert complete.returncode == 0, complete.stderr
    del given[password_variable(USERS[0])]
    lacking = subprocess.run(command, env=given, capture_output=True, timeout=20, check=False)
    assert lacking.returncode != 0


def test_dev_passwords_agree(folder: Path) -> None:
    """The passwords in the services' URLs are those nats-server gets."""
    secrets = folder / "overlays/dev/secrets"
    given = dict(line.split("=", 1) for line in (secrets / "nats-passwords.env").read_text().splitlines())
    for user in USERS:
        url = f"nats://{user}:{given[password_variable(user)]}@nats:4222"
        assert f"NATS_URL={url}" in (secrets / f"{user}-connection.env").read_text()
        assert (secrets / f"{user}-connection.env").stat().st_mode & 0o077 == 0


def test_patches() -> None:
    """Strategic merges go by the elements' keys; a patch that does not fit is refused."""
    target = {
        "a": 1,
        "b": 2,
        "containers": [{"name": "x", "image": "i", "env": [{"name": "E", "value": "1"}]}],
    }
    patch = {"b": None, "containers": [{"name": "x", "image": "j"}, {"name": "y"}]}
    assert merge(target, patch) == {
        "a": 1,
        "containers": [{"name": "y"}, {"name": "x", "image": "j", "env": [{"name": "E", "value": "1"}]}],
    }
    assert merge(target, {"containers": [{"name": "x", "$patch": "delete"}]})["containers"] == []
    with pytest.raises(PatchError):
        merge(target, {"rules": [{"from": []}]})
    operations = [
        {"op": "replace", "path": "/containers/0/image", "value": "k"},
        {"op": "remove", "path": "/a"},
    ]
    assert apply_operations(target, operations)["containers"][0]["image"] == "k"
    with pytest.raises(PatchError):
        apply_operations(target, [{"op": "replace", "path": "/none", "value": 1}])


def test_unsupported_kustomizations_are_refused(tmp_path: Path) -> None:
    """A feature the renderer does not have must not be dropped silently."""
    (tmp_path / "kustomization.yaml").write_text("namePrefix: test-\n")
    with pytest.raises(KustomizeError, match="namePrefix"):
        render(tmp_path)


def test_selectors() -> None:
    """An empty selector chooses everything, a label that is absent nothing."""
    assert selects({}, {"a": "1"})
    assert selects({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, {"a": "1"})
    assert not selects({"matchLabels": {"b": "1"}}, {"a": "1"})
