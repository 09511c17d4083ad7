"""Who may call what."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from fastapi.params import Depends

from tests.architecture.sources import modules, tree

METHODS = {"get", "post", "put", "patch", "delete"}
# Endpoints for anybody; a new one needs a reason here.
PUBLIC = {
    "services/intake/api_public.py GET /status": "the same for what a code can stand for",
    "services/intake/api_public.py GET /status/{code}": "status and dates of a dossier, rate-limited",
    "services/intake/api_public.py GET /track/{token}": "the same by a random token",
    "services/results/api.py GET /verify/{token}": "whether a paper is valid; names nobody, rate-limited",
    "services/results/api_electronic.py POST /electronic-results": "the person's own, by token and digits; few tries",
    "services/results/api_electronic.py POST /electronic-results/{result_id}/document": "the same",
    "services/portal/assets.py GET /static/{version}/{name:path}": "styles, scripts and fonts of the pages",
    "services/portal/home.py GET /": "the front door",
    "services/portal/home.py GET /robots.txt": "for search machines",
    "services/portal/citizens/tracking.py GET /tra-cuu": "status and dates by code; tries limited",
    "services/portal/citizens/tracking.py POST /tra-cuu": "names by code and four digits; intake counts the tries",
    "services/portal/citizens/tracking.py GET /h/{token}": "a family's page by its random token",
    "services/portal/citizens/tracking.py GET /h/{token}/dong": "the same, live",
    "services/portal/citizens/tracking.py GET /track/{token}": "the printed link leads to it",
    "services/portal/citizens/tracking.py POST /h/{token}/ket-qua/{result_id}": "token and digits; results counts",
    "services/portal/citizens/verification.py GET /xac-minh/{token}": "whether a paper is valid; names nobody",
    "services/portal/citizens/verification.py GET /verify/{token}": "the printed link leads to it",
    "services/portal/procedures/pages.py GET /thu-tuc": "what the city offers",
    "services/portal/procedures/pages.py GET /thu-tuc/{code}": "the same",
    "services/portal/developers/start.py GET /dev": "the way in for integrators; what is a partner's own is not in it",
    "services/portal/developers/event_list.py GET /dev/su-kien": "the contracts, which are public",
    "services/portal/developers/event_list.py GET /dev/su-kien/{type_}": "the same",
    "services/portal/developers/event_list.py GET /dev/luoc-do/{type_}.json": "the same, for programs",
    "services/portal/developers/saying_list.py GET /dev/noi": "what partners may say, which is public",
    "services/portal/developers/saying_list.py GET /dev/noi/{type_}": "the same",
    "services/portal/developers/documents.py GET /dev/api": "what the gateway understands, without operators' calls",
    "services/portal/developers/documents.py GET /dev/openapi.json": "the same, for programs",
    "services/portal/developers/documents.py GET /dev/asyncapi": "the contracts",
    "services/portal/developers/documents.py GET /dev/asyncapi.json": "the same, for programs",
    "services/portal/developers/learning.py GET /dev/mau": "samples",
    "services/portal/developers/learning.py GET /dev/kiem-chu-ky": "works in the browser; nothing is sent",
    "services/portal/devices/pairing.py GET /thiet-bi": "a device before it is one of ours",
    "services/portal/devices/pairing.py POST /thiet-bi": "the same; tries limited, and identity limits those waiting",
    "services/portal/devices/pairing.py POST /thiet-bi/cho": "the same, by the pairing's own secret",
    "services/portal/hospital/declare.py GET /bv/khai-bao/vo": "the form's shell without a network; names nobody",
    "services/portal/hospital/declare.py GET /bv/sw.js": "the service worker's script",
    "services/portal/hospital/declare.py GET /bv/phien": "whose session it is; 401 without one",
    "services/portal/sign_in.py GET /dang-nhap": "who is not signed in yet",
    "services/portal/sign_in.py POST /dang-nhap": "the same; identity counts the tries",
    "services/portal/sign_in.py POST /dang-nhap/ma": "the same; identity asks for the session begun",
    "services/portal/sign_in.py POST /dang-nhap/mat-khau": "the same",
    "services/portal/sign_in.py GET /dang-nhap/dich-vu": "the same, by the city's own sign-in service",
    "services/portal/sign_in.py GET /dang-nhap/openid": "the way back from there; the state is used once",
    "services/gateway/partners/api_tokens.py GET /.well-known/oauth-authorization-server": "where to prove oneself",
    "services/gateway/fhir/api.py GET /metadata": "what is taken here; FHIR's clients ask before they have a token",
    "services/gateway/partners/api_tokens.py POST /oauth/token": "by an assertion a partner signed; tries limited",
    "libs/http/health.py GET /health/live": "the supervisor's probe",
    "libs/http/health.py GET /health/ready": "the supervisor's probe",
    "libs/http/health.py GET /metrics": "checks the peer's network or an operator itself",
    "libs/http/health.py GET /openapi.json": "checks the peer's network or an operator itself",
}
# What makes a guard: of a service's interface by token, of the portal's pages by session.
GUARDS = {"require": "libs.http.auth", "requires": "services.portal.sessions"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def routes(path: Path) -> Iterator[tuple[str, Function, ast.Call]]:
    """Name, function and decorator of every endpoint a module declares."""
    for node in ast.walk(tree(path)):
        if not isinstance(node, Function):
            continue
        for decorator in node.decorator_list:
            match decorator:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(), attr=method),
                    args=[ast.Constant(value=str(route)), *_],
                ) if method in METHODS:
                    yield f"{path} {method.upper()} {route}", node, decorator


def knows_the_actor(path: Path, function: Function, decorator: ast.Call) -> bool:
    """Whether an endpoint depends on libs.http.auth.require, by a parameter or by its decorator."""
    module = importlib.import_module(".".join(path.with_suffix("").parts))
    guards = _local_guards(path)
    parameters = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    annotations = [parameter.annotation for parameter in parameters if parameter.annotation is not None]
    return any(_is_guard(each, module, guards) for each in (*annotations, *decorator.keywords))


def _local_guards(path: Path) -> set[str]:
    """Names a function gives to `Depends(<a parameter called require_…>)`, as admin_router does."""
    return {
        node.targets[0].id
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and ast.unparse(node.value).startswith("Depends(require")
    }


def _is_guard(node: ast.AST, module: Any, guards: set[str]) -> bool:
    for each in ast.walk(node):
        if isinstance(each, ast.Call) and ast.unparse(each.func) in GUARDS:
            return True
        if isinstance(each, ast.Name) and (each.id in guards or _requires(getattr(module, each.id, None))):
            return True
    return False


def _requires(value: Any) -> bool:
    """Whether a module's name stands for require(...), Depends(require(...)) or Annotated[Actor, Depends(...)]."""
    if get_origin(value) is Annotated:
        return any(_requires(each) for each in get_args(value)[1:])
    if isinstance(value, Depends):
        value = value.dependency
    made_by, _, inside = getattr(value, "__qualname__", "").partition(".")
    return bool(inside) and GUARDS.get(made_by) == getattr(value, "__module__", None)


def test_every_endpoint_asks_who_calls() -> None:
    """A route without a guard is open to the whole network, and nothing else would show it (Notify's route test)."""
    found = {
        name: knows_the_actor(path, function, decorator)
        for path in modules("libs", "services")
        for name, function, decorator in routes(path)
    }
    assert len(found) > len(PUBLIC)
    assert {name for name, guarded in found.items() if not guarded} == set(PUBLIC)


def test_an_unguarded_route_would_be_seen(tmp_path: Path) -> None:
    """The test above is worth something: it does not take any parameter for a guard."""
    source = ast.parse("@router.get('/people')\nasync def people(request: Request, name: str): ...")
    function = source.body[0]
    assert isinstance(function, ast.AsyncFunctionDef)
    module = importlib.import_module("libs.http.auth")
    assert not any(
        _is_guard(each.annotation, module, set()) for each in function.args.args if each.annotation
    )
