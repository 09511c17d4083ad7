"""Each kind of code has its place."""

import ast
import re
from pathlib import Path

from importlinter.cli import lint_imports

from tests.architecture.sources import ROOT, imported, modules, services, strings, tracked, tree

BANNED = {"utils", "util", "common", "helpers", "helper", "misc", "base", "core", "shared"}
SQL = re.compile(
    r"\s*(SELECT\s|INSERT\s+INTO\s|UPDATE\s+[\w.]+\s+(AS\s+\w+\s+)?SET\s|DELETE\s+FROM\s|WITH\s+\w+.*\sAS\s*\()",
    re.DOTALL,
)
SQL_LIBRARIES = {"bus", "http", "database"}
# Asking the database what time it is takes no lock and reads no table.
CLOCK = "SELECT now()"
SERVICE = {"__init__.py", "__main__.py", "settings.py", "api.py", "handlers.py", "store.py"}
# The two that are no service of the pipeline: needed files and folders.
SHAPES: dict[str, tuple[set[str], set[str]]] = {
    "portal": (
        {"__init__.py", "__main__.py", "settings.py", "app.py"},
        {"templates", "static", "assets"}
        # One folder for each kind of people or thing on the screens; templates and static have the same ones.
        | {
            "hospital",
            "counter",
            "case",
            "console",
            "citizens",
            "procedures",
            "devices",
            "forms",
            "developers",
        },
    ),
    "identity": (SERVICE - {"handlers.py"}, {"migrations"}),
    # What every way of integrating stands on, and one folder for each way.
    "gateway": (
        SERVICE,
        {"migrations", "feed", "partners", "submissions", "sandbox"}
        | {"inbound", "straight", "webhooks", "fhir", "dropping"},
    ),
}
STORE = re.compile(r"store(_\w+)?|\w+_store")


def test_sql_is_in_stores_only() -> None:
    """Who asks what a query does to a lock or an index must find every query of a service in its store modules."""
    found = [
        f"{path}:{line}"
        for path in modules("libs", "services", "deploy")
        if not STORE.fullmatch(path.stem) and not (path.parts[0] == "libs" and path.parts[1] in SQL_LIBRARIES)
        for line, value in strings(path)
        if SQL.match(value) and value != CLOCK
    ]
    assert found == []


def test_only_settings_read_the_environment() -> None:
    """A variable read deep in the code is a setting nobody knows of; deploy/k8s holds manifests and settings equal.

    A library's own program (`python -m libs.bus`) has no settings.py: its __main__ is its settings.
    """

    def reads(node: ast.AST) -> bool:
        if isinstance(node, ast.Attribute):
            return (
                node.attr in {"environ", "environb", "getenv"}
                and isinstance(node.value, ast.Name)
                and node.value.id == "os"
            )
        return isinstance(node, ast.ImportFrom) and node.module == "os" and node.names[0].name == "environ"

    found = [
        f"{path}:{node.lineno}"
        for path in modules("libs", "services")
        if path.name != "settings.py" and not (path.parts[0] == "libs" and path.name == "__main__.py")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute | ast.ImportFrom) and reads(node)
    ]
    assert found == []


def test_no_module_is_a_junk_drawer() -> None:
    """GOV.UK Notify's utils.py: thirty unrelated functions, 42 importers. A module is named for the job it does."""
    found = [
        path
        for path in tracked()
        if path.suffix == ".py" and BANNED & {part.removesuffix(".py") for part in path.parts}
    ]
    assert found == []


def test_no_module_is_a_shim() -> None:
    """A module that only imports hides where a thing is; a package's __init__ may say what the package offers."""
    found = [
        path
        for path in modules("libs", "services", "deploy")
        if path.name != "__init__.py"
        and all(isinstance(node, ast.Import | ast.ImportFrom | ast.Expr) for node in tree(path).body)
    ]
    assert found == []


def test_imports_follow_the_layers() -> None:
    """libs know no service, services know each other by events and HTTP only, contracts import nothing of ours."""
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), cache_dir=None) == 0


def test_one_type_system() -> None:
    """The same body declared once in msgspec and once in Pydantic drifts apart (decision 6).

    FHIR's own models are the standard's, and judge what others send; nothing of ours is declared in them (decision 17).
    """
    found = [path for path in modules("libs", "services") for name in imported(path) if "pydantic" in name]
    assert found == [Path("services/gateway/fhir/model.py")]


def test_every_service_has_the_same_shape() -> None:
    """Learn one service, know all: the same question is answered by the same file. Only the portal has screens."""
    for service in services():
        folder = ROOT / "services" / service
        needed, folders = SHAPES.get(service, (SERVICE, {"migrations"}))
        names = {path.name for path in folder.glob("*.py")}
        assert needed <= names, f"{service} lacks {sorted(needed - names)}"
        if "migrations" in folders:
            assert list(folder.glob("migrations/0001_*.sql")), f"{service} has no migrations"
        extra = {path.name for path in folder.iterdir() if path.is_dir()} - folders - {"__pycache__"}
        assert extra == set(), f"{service} has folders of its own: {sorted(extra)}"


def test_handlers_end_with_their_table() -> None:
    """The wiring is a table on one screen, at the foot of handlers.py; what stands below it is missed."""
    for service in services():
        path = Path("services") / service / "handlers.py"
        if "handlers.py" not in SHAPES.get(service, (SERVICE, set()))[0]:
            assert path not in tracked(), f"{service} has handlers, and its shape says it hears nothing"
            continue
        last = tree(path).body[-1]
        target = last.targets[0] if isinstance(last, ast.Assign) else getattr(last, "target", None)
        assert isinstance(target, ast.Name), service
        assert target.id == "HANDLERS", service


def test_rules_do_no_work() -> None:
    """Handlers and domains are folded over batches and replayed: a clock, a query or a request in them would lie."""
    shell = {
        "asyncpg",
        "httpx",
        "nats",
        "fastapi",
        "starlette",
        "aiosmtplib",
        "obstore",
        "time",
        "random",
        "secrets",
    }
    found = [
        f"{path}: {node.module if isinstance(node, ast.ImportFrom) else node.names[0].name}"
        for path in modules("services")
        if path.name in {"domain.py", "handlers.py"}
        for node in tree(path).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        and (node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name).split(".")[0]
        in shell
    ]
    assert found == []
