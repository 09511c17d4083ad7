"""Who may speak to whom in the cluster: one table, and what a set of NetworkPolicies really lets through."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from deploy.k8s.kustomize import containers_of
from deploy.k8s.merging import Document
from deploy.programs import DATABASES, PORTAL, PROCESSES
from libs.bus.permissions import LISTENERS
from libs.contracts.catalogue import SERVICES
from libs.http.auth import GATEWAY

HTTP_PORT, NATS_PORT, POSTGRES_PORT = 8080, 4222, 5432
MAIL_PORTS = (465, 587)
HTTPS_PORT = 443
DNS_PORT = 53
# Who reads whose HTTP: people's data and outcomes from their owners (blueprint 4).
READS: Mapping[str, tuple[str, ...]] = {
    "results": ("intake", "routing"),
    "notify": ("intake",),
    # What partners do is done by its owner; notify writes to their contacts.
    GATEWAY: ("intake", "routing", "results", "notify"),
    # Its screens show what the owners answer to whoever is signed in.
    PORTAL: tuple(DATABASES),
}
# The server that partners reach: no other of ours does.
PARTNERS_NATS = "partners-nats"
ENTRANCE, STRANGER, INTERNET, DNS = "entrance", "stranger", "internet", "dns"
DATABASE_LABEL = "database.mot-cua/"
OPERATORS: Mapping[str, Callable[[str | None, Sequence[str]], bool]] = {
    "In": lambda value, values: value in values,
    "Exists": lambda value, _: value is not None,
}


class Arrow(msgspec.Struct, frozen=True, order=True):
    """One connection that is allowed."""

    source: str
    target: str
    port: int


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """An end of a connection: a kind of pod, or (address) something outside the cluster."""

    name: str
    labels: Mapping[str, str] = {}
    namespace: Mapping[str, str] = {}
    ours: bool = True
    outside: bool = False
    ports: Mapping[str, int] = {}


def expected_arrows(workloads: Iterable[str], databases: Mapping[str, str]) -> set[Arrow]:
    """The arrows of the blueprint among `workloads`; `databases` says which workload holds a service's database."""
    names = set(workloads)
    arrows = {Arrow(name, DNS, DNS_PORT) for name in names}
    arrows |= {Arrow(name, "nats", NATS_PORT) for name in (*SERVICES, "keeper", *LISTENERS)}
    arrows |= {Arrow(name, PARTNERS_NATS, NATS_PORT) for name in (GATEWAY, ENTRANCE)}
    arrows |= {Arrow(ENTRANCE, name, HTTP_PORT) for name in PROCESSES}
    arrows |= {Arrow(source, target, HTTP_PORT) for source, targets in READS.items() for target in targets}
    arrows |= {Arrow("notify", INTERNET, port) for port in MAIL_PORTS}
    arrows.add(Arrow(GATEWAY, INTERNET, HTTPS_PORT))
    for service, holder in databases.items():
        users = {service, f"{service}-migrate", "provision"} & names
        arrows |= {Arrow(user, holder, POSTGRES_PORT) for user in users}
    return arrows


def databases_of(documents: Sequence[Document]) -> dict[str, str]:
    """Which workload holds the database of which service, by the labels of its pods."""
    return {
        label.removeprefix(DATABASE_LABEL): place.name
        for place in places_of(documents)
        for label in place.labels
        if label.startswith(DATABASE_LABEL)
    }


def allowed_arrows(documents: Sequence[Document]) -> set[Arrow]:
    """Every connection the NetworkPolicies among `documents` let through, tried one by one on every port in sight."""
    policies = [each["spec"] for each in documents if each["kind"] == "NetworkPolicy"]
    ours = places_of(documents)
    outside = (
        Place(name=ENTRANCE, namespace={"mot-cua/entrance": "yes"}, ours=False),
        Place(name=STRANGER, labels={"app.kubernetes.io/name": "intake"}, ours=False),
        Place(
            name=DNS,
            labels={"k8s-app": "kube-dns"},
            namespace={"kubernetes.io/metadata.name": "kube-system"},
            ours=False,
        ),
        Place(name=INTERNET, ours=False, outside=True),
    )
    # 22 is named by no policy: whoever is let through there is let through everywhere.
    ports = {
        22,
        HTTPS_PORT,
        DNS_PORT,
        *MAIL_PORTS,
        *(port for place in ours for port in place.ports.values()),
    }
    return {
        Arrow(source.name, target.name, port)
        for source in (*ours, *outside)
        for target in (*ours, *outside)
        if source.ours or target.ours
        if source.name != target.name
        for port in ports
        if _passes(policies, source, target, port)
    }


def places_of(documents: Sequence[Document]) -> list[Place]:
    """Each workload's pods."""
    return [
        Place(
            name=each["metadata"]["name"],
            labels=each["spec"]["template"]["metadata"]["labels"],
            ports={
                port["name"]: port["containerPort"]
                for container in containers_of(each)
                for port in container.get("ports", ())
            },
        )
        for each in documents
        if each["kind"] in {"Deployment", "StatefulSet", "Job"}
    ]


def _passes(policies: Sequence[Mapping[str, Any]], source: Place, target: Place, port: int) -> bool:
    return _one_way(policies, "Egress", source, target, port) and _one_way(
        policies, "Ingress", target, source, port
    )


def _one_way(
    policies: Sequence[Mapping[str, Any]], direction: str, subject: Place, other: Place, port: int
) -> bool:
    """Whether the policies on `subject` allow this direction; a pod no policy selects is open, as is the world."""
    if not subject.ours:
        return True
    selecting = [
        policy
        for policy in policies
        if direction in policy["policyTypes"] and selects(policy["podSelector"], subject.labels)
    ]
    if not selecting:
        return True
    peers_field = "to" if direction == "Egress" else "from"
    listener = other if direction == "Egress" else subject
    return any(
        _has_port(rule, port, listener) and _has_peer(rule, peers_field, other)
        for policy in selecting
        for rule in policy.get(direction.lower(), ())
    )


def _has_port(rule: Mapping[str, Any], port: int, listener: Place) -> bool:
    if "ports" not in rule:
        return True
    return any(listener.ports.get(str(each.get("port")), each.get("port")) == port for each in rule["ports"])


def _has_peer(rule: Mapping[str, Any], field: str, other: Place) -> bool:
    return field not in rule or any(_is_peer(peer, other) for peer in rule[field])


def _is_peer(peer: Mapping[str, Any], other: Place) -> bool:
    if "ipBlock" in peer:
        # Meant for addresses outside the cluster; the API leaves open whether it matches pods.
        return other.outside
    if other.outside:
        return False
    if "namespaceSelector" in peer:
        in_namespace = selects(peer["namespaceSelector"], {} if other.ours else other.namespace)
    else:
        in_namespace = other.ours
    return in_namespace and selects(peer.get("podSelector", {}), other.labels)


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector chooses `labels`. Raises KeyError for operators we do not use."""
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()) and all(
        OPERATORS[each["operator"]](labels.get(each["key"]), each.get("values", ()))
        for each in selector.get("matchExpressions", ())
    )
