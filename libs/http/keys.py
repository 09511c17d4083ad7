"""Make a service's key pair: `python -m libs.http.keys --issuer intake --out .local/keys`."""

import argparse
import re
import sys
from pathlib import Path

from libs.http.public_keys import JWKS_NAME, make_key

_ISSUER = re.compile(r"[a-z][a-z0-9-]{0,30}")


def main(arguments: list[str] | None = None) -> int:
    """Make the keys asked for; prints where they are. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m libs.http.keys", description=__doc__)
    parser.add_argument(
        "--issuer", action="append", required=True, help="service name or 'identity'; may be repeated"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for <issuer>.pem and jwks.json")
    wanted = parser.parse_args(arguments)
    for issuer in wanted.issuer:
        if not _ISSUER.fullmatch(issuer):
            parser.error(f"not an issuer: {issuer!r}")
        sys.stdout.write(f"{make_key(issuer, wanted.out)}\n")
    sys.stdout.write(f"{wanted.out / JWKS_NAME}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
