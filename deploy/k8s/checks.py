"""Our own rules for what goes to a cluster, beside the API's schema."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import jsonschema
import kubernetes_validate  # type: ignore[import-untyped]
from kubernetes_validate.utils import schema_contents  # type: ignore[import-untyped]
from referencing import Registry, Resource

from deploy.k8s.arrows import READS, allowed_arrows, databases_of, expected_arrows, places_of
from deploy.k8s.environments import check_environments
from deploy.k8s.kustomize import containers_of, pod_of
from deploy.k8s.merging import Document
from deploy.programs import DATABASES, PROCESSES

KUBERNETES = "1.37"
WORKLOADS = ("Deployment", "StatefulSet", "Job")
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
# SIGTERM to exit: not ready, requests, relay and consumer (libs/http/serve.py).
GRACE_SECONDS_MIN = 40
# What an installation brings; everything else that is referred to must be among the documents.
BROUGHT_SECRETS = frozenset(
    {
        *(f"{service}-connection" for service in (*PROCESSES, "keeper")),
        *(f"{service}-migrator" for service in DATABASES),
        # Of those who call others (READS), and of who speaks for officers and for partners.
        *(f"{service}-key" for service in READS),
        "gateway-key",
        "gateway-webhooks",
        "identity-key",
        "identity-accounts",
        "nats-passwords",
        "notify-smtp",
        "partners-nats",
        "partners-nats-key",
        "postgres-admin",
        "results-signing",
    }
)
BROUGHT_CONFIG_MAPS = frozenset({"public-keys"})


def check(documents: Sequence[Document], *, complete: bool) -> list[str]:
    """Everything wrong with a rendering, one line each; `complete` when it should bring its own Secrets."""
    return [
        *check_schema(documents),
        *(problem for each in documents if each["kind"] in WORKLOADS for problem in check_workload(each)),
        *check_references(documents, complete=complete),
        *check_budgets(documents),
        *check_environments(documents),
        *check_arrows(documents),
    ]


def check_schema(documents: Sequence[Document]) -> Iterator[str]:
    """kubernetes-validate in strict mode: unknown and missing fields."""
    for document in documents:
        try:
            validator = _validator(document["kind"], document["apiVersion"])
        except FileNotFoundError:
            yield f"{_name(document)}: Kubernetes {KUBERNETES} knows no such kind"
            continue
        for error in validator.iter_errors(document):
            # A Secret's contents must not come into a log.
            place = ".".join(str(part) for part in error.absolute_path)
            text = "wrong" if document["kind"] == "Secret" else error.message
            yield f"{_name(document)}: {place}: {text}"


@cache
def _validator(kind: str, api_version: str) -> jsonschema.Draft202012Validator:
    """As kubernetes_validate.validate does, without reading the two megabytes of definitions for each document."""
    group, _, version = api_version.rpartition("/")
    short = f"{group.split('.')[0]}-{version}" if group else version
    folder = f"kubernetes-json-schema/v{_version()}-local-strict"
    schema = schema_contents(f"{folder}/{kind.lower()}-{short}.json", KUBERNETES)
    return jsonschema.Draft202012Validator(schema, registry=_definitions(folder))


@cache
def _version() -> str:
    newest: str = kubernetes_validate.latest_version()
    if not newest.startswith(f"{KUBERNETES}."):
        raise LookupError(f"kubernetes-validate brings {newest}, these manifests are for {KUBERNETES}")
    return newest


@cache
def _definitions(folder: str) -> Registry[Any]:
    contents = schema_contents(f"{folder}/_definitions.json", KUBERNETES)
    return Resource.from_contents(contents) @ Registry()


def check_workload(document: Document) -> Iterator[str]:
    """Probes, limits, and the restricted security profile with a read-only root, for servers and jobs of any image."""
    pod = pod_of(document)
    name = _name(document)
    security = pod.get("securityContext", {})
    if security.get("runAsNonRoot") is not True or not security.get("runAsUser"):
        yield f"{name}: runAsNonRoot with a fixed runAsUser is missing"
    if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield f"{name}: seccompProfile RuntimeDefault is missing"
    if pod.get("automountServiceAccountToken") is not False or "serviceAccountName" not in pod:
        yield f"{name}: needs a service account of its own and no token"
    if pod.get("enableServiceLinks") is not False:
        yield f"{name}: enableServiceLinks would add variables nobody asked for"
    if any(pod.get(field) for field in ("hostNetwork", "hostPID", "hostIPC")):
        yield f"{name}: must not share the node's namespaces"
    if any("hostPath" in volume for volume in pod.get("volumes", ())):
        yield f"{name}: must not mount the node"
    if document["kind"] == "Job":
        if not document["spec"].get("activeDeadlineSeconds"):
            yield f"{name}: a job needs a deadline"
    elif pod.get("terminationGracePeriodSeconds", 30) < GRACE_SECONDS_MIN:
        yield f"{name}: terminationGracePeriodSeconds below {GRACE_SECONDS_MIN}"
    if document["kind"] == "Deployment" and not pod.get("topologySpreadConstraints"):
        yield f"{name}: topologySpreadConstraints are missing"
    for container in containers_of(document):
        yield from _check_container(name, document["kind"], container)


def _check_container(name: str, kind: str, container: Mapping[str, Any]) -> Iterator[str]:
    where = f"{name}/{container['name']}"
    security = container.get("securityContext", {})
    if security.get("readOnlyRootFilesystem") is not True:
        yield f"{where}: readOnlyRootFilesystem is missing"
    if security.get("allowPrivilegeEscalation") is not False:
        yield f"{where}: allowPrivilegeEscalation must be false"
    if security.get("capabilities", {}).get("drop") != ["ALL"] or "add" in security.get("capabilities", {}):
        yield f"{where}: all capabilities must be dropped"
    resources = container.get("resources", {})
    for what in ("requests", "limits"):
        for unit in ("cpu", "memory"):
            if unit not in resources.get(what, {}):
                yield f"{where}: resources.{what}.{unit} is missing"
    _, separator, tag = container["image"].rpartition(":")
    if not separator or tag == "latest" or "/" in tag:
        yield f"{where}: the image needs a tag that stays"
    if kind != "Job":
        for probe in PROBES:
            if probe not in container:
                yield f"{where}: {probe} is missing"
    writable = [each["mountPath"] for each in container.get("volumeMounts", ())]
    if "/tmp" not in writable:  # noqa: S108 - a path inside the container
        yield f"{where}: /tmp must be a volume, the root is read-only"


def check_references(documents: Sequence[Document], *, complete: bool) -> Iterator[str]:
    """Every ConfigMap, Secret, claim and account that is named exists here or is brought by the installation."""
    there = {(each["kind"], each["metadata"]["name"]): each for each in documents}
    for document in documents:
        for kind, name, key in _references(pod_of(document)):
            target = there.get((kind, name))
            brought = BROUGHT_SECRETS if kind == "Secret" else BROUGHT_CONFIG_MAPS
            if target is None and (complete or kind not in {"Secret", "ConfigMap"} or name not in brought):
                yield f"{_name(document)}: {kind}/{name} does not exist"
            if target is not None and key is not None and key not in target.get("data", {}):
                yield f"{_name(document)}: {kind}/{name} has no {key}"


def _references(node: Any) -> Iterator[tuple[str, str, str | None]]:
    if isinstance(node, list):
        for item in node:
            yield from _references(item)
        return
    if not isinstance(node, dict):
        return
    for field, value in node.items():
        match field, value:
            case "serviceAccountName", str():
                yield "ServiceAccount", value, None
            case "persistentVolumeClaim", dict():
                yield "PersistentVolumeClaim", value["claimName"], None
            case "configMapKeyRef", dict():
                yield "ConfigMap", value["name"], value["key"]
            case "secretKeyRef", dict():
                yield "Secret", value["name"], value["key"]
            case (("configMap" | "configMapRef"), dict()):
                yield "ConfigMap", value["name"], None
            case (("secret" | "secretRef"), dict()):
                yield "Secret", value.get("secretName") or value["name"], None
            case _:
                yield from _references(value)


def check_budgets(documents: Sequence[Document]) -> Iterator[str]:
    """A disruption budget must let at least one pod go, or a node can never be emptied."""
    replicas = {
        each["metadata"]["name"]: each["spec"]["replicas"]
        for each in documents
        if each["kind"] == "Deployment"
    }
    budgets = {
        each["metadata"]["name"]: each["spec"]["minAvailable"]
        for each in documents
        if each["kind"] == "PodDisruptionBudget"
    }
    for service in PROCESSES:
        if service not in budgets:
            yield f"{service} has no PodDisruptionBudget"
        elif budgets[service] >= replicas[service]:
            yield f"PodDisruptionBudget/{service} allows no eviction"


def check_arrows(documents: Sequence[Document]) -> Iterator[str]:
    """The policies let through exactly the arrows of the table, for the workloads that are here."""
    names = [place.name for place in places_of(documents)]
    expected = expected_arrows(names, databases_of(documents))
    allowed = allowed_arrows(documents)
    for arrow in sorted(allowed - expected):
        yield f"the network lets {arrow.source} reach {arrow.target}:{arrow.port}, which is no arrow"
    for arrow in sorted(expected - allowed):
        yield f"the network stops {arrow.source} from reaching {arrow.target}:{arrow.port}"


def _name(document: Mapping[str, Any]) -> str:
    return f"{document['kind']}/{document['metadata']['name']}"
