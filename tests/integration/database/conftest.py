"""A folder of migrations that a test writes itself."""

from collections.abc import Callable
from pathlib import Path

import pytest

from libs.database import Line

WriteLine = Callable[..., Line]


@pytest.fixture
def write_line(tmp_path: Path) -> WriteLine:
    """`write_line("line", first="CREATE ...", second="...")` writes 0001_first.sql, 0002_second.sql, …"""

    def write(line: str, **files: str) -> Line:
        folder = tmp_path / line
        folder.mkdir(exist_ok=True)
        for number, (name, sql) in enumerate(files.items(), start=1):
            (folder / f"{number:04d}_{name}.sql").write_text(sql)
        return Line(line, folder)

    return write
