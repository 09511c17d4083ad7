"""PostgreSQL for the services: a pool with deadlines, numbered SQL migrations, databases and roles."""

from libs.database.migrate import ChangedMigration, Line, MigrationError, UnknownMigration, migrate, pending
from libs.database.pool import open_pool
from libs.database.provision import dsn_for, provision

__all__ = [
    "ChangedMigration",
    "Line",
    "MigrationError",
    "UnknownMigration",
    "dsn_for",
    "migrate",
    "open_pool",
    "pending",
    "provision",
]
