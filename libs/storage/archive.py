"""Where documents are kept: a folder or an S3 bucket, by setting, through obstore."""

import hashlib
from collections.abc import Mapping
from typing import Any

import obstore
from obstore.store import from_url


class Archive:
    """Stores documents under keys that contain their hash; nothing is ever overwritten with something else."""

    def __init__(self, url: str, options: Mapping[str, str] | None = None) -> None:
        """`url` is file:///folder or s3://bucket/prefix; `options` are the S3 settings (region, keys, endpoint)."""
        given: dict[str, Any] = (
            {"mkdir": True} if url.startswith("file:") else {"config": dict(options or {})}
        )
        self._store = from_url(url, **given)

    async def put(self, key: str, content: bytes) -> None:
        """Store `content`. Raises obstore's errors; safe to repeat."""
        await obstore.put_async(self._store, key, content)

    async def get(self, key: str, sha256: bytes | None = None) -> bytes:
        """The stored content. Raises FileNotFoundError, or ValueError when it no longer has that hash."""
        result = await obstore.get_async(self._store, key)
        content = bytes(await result.bytes_async())
        if sha256 is not None and hashlib.sha256(content).digest() != sha256:
            raise ValueError("the stored document was changed")
        return content
