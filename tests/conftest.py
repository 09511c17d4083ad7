"""Every test runs on real servers; see tests/fixtures/servers.py for the one switch."""

pytest_plugins = (
    "tests.fixtures.servers",
    "tests.fixtures.database",
    "tests.fixtures.nats",
    "tests.fixtures.city",
)
