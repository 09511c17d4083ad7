"""Where documents are kept: a folder or an S3 bucket, by setting, through obstore."""

import asyncio
import hashlib
import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import msgspec
import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import from_url

from libs.telemetry.logs import log

CONNECT_SECONDS_MAX = 2
REQUEST_SECONDS_MAX = 10
# obstore would try ten times over three minutes; whoever waits for us is a request or a press that can try later.
RETRIES_MAX = 2
RETRY_SECONDS_MAX = 10


class Unreachable(ConnectionError):
    """The store does not answer, or does not let us in; the message is a code.

    Trying later is right: left alone in an endpoint it becomes a 503 (libs.http.problems).
    """


class StorageSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Access to an S3 store, under the names its programs know; a folder needs none of it."""

    aws_access_key_id: str = ""
    aws_secret_access_key: str = ""
    aws_region: str = ""
    aws_endpoint: str = ""
    # Only for a store on the same machine: otherwise keys and documents would travel in clear.
    aws_allow_http: bool = False


class Archive:
    """Stores documents under keys; what is stored under a key is never replaced by something else."""

    def __init__(self, url: str, access: StorageSettings | None = None) -> None:
        """`url` is file:///folder or s3://bucket/prefix. Raises ValueError for another one."""
        scheme = url.partition(":")[0]
        self._folder: Path | None = None
        if scheme == "file":
            given: dict[str, Any] = {"mkdir": True}
            self._folder = Path(url2pathname(urlsplit(url).path))
        elif scheme == "s3":
            given = _s3_options(access or StorageSettings())
        else:
            raise ValueError("STORAGE_URL must begin with file: or s3:")
        self._store = from_url(url, **given)

    async def put(self, key: str, content: bytes, *, durable: bool = False) -> bool:
        """Store `content`; False when something is stored under the key already, which stays. Raises Unreachable.

        A folder's files reach the disk when the system pleases, and a power failure may take them back. What nobody
        can make again must be `durable`: then it is on the disk when this returns, whoever stored it. (S3 always is.)
        """
        stored = True
        try:
            await obstore.put_async(self._store, key, content, mode="create")
        except AlreadyExistsError:
            stored = False
        except (BaseError, OSError) as error:
            raise _unreachable(error) from None
        if durable and self._folder is not None:
            try:
                await asyncio.to_thread(_force_to_disk, self._folder, self._folder / key)
            except OSError as error:
                raise _unreachable(error) from None
        return stored

    async def get(self, key: str, sha256: bytes | None = None) -> bytes:
        """The stored content. Raises FileNotFoundError, Unreachable, or ValueError when it no longer has that hash."""
        try:
            result = await obstore.get_async(self._store, key)
            content = bytes(await result.bytes_async())
        except FileNotFoundError:
            raise FileNotFoundError("nothing is stored under this key") from None
        except (BaseError, OSError) as error:
            raise _unreachable(error) from None
        if sha256 is not None and hashlib.sha256(content).digest() != sha256:
            raise ValueError("the stored document was changed")
        return content

    async def keys(self, prefix: str) -> list[str]:
        """The keys below `prefix`, which ends with a slash. Raises Unreachable."""
        try:
            listed = await obstore.list(self._store, prefix).collect_async()
        except (BaseError, OSError) as error:
            raise _unreachable(error) from None
        return [item["path"] for item in listed]

    async def delete(self, key: str) -> None:
        """Delete what is stored under the key, if anything. Raises Unreachable."""
        try:
            await obstore.delete_async(self._store, key)
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise _unreachable(error) from None


def _force_to_disk(root: Path, file: Path) -> None:
    """The content, and the names under which it is found: each folder from the file's up to `root`."""
    folders = [folder for folder in file.parents if folder == root or root in folder.parents]
    for path in (file, *folders):
        opened = os.open(path, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _s3_options(access: StorageSettings) -> dict[str, Any]:
    named = msgspec.structs.asdict(access)
    client = {
        "allow_http": bool(named.pop("aws_allow_http")),
        "connect_timeout": timedelta(seconds=CONNECT_SECONDS_MAX),
        "timeout": timedelta(seconds=REQUEST_SECONDS_MAX),
    }
    retry = {
        "max_retries": RETRIES_MAX,
        "retry_timeout": timedelta(seconds=RETRY_SECONDS_MAX),
    }
    config = {name: value for name, value in named.items() if value}
    return {"config": config, "client_options": client, "retry_config": retry}


def _unreachable(error: Exception) -> Unreachable:
    """The error without its text, which names keys and hosts."""
    log.warning("store-unreachable", error=type(error).__name__)
    return Unreachable(type(error).__name__)
