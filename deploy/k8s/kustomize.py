"""A renderer for exactly the kustomize features our folders use.

kustomize itself is in no package that the set-up of a fresh machine could install, so `make k8s` renders with this.
Where kubectl is at hand, `python -m deploy.k8s --compare` shows that `kubectl kustomize` gives the same.
An unknown key in a kustomization.yaml is refused.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

from deploy.k8s.merging import Document, PatchError, apply_operations, merge

FILE = "kustomization.yaml"
KEYS = frozenset(
    {
        "apiVersion",
        "kind",
        "namespace",
        "resources",
        "labels",
        "patches",
        "images",
        "configMapGenerator",
        "secretGenerator",
    }
)
CLUSTER_KINDS = frozenset({"Namespace"})
# Fields that name a ConfigMap or Secret: parent field → (kind, field).
REFERENCES = {
    "configMap": (("ConfigMap", "name"),),
    "configMapRef": (("ConfigMap", "name"),),
    "configMapKeyRef": (("ConfigMap", "name"),),
    "secret": (("Secret", "secretName"), ("Secret", "name")),
    "secretRef": (("Secret", "name"),),
    "secretKeyRef": (("Secret", "name"),),
}
# kustomize's alphabet for name suffixes: no vowels and no look-alikes.
SUFFIX_LETTERS = str.maketrans("013ae", "ghkmt")
SUFFIX_CHARACTERS = 10
SECRET_LINE_CHARACTERS = 70


class KustomizeError(Exception):
    """A kustomization that cannot be rendered: missing file, unknown key, patch without target."""


class Resource(msgspec.Struct, kw_only=True):
    """A document on its way to the cluster; `generated` ones get the hash of their contents into their name."""

    document: Document
    generated: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """Kind and name: unique in one namespace."""
        return self.document["kind"], self.document["metadata"]["name"]


def render(folder: Path) -> list[Document]:
    """Everything `kubectl kustomize folder` would print, as documents. Raises KustomizeError."""
    try:
        resources = _build(folder)
    except PatchError as error:
        raise KustomizeError(f"{folder.name}: {error}") from error
    renamed: dict[tuple[str, str], str] = {}
    for resource in resources:
        if resource.generated:
            suffix = name_suffix(resource.document)
            renamed[resource.key] = f"{resource.key[1]}-{suffix}"
    for resource in resources:
        _rename_references(resource.document, renamed)
        if resource.generated:
            resource.document["metadata"]["name"] = renamed[resource.key]
    return [resource.document for resource in resources]


def name_suffix(document: Mapping[str, Any]) -> str:
    """The hash kustomize appends to a generated name, so that changed contents restart their users."""
    content = {
        "kind": document["kind"],
        # kustomize 5 leaves the name out of its own hash.
        "name": "",
        "data": document.get("data") or "",
    }
    if document["kind"] == "Secret":
        content["type"] = document["type"]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # Go's encoder escapes these three.
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return hashlib.sha256(text.encode()).hexdigest()[:SUFFIX_CHARACTERS].translate(SUFFIX_LETTERS)


def _build(folder: Path) -> list[Resource]:
    kustomization = _read_one(folder / FILE)
    unknown = set(kustomization) - KEYS
    if unknown:
        raise KustomizeError(f"{folder.name}/{FILE}: not supported: {', '.join(sorted(unknown))}")
    resources = _collect(folder, kustomization.get("resources", ()))
    for kind in ("ConfigMap", "Secret"):
        field = f"{kind[0].lower()}{kind[1:]}Generator"
        for generator in kustomization.get(field, ()):
            _generate(folder, kind, generator, resources)
    for patch in kustomization.get("patches", ()):
        _patch(folder, patch, resources)
    if "namespace" in kustomization:
        for resource in resources:
            if resource.key[0] not in CLUSTER_KINDS:
                resource.document["metadata"]["namespace"] = kustomization["namespace"]
    for entry in kustomization.get("labels", ()):
        _label(entry, resources)
    for image in kustomization.get("images", ()):
        _set_image(image, resources)
    return resources


def _collect(folder: Path, entries: Sequence[str]) -> list[Resource]:
    resources: list[Resource] = []
    for entry in entries:
        path = folder / entry
        if path.is_dir():
            resources += _build(path)
        else:
            resources += [Resource(document=document) for document in _read_all(path)]
    seen = set()
    for resource in resources:
        if resource.key in seen:
            raise KustomizeError(f"{folder.name}: {'/'.join(resource.key)} is there twice")
        seen.add(resource.key)
    return resources


def _generate(folder: Path, kind: str, generator: Mapping[str, Any], resources: list[Resource]) -> None:
    known = {"name", "behavior", "literals", "files", "envs", "type"}
    if set(generator) - known:
        raise KustomizeError(f"{generator['name']}: not supported: {sorted(set(generator) - known)}")
    values = dict(_values(folder, generator))
    if kind == "Secret":
        values = {key: _encoded(value) for key, value in values.items()}
    document: Document = {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": generator["name"]},
        "data": values,
    }
    if kind == "Secret":
        document["type"] = generator.get("type", "Opaque")
    behaviour = generator.get("behavior", "create")
    found = next((each for each in resources if each.key == (kind, generator["name"])), None)
    if (behaviour == "create") != (found is None) or behaviour not in {"create", "merge"}:
        raise KustomizeError(f"{kind}/{generator['name']}: behavior {behaviour} does not fit")
    if found is None:
        resources.append(Resource(document=document, generated=True))
    else:
        found.document["data"] |= values


def _encoded(value: str) -> str:
    """Base64 as kustomize writes it: broken into lines when longer than one (it counts in the name's hash)."""
    text = base64.b64encode(value.encode()).decode()
    if len(text) < SECRET_LINE_CHARACTERS:
        return text
    starts = range(0, len(text), SECRET_LINE_CHARACTERS)
    return "".join(f"{text[start : start + SECRET_LINE_CHARACTERS]}\n" for start in starts)


def _values(folder: Path, generator: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for literal in generator.get("literals", ()):
        key, _, value = literal.partition("=")
        yield key, value
    for entry in generator.get("files", ()):
        key, _, name = entry.rpartition("=")
        yield key or Path(name).name, _text(folder / name)
    for name in generator.get("envs", ()):
        for line in _text(folder / name).splitlines():
            if line.strip() and not line.startswith("#"):
                key, _, value = line.partition("=")
                yield key, value


def _patch(folder: Path, entry: Mapping[str, Any], resources: Sequence[Resource]) -> None:
    text = _text(folder / entry["path"]) if "path" in entry else entry["patch"]
    for patch in yaml.safe_load_all(text):
        matches = [each for each in resources if _is_target(each.document, entry.get("target"), patch)]
        if not matches:
            raise KustomizeError(f"{folder.name}: a patch finds no target: {entry.get('target') or patch}")
        for resource in matches:
            if isinstance(patch, list):
                resource.document = apply_operations(resource.document, patch)
                continue
            # The patch's own name only chose the target.
            body = {key: value for key, value in patch.items() if key not in {"apiVersion", "kind"}}
            body["metadata"] = {
                key: value for key, value in patch.get("metadata", {}).items() if key != "name"
            }
            resource.document = merge(resource.document, body)


def _is_target(document: Document, target: Mapping[str, str] | None, patch: Any) -> bool:
    if target is None:
        return bool(
            patch["kind"] == document["kind"] and patch["metadata"]["name"] == document["metadata"]["name"]
        )
    unknown = set(target) - {"kind", "name", "labelSelector"}
    if unknown:
        raise KustomizeError(f"patch target: not supported: {sorted(unknown)}")
    labels = document["metadata"].get("labels", {})
    wanted = target["labelSelector"].split(",") if "labelSelector" in target else []
    return (
        re.fullmatch(target.get("kind", ".*"), document["kind"]) is not None
        and re.fullmatch(target.get("name", ".*"), document["metadata"]["name"]) is not None
        and all(labels.get(pair.partition("=")[0]) == pair.partition("=")[2] for pair in wanted)
    )


def _label(entry: Mapping[str, Any], resources: Sequence[Resource]) -> None:
    if entry.get("includeSelectors") or set(entry) - {"pairs", "includeSelectors", "includeTemplates"}:
        raise KustomizeError("labels: only pairs and includeTemplates are supported")
    for resource in resources:
        places = [resource.document["metadata"]]
        if entry.get("includeTemplates"):
            template = resource.document.get("spec", {}).get("template")
            if template is not None:
                places.append(template.setdefault("metadata", {}))
            places += [
                claim["metadata"]
                for claim in resource.document.get("spec", {}).get("volumeClaimTemplates", ())
            ]
        for place in places:
            place["labels"] = {**place.get("labels", {}), **entry["pairs"]}


def _set_image(image: Mapping[str, str], resources: Sequence[Resource]) -> None:
    if set(image) - {"name", "newName", "newTag"}:
        raise KustomizeError("images: only name, newName and newTag are supported")
    for resource in resources:
        for container in containers_of(resource.document):
            name, _, tag = container["image"].rpartition(":")
            if name == image["name"]:
                container["image"] = f"{image.get('newName', name)}:{image.get('newTag', tag)}"


def containers_of(document: Mapping[str, Any]) -> list[Document]:
    """Every container of a workload, those that run first included; empty for other kinds."""
    pod = pod_of(document)
    return [*pod.get("initContainers", ()), *pod.get("containers", ())]


def pod_of(document: Mapping[str, Any]) -> Document:
    """The pod specification of a workload; empty for other kinds."""
    spec = document.get("spec") or {}
    template: Document = spec.get("template") or {}
    pod: Document = template.get("spec") or {}
    return pod


def _rename_references(node: Any, renamed: Mapping[tuple[str, str], str]) -> None:
    if isinstance(node, list):
        for item in node:
            _rename_references(item, renamed)
    elif isinstance(node, dict):
        for field, value in node.items():
            for kind, inner in REFERENCES.get(field, ()):
                if isinstance(value, dict) and (kind, value.get(inner)) in renamed:
                    value[inner] = renamed[kind, value[inner]]
            _rename_references(value, renamed)


def _read_one(path: Path) -> Document:
    found = _read_all(path)
    if len(found) != 1:
        raise KustomizeError(f"{path.name}: one document expected")
    return found[0]


def _read_all(path: Path) -> list[Document]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        documents = list(yaml.load_all(_text(path), Loader=loader))
    except yaml.YAMLError as error:
        raise KustomizeError(f"{path.parent.name}/{path.name}: {error}") from error
    # An anchor's uses are one object to the loader; a change of one must not change the others.
    return [json.loads(json.dumps(each)) for each in documents if each]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise KustomizeError(f"{path.parent.name}/{path.name} is missing") from error
