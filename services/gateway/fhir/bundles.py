"""A Bundle read from its bytes: strict JSON, few entries, references that lead only inside. Pure."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec

from libs.http.bodies import decode_body
from libs.http.problems import Problem
from services.gateway.fhir.issues import Issue, error
from services.gateway.fhir.paths import Node
from services.gateway.fhir.place_in_bundle import Place

BYTES_MAX = 1 << 20
ENTRIES_MAX = 300
# With those contained in others.
RESOURCES_MAX = 600
TYPES = ("document", "message", "transaction", "collection")
# What the first entry of a type must be (https://hl7.org/fhir/R4/bundle.html, bdl-11 and bdl-12).
_FIRST = {"document": "Composition", "message": "MessageHeader"}
# Issues of one kind told for one Bundle.
TOLD_MAX = 50


class NotABundle(Exception):
    """The bytes are no Bundle; nothing in it can be judged."""

    def __init__(self, status: int, issues: list[Issue]) -> None:
        super().__init__(issues[0].slug)
        self.status = status
        self.issues = issues


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """A resource of the Bundle, or one contained in another; `names` are what references may call it."""

    kind: str
    node: Node
    names: frozenset[str]
    entry: int

    @property
    def value(self) -> dict[str, Any]:
        """The resource itself."""
        found: dict[str, Any] = self.node.value
        return found


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """A Bundle whose outer shape holds. `resources` have those contained after those of the entries."""

    content: bytes
    tree: dict[str, Any]
    type: str
    entries: list[Any]
    resources: tuple[Resource, ...]
    # By what a reference calls it; one contained in another by the entry besides.
    named: dict[str | tuple[int, str], Resource]

    def of_kind(self, *kinds: str) -> list[Resource]:
        """The resources of these kinds in their order."""
        return [resource for resource in self.resources if resource.kind in kinds]

    def at(self, reference: Any, holder: Resource | None = None) -> Resource | None:
        """What a Reference leads to, inside this Bundle; None outside it. `#id` means one contained in `holder`."""
        wanted = reference.get("reference") if isinstance(reference, dict) else None
        if not isinstance(wanted, str):
            return None
        if wanted.startswith("#"):
            return self.named.get((holder.entry, wanted)) if holder else None
        return self.named.get(wanted.partition("/_history/")[0])


def read_bundle(content: bytes) -> Bundle:
    """The Bundle of these bytes. Raises NotABundle with what is wrong with its outer shape."""
    if len(content) > BYTES_MAX:
        text = f"Bundle lớn hơn {BYTES_MAX // 1024} KiB."
        raise NotABundle(413, [error("too-large", text)])
    try:
        tree: dict[str, Any] = decode_body(content, dict)
    except Problem as problem:
        text = problem.detail or "Nội dung không phải một đối tượng JSON."
        raise NotABundle(400, [error("structure", text)]) from None
    if tree.get("resourceType") != "Bundle":
        raise NotABundle(400, [error("structure", "Tài nguyên phải là một Bundle.", ("resourceType",))])
    entries, type_ = tree.get("entry"), tree.get("type")
    if type_ not in TYPES:
        text = f"Loại Bundle phải là một trong: {', '.join(TYPES)}."
        raise NotABundle(422, [error("not-supported", text, ("type",))])
    if not isinstance(entries, list) or not entries:
        raise NotABundle(422, [error("required", "Bundle không có mục (entry) nào.", ("entry",))])
    if len(entries) > ENTRIES_MAX:
        text = f"Bundle có nhiều hơn {ENTRIES_MAX} mục (entry)."
        raise NotABundle(422, [error("too-large", text, ("entry",))])
    resources = tuple(_resources(entries))
    if len(resources) > RESOURCES_MAX:
        text = f"Bundle có nhiều hơn {RESOURCES_MAX} tài nguyên."
        raise NotABundle(422, [error("too-large", text, ("entry",))])
    named: dict[str | tuple[int, str], Resource] = {}
    for one in resources:
        for name in one.names:
            named.setdefault((one.entry, name) if name.startswith("#") else name, one)
    return Bundle(
        content=content, tree=tree, type=str(type_), entries=entries, resources=resources, named=named
    )


def shape_issues(bundle: Bundle) -> Iterator[Issue]:
    """What is wrong with the Bundle beyond its resources: the first entry, references that lead outside."""
    wanted = _FIRST.get(bundle.type)
    first = bundle.entries[0].get("resource") if isinstance(bundle.entries[0], dict) else None
    kind = first.get("resourceType") if isinstance(first, dict) else None
    if wanted and kind != wanted:
        text = f"Bundle loại {bundle.type} phải bắt đầu bằng {wanted}."
        yield error("structure", text, ("entry", 0, "resource"))
    seen: dict[str, int] = {}
    for index, entry in enumerate(bundle.entries):
        url = entry.get("fullUrl") if isinstance(entry, dict) else None
        if isinstance(url, str) and seen.setdefault(url, index) != index:
            text = "Hai mục (entry) có cùng fullUrl."
            yield error("structure", text, ("entry", index, "fullUrl"))
    for index, entry in enumerate(bundle.entries):
        request = entry.get("request") if isinstance(entry, dict) else None
        if isinstance(request, dict) and request.get("method") not in ("POST", "PUT"):
            text = "Chỉ nhận POST và PUT; muốn thu hồi, gửi lại với trạng thái entered-in-error."
            yield error("not-supported", text, ("entry", index, "request", "method"))
    outside = [place for resource in bundle.resources for place in _outside(bundle, resource)]
    if outside:
        text = "Tham chiếu dẫn ra ngoài Bundle: hệ thống không tải dữ liệu từ địa chỉ khác, hãy gửi kèm trong Bundle."
        yield error("reference-external", text, *outside[:TOLD_MAX])


def _resources(entries: list[Any]) -> Iterator[Resource]:
    contained: list[Resource] = []
    for index, entry in enumerate(entries):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
            continue
        kind, place = resource["resourceType"], ("entry", index, "resource")
        names = {name for name in (entry.get("fullUrl"),) if isinstance(name, str)}
        if isinstance(resource.get("id"), str):
            names.add(f"{kind}/{resource['id']}")
        yield Resource(kind=kind, node=Node(place, resource), names=frozenset(names), entry=index)
        inside = resource.get("contained")
        for number, one in enumerate(inside if isinstance(inside, list) else ()):
            # Contained resources contain nothing themselves (dom-2), so there is no second level to walk.
            if isinstance(one, dict) and isinstance(one.get("resourceType"), str):
                node = Node((*place, "contained", number), one)
                name = frozenset({f"#{one.get('id')}"})
                contained.append(Resource(kind=one["resourceType"], node=node, names=name, entry=index))
    yield from contained


def _outside(bundle: Bundle, resource: Resource) -> Iterator[Place]:
    """Places of references by a full address that no entry of the Bundle has. Contained ones were walked with it."""
    if "contained" in resource.node.place:
        return
    stack: list[tuple[Place, Any]] = [(resource.node.place, resource.value)]
    while stack:
        place, value = stack.pop()
        if isinstance(value, list):
            stack += [((*place, index), item) for index, item in enumerate(value)]
        elif isinstance(value, dict):
            wanted = value.get("reference")
            if isinstance(wanted, str) and _is_address(wanted) and bundle.at(value, resource) is None:
                yield (*place, "reference")
            stack += [((*place, name), item) for name, item in value.items()]


def _is_address(reference: str) -> bool:
    try:
        parts = urlsplit(reference)
    except ValueError:
        return True
    return bool(parts.netloc) or parts.scheme not in ("", "urn")
