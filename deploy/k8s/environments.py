"""Whether the containers get exactly the environment our programs read."""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from deploy.k8s.arrows import READS
from deploy.k8s.kustomize import containers_of
from deploy.k8s.merging import Document
from deploy.programs import DATABASES, PROCESSES

# Settings that are empty unless given: an installation must decide on each. Left out here on purpose, and why.
LEFT_OUT: Mapping[str, str] = {
    "OTLP_ENDPOINT": "no collector is part of this; traces stay off",
    "AWS_ACCESS_KEY_ID": "documents are kept on a volume",
    "AWS_SECRET_ACCESS_KEY": "documents are kept on a volume",
    "AWS_REGION": "documents are kept on a volume",
    "AWS_ENDPOINT": "documents are kept on a volume",
    "AWS_ALLOW_HTTP": "documents are kept on a volume",
    "OPENID_ISSUER": "no provider of OpenID Connect is part of this; staff have passwords",
    "OPENID_CLIENT_ID": "no provider",
    "OPENID_CLIENT_SECRET": "no provider",
    "OPENID_REDIRECT_URL": "no provider",
    "OPENID_NAME": "no provider",
    "OPENID_LINK_BY": "no provider",
    "DROP_FOLDER": "hospitals' folders are a volume of the installation's own; without one files come over HTTP",
    "WEBHOOK_NETWORKS": "webhooks go to the public internet only",
    "WEBHOOK_CA": "receivers prove themselves by the system's authorities",
    "MIGRATOR_DATABASE_URL": "only the migration runs as the owner",
}
# Programs that are no service's: module and command → the variables they need and the ones they may have.
OTHERS: Mapping[tuple[str, ...], tuple[frozenset[str], frozenset[str]]] = {
    ("libs.bus", "keeper"): (
        frozenset({"NATS_URL", "HEARTBEAT_FILE"}),
        frozenset({"STREAM_REPLICAS", "STREAM_BYTES_MAX"}),
    ),
    ("libs.database", "provision"): (
        frozenset({"ADMIN_DATABASE_URL", "DATABASE_URL", "MIGRATOR_DATABASE_URL"}),
        frozenset(),
    ),
}


class Environment(msgspec.Struct, frozen=True):
    """Names of environment variables a program needs, and those it reads at all."""

    needed: frozenset[str]
    known: frozenset[str]


def environment_of(service: str) -> Environment:
    """What `serve` of a service reads, from the Structs of its settings.py."""
    module = importlib.import_module(f"services.{service}.settings")
    structs = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, msgspec.Struct)
        and value.__module__ == module.__name__
    ]
    needed, known = set(), set()
    for struct in structs:
        for field in msgspec.structs.fields(struct):
            name = field.name.upper()
            known.add(name)
            # An empty default means that nobody can know it but the installation.
            if field.required or field.default == "":
                needed.add(name)
    return Environment(frozenset(needed - LEFT_OUT.keys()), frozenset(known - LEFT_OUT.keys()))


def check_environments(documents: Sequence[Document]) -> Iterator[str]:
    """What is wrong with the environments of our containers, one line each."""
    for document in documents:
        for container in containers_of(document):
            if container["image"].startswith("mot-cua/"):
                where = f"{document['kind']}/{document['metadata']['name']}/{container['name']}"
                yield from _check_container(where, container)
    yield from check_reads()


def check_reads() -> Iterator[str]:
    """The URLs of other services in a service's settings must be the arrows of READS, both ways."""
    for service in PROCESSES:
        known = environment_of(service).known
        urls = {name for name in PROCESSES if f"{name.upper()}_URL" in known}
        if urls != set(READS.get(service, ())):
            yield f"services/{service}/settings.py reads the URLs of {sorted(urls)}, arrows.READS says otherwise"


def _check_container(where: str, container: Mapping[str, Any]) -> Iterator[str]:
    if "envFrom" in container:
        yield f"{where}: envFrom hides what it passes; list env"
    found = expected_environment(container.get("args", ()))
    if found is None:
        yield f"{where}: no such command: {' '.join(container.get('args', ()))}"
        return
    names = [each["name"] for each in container.get("env", ())]
    if len(names) != len(set(names)):
        yield f"{where}: a variable is there twice"
    for name in sorted(found.needed - set(names)):
        yield f"{where}: {name} is missing"
    for name in sorted(set(names) - found.known):
        yield f"{where}: {name} is read by nobody"


def expected_environment(arguments: Sequence[str]) -> Environment | None:
    """What the program started by `python -m arguments…` reads; None for a program we do not have."""
    program, *rest = arguments or [""]
    command = rest[0] if rest else ""
    service = program.removeprefix("services.")
    if program.startswith("services.") and service in PROCESSES:
        if command == "serve":
            return environment_of(service)
        if command == "migrate" and service in DATABASES:
            only = frozenset({"MIGRATOR_DATABASE_URL"})
            return Environment(only, only)
    if (program, command) in OTHERS:
        needed, optional = OTHERS[program, command]
        return Environment(needed, needed | optional)
    return None
