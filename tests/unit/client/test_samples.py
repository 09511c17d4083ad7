"""The samples of the developers' pages, run: each believes what the gateway signs, and nothing else."""

import base64
import importlib.util
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.gateway.webhooks.signing import key_of, signature
from tests.fixtures import debian
from tests.fixtures.servers import ROOT

SAMPLES = ROOT / "clients/samples"
LINES_MAX = 40
# Where the JDK is yet to be installed.
INSTALL_TIMEOUT = 900
SECRETS = ["whsec_" + "b2xkIG9sZCBvbGQgb2xkIG9sZCBvbGQ=", "whsec_" + "bmV3IG5ldyBuZXcgbmV3IG5ldyBuZXc="]
BODY = '{"id": "e1", "type": "t.v1", "data": {"tên": "Một Cửa"}}'
Case = dict[str, Any]
NODE = """
import { verify } from %s;
import { readFileSync } from "node:fs";
const cases = JSON.parse(readFileSync(0));
console.log(JSON.stringify(cases.map((one) => verify(one.headers, Buffer.from(one.body), one.secrets))));
"""
JAVA = """
import java.util.Base64;
import java.util.HashMap;
import java.util.List;

public final class Run {
    public static void main(String[] given) throws Exception {
        for (String line : new String(System.in.readAllBytes(), "UTF-8").split("\\n")) {
            String[] parts = line.split("\\t");
            HashMap<String, String> headers = new HashMap<>();
            String[] names = {"webhook-id", "webhook-timestamp", "webhook-signature"};
            for (int i = 0; i < 3; i++) if (!parts[i].isEmpty()) headers.put(names[i], parts[i]);
            List<String> secrets = List.of(parts).subList(4, parts.length);
            System.out.println(Verify.verify(headers, Base64.getDecoder().decode(parts[3]), secrets));
        }
    }
}
"""


def cases() -> list[tuple[str, Case, bool]]:
    """What arrives, and whether it is to be believed."""
    now = int(time.time())

    def one(body: str = BODY, at: int = now, secrets: list[str] = SECRETS, **changed: str) -> Case:
        headers = {"id": "e1", "timestamp": str(at), "signature": signed(SECRETS[1], at)} | changed
        named = {f"webhook-{name}": value for name, value in headers.items()}
        return {"headers": named, "body": body, "secrets": secrets}

    genuine = signed(SECRETS[0], now)
    missing = one()
    del missing["headers"]["webhook-signature"]
    return [
        ("genuine", one(), True),
        ("two signatures", one(signature=f"v1,AAAA v2,x {genuine}"), True),
        ("one secret", one(secrets=SECRETS[1:]), True),
        ("another's secret", one(secrets=SECRETS[:1]), False),
        ("another body", one(body=BODY + " "), False),
        ("another id", one(id="e2"), False),
        ("replayed", one(at=now - 400), False),
        ("from the future", one(at=now + 400), False),
        ("no time", one(timestamp="soon"), False),
        ("no signature", missing, False),
        ("cut off", one(signature=genuine[:-3]), False),
    ]


def signed(secret: str, at: int) -> str:
    """As the gateway signs it."""
    return signature(key_of(secret), "e1", at, BODY.encode())


def in_python(given: list[Case]) -> list[bool]:
    """As the Python sample judges."""
    spec = importlib.util.spec_from_file_location("sample_verify", SAMPLES / "python/verify.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [module.verify(one["headers"], one["body"].encode(), one["secrets"]) for one in given]


def in_node(given: list[Case]) -> list[bool]:
    """As the JavaScript sample judges."""
    node = shutil.which("node")
    assert node, "node is needed to run the sample"
    path = json.dumps((SAMPLES / "javascript/verify.mjs").as_uri())
    done = subprocess.run(
        [node, "--input-type=module", "--eval", NODE % path],
        input=json.dumps(given).encode(),
        check=True,
        capture_output=True,
        timeout=30,
    )
    found: list[bool] = json.loads(done.stdout)
    return found


def in_java(given: list[Case]) -> list[bool]:
    """As the Java sample judges: compiled with a program that hands it one case a line."""
    javac, java = debian.javac(), debian.java()
    lines = [
        "\t".join(
            (
                *(one["headers"].get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")),
                base64.b64encode(one["body"].encode()).decode(),
                *one["secrets"],
            )
        )
        for one in given
    ]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "Run.java").write_text(JAVA, encoding="utf-8")
        sources = [str(SAMPLES / "java/Verify.java"), f"{folder}/Run.java"]
        subprocess.run([javac, "-encoding", "UTF-8", "-d", folder, *sources], check=True, timeout=90)
        done = subprocess.run(
            [java, "-cp", folder, "Run"],
            input="\n".join(lines).encode(),
            check=True,
            capture_output=True,
            timeout=60,
        )
    return [line == "true" for line in done.stdout.decode().split()]


# A machine that tests the city has Python and Node, and gets a JDK; hardly one has a compiler for C#.
JUDGES = [in_python, in_node, in_java]


@pytest.mark.timeout(INSTALL_TIMEOUT)
@pytest.mark.parametrize("judge", JUDGES)
def test_samples_judge_as_they_should(judge: Callable[[list[Case]], list[bool]]) -> None:
    """In every language that the tests run."""
    given = cases()
    found = judge([one for _, one, _ in given])
    assert dict(zip([name for name, _, _ in given], found, strict=True)) == {
        name: right for name, _, right in given
    }


def test_samples_are_short_and_there_in_every_language() -> None:
    """Read in a minute each."""
    found = {path.relative_to(SAMPLES): path for path in SAMPLES.rglob("*.*") if path.suffix != ".pyc"}
    expected = {"python": "py", "javascript": "mjs"}
    names = {
        Path(f"{folder}/{name}.{end}")
        for folder, end in expected.items()
        for name in ("verify", "receive", "feed")
    }
    names |= {Path(f"java/{name}.java") for name in ("Verify", "Receive", "Feed")}
    names |= {Path(f"csharp/{name}.cs") for name in ("Verify", "Receive", "Feed")}
    assert set(found) == names
    lines = {str(name): len(path.read_text().splitlines()) for name, path in found.items()}
    assert {name: count for name, count in lines.items() if count > LINES_MAX} == {}
