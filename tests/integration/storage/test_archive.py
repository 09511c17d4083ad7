"""The archive keeps documents in a folder or in S3 alike (S3 is moto's server, over real HTTP)."""

import asyncio
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from moto.server import ThreadedMotoServer

from libs.http.problems import problem_of
from libs.storage.archive import Archive, StorageSettings, Unreachable

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def s3() -> Iterator[tuple[ThreadedMotoServer, StorageSettings]]:
    """An S3 server with the bucket `city`."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    assert httpx.put(f"{endpoint}/city", trust_env=False).status_code == 200
    access = StorageSettings(
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        aws_region="us-east-1",
        aws_endpoint=endpoint,
        aws_allow_http=True,
    )
    try:
        yield server, access
    finally:
        server.stop()


@pytest.fixture(params=["folder", "s3"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Archive:
    """An empty archive of either kind."""
    if request.param == "folder":
        return Archive(tmp_path.as_uri())
    _, access = request.getfixturevalue("s3")
    return Archive("s3://city/documents", access)


async def test_what_was_put_can_be_got(archive: Archive) -> None:
    """Content comes back byte for byte and is checked against its hash."""
    content = bytes(range(256)) * 1000
    assert await archive.put("results/a/1.pdf", content)
    assert await archive.get("results/a/1.pdf", hashlib.sha256(content).digest()) == content
    with pytest.raises(ValueError, match="changed"):
        await archive.get("results/a/1.pdf", hashlib.sha256(b"other").digest())


async def test_what_cannot_be_made_again_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A durable put returns when the content and every new name are forced to disk, also at a repetition."""
    forced: list[Path] = []
    really = os.fsync

    def noted(opened: int) -> None:
        forced.append(Path(f"/proc/self/fd/{opened}").readlink())
        really(opened)

    monkeypatch.setattr(os, "fsync", noted)
    archive = Archive((tmp_path / "một kho").as_uri())
    folder = tmp_path / "một kho"
    chain = [folder / "a/b/scan.pdf", folder / "a/b", folder / "a", folder]
    assert await archive.put("a/b/scan.pdf", b"scan", durable=True)
    assert forced == chain
    forced.clear()
    assert not await archive.put("a/b/scan.pdf", b"scan", durable=True)
    assert forced == chain
    forced.clear()
    assert await archive.put("a/b/printed.pdf", b"print")
    assert forced == []


async def test_a_durable_put_works_in_every_store(archive: Archive) -> None:
    """S3 takes it as any other."""
    assert await archive.put("results/a/2.pdf", b"scan", durable=True)
    assert await archive.get("results/a/2.pdf") == b"scan"


async def test_nothing_is_overwritten(archive: Archive) -> None:
    """A second put under the key, also at the same moment, leaves the first content."""
    won = await asyncio.gather(*(archive.put("receipts/1.pdf", str(n).encode()) for n in range(5)))
    assert sum(won) == 1
    assert await archive.get("receipts/1.pdf") == str(won.index(True)).encode()


async def test_what_is_not_there_is_said_so(archive: Archive) -> None:
    """A missing key is FileNotFoundError, not an outage; deleting it is no error."""
    with pytest.raises(FileNotFoundError):
        await archive.get("results/none.pdf")
    await archive.delete("results/none.pdf")


async def test_keys_are_listed_and_deleted_by_prefix(archive: Archive) -> None:
    """Only what lies below the prefix is listed; deleting one leaves the others."""
    for key in ("results/a/1.pdf", "results/a/2.pdf", "results/ab/3.pdf"):
        await archive.put(key, b"x")
    assert sorted(await archive.keys("results/a/")) == ["results/a/1.pdf", "results/a/2.pdf"]
    await archive.delete("results/a/1.pdf")
    assert await archive.keys("results/a/") == ["results/a/2.pdf"]


async def test_a_store_that_is_away_is_unreachable_soon(
    s3: tuple[ThreadedMotoServer, StorageSettings],
) -> None:
    """Every call ends within seconds as Unreachable, which endpoints answer with 503; its text names no key."""
    server, access = s3
    archive = Archive("s3://city/documents", access)
    server.stop()
    began = time.monotonic()
    for call in (
        archive.put("secret-key", b"x"),
        archive.get("secret-key"),
        archive.keys("secret-key/"),
        archive.delete("secret-key"),
    ):
        with pytest.raises(Unreachable) as caught:
            await call
        assert "secret-key" not in str(caught.value)
        problem = problem_of(caught.value)
        assert problem is not None
        assert problem.status == 503
    assert time.monotonic() - began < 20


async def test_a_missing_bucket_or_folder_is_unreachable(
    s3: tuple[ThreadedMotoServer, StorageSettings], tmp_path: Path
) -> None:
    """A bucket nobody made, or a folder replaced by a file, is a fault to wait for, not a missing document."""
    with pytest.raises(Unreachable):
        await Archive("s3://nowhere/documents", s3[1]).put("key", b"x")
    folder = tmp_path / "archive"
    archive = Archive(folder.as_uri())
    shutil.rmtree(folder)
    folder.write_text("not a folder")
    with pytest.raises(Unreachable):
        await archive.put("a/key", b"x")


def test_other_kinds_of_store_are_refused() -> None:
    """A mistyped setting ends the start with a clear line."""
    with pytest.raises(ValueError, match="STORAGE_URL"):
        Archive("http://example.org/")
