"""The tool that makes keys."""

import json
import stat
from pathlib import Path

import pytest

from libs.http.keys import main
from libs.http.public_keys import PublicKeys


def test_private_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    """The PEM has mode 0600 and never enters the public file."""
    main(["--issuer", "intake", "--issuer", "identity", "--out", str(tmp_path / "keys")])
    assert stat.S_IMODE((tmp_path / "keys/intake.pem").stat().st_mode) == 0o600
    members = json.loads((tmp_path / "keys/jwks.json").read_text())["keys"]
    assert [member["iss"] for member in members] == ["intake", "identity"]
    assert all("d" not in member for member in members)


def test_making_again_keeps_the_key(tmp_path: Path) -> None:
    """A second set-up changes neither the private key nor the public file."""
    arguments = ["--issuer", "intake", "--out", str(tmp_path)]
    main(arguments)
    before = (tmp_path / "intake.pem").read_bytes(), (tmp_path / "jwks.json").read_bytes()
    main(arguments)
    assert before == ((tmp_path / "intake.pem").read_bytes(), (tmp_path / "jwks.json").read_bytes())


def test_issuer_is_no_path(tmp_path: Path) -> None:
    """A name that would leave the folder is refused."""
    with pytest.raises(SystemExit):
        main(["--issuer", "../intake", "--out", str(tmp_path)])


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}', '{"keys": 3}']
)
def test_malformed_public_keys_stop_the_start(tmp_path: Path, content: str) -> None:
    """A file that is not our JWKS is an error with a clear sentence."""
    path = tmp_path / "jwks.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"PUBLIC_KEYS|malformed|truncated"):
        PublicKeys(path)


def test_private_key_in_the_public_file_is_refused(tmp_path: Path) -> None:
    """A secret put where everybody reads is noticed."""
    main(["--issuer", "intake", "--out", str(tmp_path)])
    document = json.loads((tmp_path / "jwks.json").read_text())
    document["keys"][0]["d"] = "c2VjcmV0"
    (tmp_path / "jwks.json").write_text(json.dumps(document))
    with pytest.raises(ValueError, match="public keys only"):
        PublicKeys(tmp_path / "jwks.json")
