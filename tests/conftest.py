"""Every test runs on real servers; see tests/fixtures/servers.py for the one switch."""

import gc
from collections.abc import Generator

import pytest
from hypothesis import settings

# A property says what holds, not how fast: on a busy machine an example may take long. Times are measured in bench/.
settings.register_profile("rules", deadline=None)
settings.load_profile("rules")

pytest_plugins = (
    "tests.fixtures.servers",
    "tests.fixtures.database",
    "tests.fixtures.nats",
    "tests.fixtures.city",
    "tests.fixtures.told",
)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is there before the first test stays to the end: the collector need not look through it at every turn.

    Nor while it gathers, for nothing of thousands of tests is garbage yet: that was a quarter of the work.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()
