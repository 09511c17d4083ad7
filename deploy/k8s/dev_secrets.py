"""Secrets of the dev overlay: random, written beside its kustomization, never committed (overlays/dev/.gitignore)."""

import secrets
from pathlib import Path

from deploy.k8s.nats_config import password_variable
from deploy.programs import DATABASES, PROCESSES
from libs.bus.permissions import USERS
from libs.http.auth import GATEWAY
from libs.http.public_keys import JWKS_NAME, make_key
from libs.process.sealing import new_sealing_key
from services.gateway.straight.layout import USER as PARTNERS_USER
from services.gateway.straight.user_keys import Issuer, new_issuer_pem
from services.results.authority import make_authority

STAMP = "complete"


def write_dev_secrets(folder: Path) -> None:
    """Fill `folder` once; a complete one is left as it is, so that a running cluster keeps its passwords."""
    if (folder / STAMP).exists():
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    nats = {user: _password() for user in USERS}
    _write(folder / "nats-passwords.env", {password_variable(user): nats[user] for user in USERS})
    partners = _password()
    (folder / "partners-nats.pem").write_bytes(new_issuer_pem())
    let_in_by = Issuer.from_file(str(folder / "partners-nats.pem"))
    _write(
        folder / "partners-nats.env",
        {
            "PARTNERS_PASSWORD": partners,
            "PARTNERS_ISSUER": let_in_by.account,
            "PARTNERS_NOBODY": let_in_by.nobody,
        },
    )
    admin = _password()
    admin_url = f"postgresql://postgres:{admin}@postgres:5432/postgres"
    _write(folder / "postgres-admin.env", {"POSTGRES_PASSWORD": admin, "ADMIN_DATABASE_URL": admin_url})
    for user in (*USERS, *(name for name in PROCESSES if name not in USERS)):
        connection = {"NATS_URL": f"nats://{user}:{nats[user]}@nats:4222"} if user in nats else {}
        if user == GATEWAY:
            connection["PARTNERS_NATS_URL"] = f"nats://{PARTNERS_USER}:{partners}@partners-nats:4222"
        if user in DATABASES:
            connection["DATABASE_URL"] = _database_url(user, "app")
            _write(
                folder / f"{user}-migrator.env", {"MIGRATOR_DATABASE_URL": _database_url(user, "migrator")}
            )
        _write(folder / f"{user}-connection.env", connection)
    for issuer in PROCESSES:
        make_key(issuer, folder)
    for name in ("account.key", "webhooks.key"):
        path = folder / name
        path.touch(mode=0o600)
        path.write_bytes(new_sealing_key())
    if not (folder / JWKS_NAME).exists():
        raise FileNotFoundError(JWKS_NAME)
    make_authority(folder, "Ủy ban nhân dân phường Ngã Bảy (thử nghiệm)")
    (folder / STAMP).write_text("")


def _database_url(service: str, role: str) -> str:
    return f"postgresql://{service}_{role}:{_password()}@postgres:5432/{service}"


def _password() -> str:
    # A letter first: nats-server reads an unquoted 5k as a number.
    return f"p{secrets.token_hex(16)}"


def _write(path: Path, values: dict[str, str]) -> None:
    path.touch(mode=0o600)
    path.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
