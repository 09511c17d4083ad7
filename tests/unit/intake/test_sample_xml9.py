"""The generator of made-up uploads."""

import subprocess
import sys
from datetime import date

from deploy.local.sample_xml9 import sample_upload

TODAY = date(2026, 11, 23)


def test_the_same_seed_gives_the_same_bytes() -> None:
    """Demo and tests can be repeated; another seed or day makes other people."""
    assert sample_upload(1, today=TODAY) == sample_upload(1, today=TODAY)
    assert sample_upload(1, today=TODAY) != sample_upload(2, today=TODAY)
    assert sample_upload(1, today=TODAY) != sample_upload(1, today=date(2026, 11, 24))


def test_the_command_writes_an_upload() -> None:
    """What the README says works from a shell."""
    arguments = ["--seed", "4", "--births", "twins,no-father", "--today", "2026-11-23"]
    done = subprocess.run(
        [sys.executable, "-m", "deploy.local.sample_xml9", *arguments],
        capture_output=True,
        timeout=30,
        check=True,
    )
    assert done.stdout == sample_upload(4, today=TODAY, births=("twins", "no-father"))
