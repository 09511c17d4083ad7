"""The tester's own record of every request: begun and ended lines, forced to disk before anybody relies on them."""

import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

import msgspec

from tests.faults.record import UNKNOWN, Attempt, Proof


class _Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line; an attempt has two with the same number. A begun one without an end has an unknown fate."""

    number: int
    at_ns: int
    begun: bool
    key: str = ""
    purpose: str = ""
    identity: str = ""
    proof: Proof | None = None
    outcome: str = ""
    status: int = 0
    dossier_id: UUID | None = None
    answer: str = ""


class Journal:
    """Appends lines to `path`, each forced to disk."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")
        self._number = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def begin(
        self,
        key: str,
        purpose: str,
        *,
        identity: str = "",
        dossier_id: UUID | None = None,
        proof: Proof | None = None,
    ) -> int:
        """An attempt goes out now; returns its number."""
        self._number += 1
        line = _Line(
            self._number,
            time.monotonic_ns(),
            begun=True,
            key=key,
            purpose=purpose,
            identity=identity,
            dossier_id=dossier_id,
            proof=proof,
        )
        self._write(line)
        return self._number

    def end(
        self, number: int, outcome: str, *, status: int = 0, dossier_id: UUID | None = None, answer: str = ""
    ) -> None:
        """What came of it."""
        line = _Line(
            number,
            time.monotonic_ns(),
            begun=False,
            outcome=outcome,
            status=status,
            dossier_id=dossier_id,
            answer=answer,
        )
        self._write(line)

    def _write(self, line: _Line) -> None:
        self._file.write(msgspec.json.encode(line) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def read_journal(path: Path) -> tuple[Attempt, ...]:
    """Every attempt in the order it went out. A line torn at the end of the file is one that was not written."""
    begun: dict[int, _Line] = {}
    ended: dict[int, _Line] = {}
    for text in path.read_bytes().split(b"\n"):
        try:
            line = msgspec.json.decode(text, type=_Line)
        except msgspec.DecodeError:
            continue
        (begun if line.begun else ended)[line.number] = line
    return tuple(_attempt(line, ended.get(number)) for number, line in begun.items())


def _attempt(begun: _Line, ended: _Line | None) -> Attempt:
    return Attempt(
        key=begun.key,
        purpose=begun.purpose,
        outcome=ended.outcome if ended else UNKNOWN,
        invoked_ns=begun.at_ns,
        ended_ns=ended.at_ns if ended else begun.at_ns,
        status=ended.status if ended else 0,
        identity=begun.identity,
        dossier_id=(ended.dossier_id if ended else None) or begun.dossier_id,
        answer=ended.answer if ended else "",
        proof=begun.proof,
    )
