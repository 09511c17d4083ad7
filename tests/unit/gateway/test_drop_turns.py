"""Partners' drop folders take turns."""

from pathlib import Path
from typing import Any

import pytest

from services.gateway.dropping import watching
from services.gateway.dropping.watching import Watching
from services.gateway.partners.partner import Partner

CROWD, OTHER = "bv-1", "bv-2"


class _Taking:
    """Notes whose files are taken."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    async def take(self, partner: Partner, folder: Any, claimed: str) -> None:
        """Take one."""
        folder.finish(claimed, "done", claimed)
        self.taken.append(partner.code)


async def test_many_files_of_one_partner_delay_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its turn ends after a while, with what is left for the next; everything is taken in the end."""
    monkeypatch.setattr(watching, "TURN_SECONDS_MAX", 0.0)
    for code, count in ((CROWD, 5), (OTHER, 1)):
        (tmp_path / code / "in").mkdir(parents=True)
        for number in range(count):
            (tmp_path / code / "in" / f"{number}.xml").write_bytes(b"<x/>")
    taking: Any = _Taking()

    async def find(code: str) -> Partner:
        return Partner(code=code, name_vi="BV", facility="93016")

    watcher = Watching(tmp_path, find, taking, 0, still_seconds=0.0)
    assert await watcher.turn()
    assert taking.taken == [CROWD, OTHER]
    for _ in range(5):
        await watcher.turn()
    assert taking.taken.count(CROWD) == 5
    assert not await watcher.turn()
