"""The long round leaves no kind of fault out."""

import random
from pathlib import Path

import pytest

from deploy.local.city import City
from tests.faults.faults import Faults, all_faults
from tests.faults.plans import drawn


@pytest.mark.parametrize("seed", range(20))
def test_every_kind_of_fault_happens_in_every_long_round(seed: int, tmp_path: Path) -> None:
    """Whatever the seed draws, each process is killed and frozen, each server restarted, each store damaged."""
    faults = Faults(City(tmp_path), seed, {})
    possible = tuple(all_faults(faults, freeze_seconds=1, away_seconds=1))
    names = list(drawn(possible, random.Random(seed), lambda: False))  # noqa: S311 - as the round draws
    assert set(names) == set(possible)
    assert names.count("nats away") == 1
