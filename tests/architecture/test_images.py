"""What is in an image, for no image can be built here: the Dockerfile is read, and its file set is made and run."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from deploy.k8s.environments import environment_of
from tests.architecture.sources import ROOT, imported, modules, services, text

DOCKERFILE = Path("Dockerfile")
START_SECONDS_MAX = 30
PINNED = re.compile(r"(python:3|node:\d+)\.\d+\.\d+-slim(-\w+)?")


class Stage(msgspec.Struct, frozen=True):
    """One stage of the Dockerfile: where it starts from and its instructions."""

    origin: str
    instructions: tuple[tuple[str, str], ...]

    def of(self, name: str) -> list[str]:
        """Arguments of each instruction of this name."""
        return [arguments for instruction, arguments in self.instructions if instruction == name]


def stages() -> dict[str, Stage]:
    """Every stage by its name."""
    joined = re.sub(r"\\\n\s*", " ", re.sub(r"^#.*\n", "", text(DOCKERFILE), flags=re.MULTILINE))
    found: dict[str, Stage] = {}
    name = origin = ""
    instructions: list[tuple[str, str]] = []
    for line in [*filter(None, joined.splitlines()), "FROM end AS end"]:
        instruction, _, arguments = line.partition(" ")
        if instruction == "FROM":
            if name:
                found[name] = Stage(origin, tuple(instructions))
            origin, _, name = arguments.partition(" AS ")
            instructions = []
        else:
            instructions.append((instruction, arguments.strip()))
    return found


def assemble(stage: str, service: str, folder: Path) -> None:
    """Copy into `folder` what the stage's COPY instructions put into the image."""
    for arguments in stages()[stage].of("COPY"):
        if arguments.startswith("--from"):
            continue
        source, target = arguments.replace("${SERVICE}", service).split()
        place = folder / target
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / source, place)


def start(folder: Path, *arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run `python -m …` with only `folder` and the installed packages to import from."""
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONWARNINGS": "ignore",
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=START_SECONDS_MAX,
        check=False,
    )


def test_the_dockerfile_keeps_its_promises() -> None:
    """Pinned base, hashed wheels, a fixed user that is not root, nothing copied but code and catalogue."""
    found = stages()
    assert list(found)[-1] == "service", "docker build without --target must make a service"
    for stage in found.values():
        assert stage.origin in found or PINNED.fullmatch(stage.origin), stage.origin
        assert stage.of("ADD") == [], "COPY fetches nothing from the network"
        assert stage.of("HEALTHCHECK") == [], "probes are Kubernetes' own"
    assert "--require-hashes" in found["packages"].of("RUN")[0]
    assert {found[name].origin for name in ("portal", "service")} == {"code"}
    assert "--omit=dev" in found["pages"].of("RUN")[0]
    for name in ("keeper", "code"):
        assert found[name].of("USER") == ["10001:10001"]
        after_user = [each for each, _ in found[name].instructions].index("USER")
        assert {each for each, _ in found[name].instructions[after_user + 1 :]} <= {"CMD"}
        for arguments in found[name].of("COPY"):
            assert arguments.split()[0].split("/")[0] in {"libs", "catalogue", "services"}
    assert {arguments.split()[0] for arguments in found["code"].of("COPY")} == {
        "libs/",
        "catalogue/",
        "services/__init__.py",
        "services/${SERVICE}/",
    }


def test_the_builder_sees_only_what_is_copied() -> None:
    """.dockerignore lets nothing through by default: keys under .local and git history never reach a builder."""
    lines = [line for line in text(Path(".dockerignore")).splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    allowed = {line[1:].rstrip("/") for line in lines if line.startswith("!")}
    copied = {
        next((one for one in allowed if f"{arguments.split()[0]}/".startswith(f"{one}/")), arguments)
        for stage in stages().values()
        for arguments in stage.of("COPY")
        if not arguments.startswith("--from")
    }
    assert allowed == copied


@pytest.mark.parametrize("service", services())
def test_a_service_runs_on_its_own_files(tmp_path: Path, service: str) -> None:
    """With libs, the catalogue and itself only, a service imports everything and asks for its first setting.

    So it needs no file of another service, of deploy or of tests. A missing setting ends it with status 2 and one line.
    """
    assemble("code", service, tmp_path)
    if service in stages():
        # The screens have an image of their own kind.
        assemble(service, service, tmp_path)
    result = start(tmp_path, f"services.{service}", "serve", environment={})
    assert result.returncode == 2, result.stderr
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    assert any(name.lower() in result.stderr.lower() for name in environment_of(service).needed), (
        result.stderr
    )


def test_the_keeper_runs_on_the_libraries(tmp_path: Path) -> None:
    """The keeper's image has no service and no catalogue in it."""
    assemble("keeper", "", tmp_path)
    result = start(tmp_path, "libs.bus", "keeper", environment={})
    assert result.returncode == 1
    assert "nats_url" in result.stderr.lower()
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    provision = start(tmp_path, "libs.database", "provision", "intake", environment={})
    assert provision.stderr.strip() == "DATABASE_URL is missing"


def test_images_have_what_is_imported() -> None:
    """A package of requirements-dev.lock imported by a service works everywhere but in its image."""
    pinned = {
        re.sub(r"[._-]+", "-", name.lower()).partition("[")[0]
        for name in re.findall(r"^([A-Za-z0-9_.\-\[\]]+)==", text(Path("requirements.lock")), re.MULTILINE)
    }
    distributions = importlib.metadata.packages_distributions()
    for path in modules("libs", "services"):
        for module in imported(path):
            top = module.partition(".")[0]
            if top in sys.stdlib_module_names or top in {"libs", "services"}:
                continue
            names = {re.sub(r"[._-]+", "-", name.lower()) for name in distributions.get(top, ())}
            assert names & pinned, f"{path} imports {module}, which requirements.lock does not have"
