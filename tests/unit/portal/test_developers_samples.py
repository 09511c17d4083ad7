"""The samples for receivers do what they say, wherever there is what runs them."""

import base64
import hashlib
import hmac
import shutil
import subprocess
from pathlib import Path

import pytest

from services.portal.developers.learning import SAMPLES
from services.portal.developers.samples import webhook

KEY = bytes(range(32))
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
NOW = 1_800_000_000
BODY = '{"id": "0199", "data": {"tên": "Đặng"}}'.encode()
FOLDER = Path(webhook.__file__).parent
# One call of the sample for each line on standard input; prints what came of it.
JAVA = """
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
import java.util.Map;

public final class Run {
    public static void main(String[] given) throws Exception {
        for (String line : new String(System.in.readAllBytes(), StandardCharsets.UTF_8).split("\\n")) {
            String[] parts = line.split("\\t");
            Map<String, String> headers =
                Map.of("webhook-id", parts[1], "webhook-timestamp", parts[2], "webhook-signature", parts[3]);
            try {
                byte[] body = Base64.getDecoder().decode(parts[4]);
                Instant now = Instant.ofEpochSecond(Long.parseLong(parts[5]));
                System.out.println(Webhook.verify(parts[0], headers, body, now));
            } catch (Exception refused) {
                System.out.println("refused");
            }
        }
    }
}
"""


def headers(body: bytes = BODY, *, key: bytes = KEY, before: str = "", **changes: str) -> dict[str, str]:
    """As the gateway sends them; `before`: a signature that stands before the right one."""
    made = hmac.new(key, f"m1.{NOW}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": "m1",
        "webhook-timestamp": str(NOW),
        "webhook-signature": f"{before}v1,{base64.b64encode(made).decode()}",
    } | {name.replace("_", "-"): value for name, value in changes.items()}


OTHER = base64.b64encode(bytes(32)).decode()
GENUINE = [headers(), headers(before=f"v1,{OTHER} "), headers(before=f"v2,{OTHER} ")]
# Headers, body and the clock at the receiver.
WRONG: list[tuple[dict[str, str], bytes, int]] = [
    (headers(), BODY + b" ", NOW),
    (headers(), BODY, NOW + 301),
    (headers(), BODY, NOW - 301),
    (headers(key=bytes(32)), BODY, NOW),
    (headers(webhook_id="m2"), BODY, NOW),
    (headers(webhook_signature=f"v2,{OTHER}"), BODY, NOW),
    (headers(webhook_signature="v1,"), BODY, NOW),
]


def test_the_python_sample_takes_what_is_genuine_and_nothing_else() -> None:
    """Also during a rotation, when two signatures come."""
    for given in GENUINE:
        assert webhook.verify(SECRET, given, BODY, NOW) == "m1"
    for given, body, now in WRONG:
        with pytest.raises(ValueError, match=r"fits|timestamp"):
            webhook.verify(SECRET, given, body, now)


@pytest.mark.timeout(120)
def test_the_java_sample_takes_what_is_genuine_and_nothing_else(tmp_path: Path) -> None:
    """Compiled and run by a JDK where the machine has one; where it has none, it holds to what it says in words."""
    javac, java = shutil.which("javac"), shutil.which("java")
    if javac is None or java is None:
        assert "MessageDigest.isEqual" in (FOLDER / "Webhook.java").read_text()
        return
    (tmp_path / "Run.java").write_text(JAVA)
    done = subprocess.run(
        [
            javac,
            "-encoding",
            "UTF-8",
            "-d",
            str(tmp_path),
            str(FOLDER / "Webhook.java"),
            str(tmp_path / "Run.java"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    cases = [(given, BODY, NOW) for given in GENUINE] + WRONG
    lines = [
        "\t".join((SECRET, *given.values(), base64.b64encode(body).decode(), str(now)))
        for given, body, now in cases
    ]
    run = subprocess.run(
        [java, "-cp", str(tmp_path), "Run"],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.split() == ["m1"] * len(GENUINE) + ["refused"] * len(WRONG)


def test_every_sample_compares_in_constant_time_and_bounds_the_age() -> None:
    """The C# one too, which is compiled only where there is a compiler for it."""
    compares = {
        "webhook.py": "hmac.compare_digest",
        "webhook.mjs": "timingSafeEqual",
        "Webhook.java": "MessageDigest.isEqual",
        "Webhook.cs": "CryptographicOperations.FixedTimeEquals",
    }
    assert {name for name, _, _ in SAMPLES} == compares.keys()
    for name, _, text in SAMPLES:
        assert compares[name] in text
        assert "300" in text
        assert "whsec_" in text
