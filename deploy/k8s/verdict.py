"""The manifests rendered in a throw-away copy, and everything that is wrong with them."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from deploy.k8s.checks import check
from deploy.k8s.dev_secrets import write_dev_secrets
from deploy.k8s.kustomize import KustomizeError, render
from deploy.k8s.merging import Document
from deploy.k8s.nats_config import nats_configuration, partners_configuration

FOLDER = Path(__file__).parent
NATS_CONFS = {"base/nats.conf": nats_configuration, "base/partners-nats.conf": partners_configuration}
DEV_SECRETS = "overlays/dev/secrets"
# Folder → whether it brings every Secret and ConfigMap it uses.
RENDERED = {"base": False, "overlays/dev": True}
KUBECTL_TIMEOUT_SECONDS = 60


@contextmanager
def copied() -> Iterator[Path]:
    """A throw-away copy of the manifests with secrets of its own: rendering leaves no trace in the tree."""
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "k8s"
        shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("secrets", "__pycache__", "*.py"))
        write_dev_secrets(copy / DEV_SECRETS)
        yield copy


def problems_of(folder: Path, *, compare: bool = False) -> list[str]:
    """Everything wrong with a copy of the manifests, one line each."""
    problems = []
    for name, text in NATS_CONFS.items():
        if (folder / name).read_text(encoding="utf-8") != text():
            problems.append(f"{name} is not current: run python -m deploy.k8s nats")
    for name, complete in RENDERED.items():
        try:
            documents = render(folder / name)
        except KustomizeError as error:
            problems.append(f"{name}: {error}")
            continue
        problems += [f"{name}: {problem}" for problem in check(documents, complete=complete)]
        if compare:
            problems += [f"{name}: {problem}" for problem in differences(documents, kubectl(folder / name))]
    return problems


def kubectl(folder: Path) -> list[Document]:
    """What the real kustomize renders. Raises FileNotFoundError without kubectl, CalledProcessError when it refuses."""
    found = subprocess.run(
        ["kubectl", "kustomize", str(folder)],  # noqa: S607 - the developer's own kubectl
        check=True,
        capture_output=True,
        timeout=KUBECTL_TIMEOUT_SECONDS,
    )
    return list(yaml.safe_load_all(found.stdout))


def differences(ours: Sequence[Document], theirs: Sequence[Document]) -> Iterator[str]:
    """Documents that one renderer has and the other has not, or has differently."""
    left, right = (
        {(each["kind"], each["metadata"]["name"]): each for each in side} for side in (ours, theirs)
    )
    for key in sorted(left.keys() | right.keys()):
        if left.get(key) != right.get(key):
            yield f"kubectl kustomize renders {'/'.join(key)} differently"
