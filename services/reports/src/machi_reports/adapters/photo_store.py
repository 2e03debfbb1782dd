"""Photos as objects, in a local folder or in any S3."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote, urlsplit

from machi_sdk.errors import Missing, Unavailable
from machi_sdk.settings import SECRETS
from machi_sdk.telemetry import get_logger

if TYPE_CHECKING:
    from obstore.store import ObjectStore, S3Config

_SECONDS = 5.0
_REST_SECONDS = 5.0

log = get_logger()


class ObstorePhotos:
    """`ports.PhotoStore` by `OBJECT_STORE_URL`: file:///folder or s3://bucket/prefix, and the secrets' `aws_*` files.

    It costs nothing until the first photo. After a failure it rests: photos that wait for it are not decoded again and
    again meanwhile.
    """

    def __init__(self, url: str, secrets: Path = SECRETS) -> None:
        self._url = url
        self._secrets = secrets
        self._rests_until = 0.0

    def trouble(self) -> str | None:
        """Why it cannot work, for readiness; whether it answers is seen only when it is needed."""
        if urlsplit(self._url).scheme in ("file", "s3"):
            return None
        return "set OBJECT_STORE_URL to file:///folder or s3://bucket/prefix"

    def check(self) -> None:
        """See the port."""
        if time.monotonic() < self._rests_until:
            raise Unavailable("photo-store-rests")

    async def put(self, name: str, content: bytes) -> None:
        """See the port."""
        async with self._answering("photo-not-written"):
            await self._store.put_async(name, content)

    async def get(self, name: str) -> bytes:
        """See the port."""
        async with self._answering("photo-not-read"):
            try:
                found = await self._store.get_async(name)
                return bytes(await found.bytes_async())
            except FileNotFoundError as error:
                _check_bucket(error)
                raise Missing("photo-object-missing") from error

    async def delete(self, names: Sequence[str]) -> None:
        """See the port."""
        for name in names:
            async with self._answering("photo-not-deleted"):
                try:
                    await self._store.delete_async(name)
                except FileNotFoundError as error:
                    _check_bucket(error)

    @property
    def _is_folder(self) -> bool:
        return urlsplit(self._url).scheme == "file"

    @cached_property
    def _store(self) -> "ObjectStore":
        from obstore.store import LocalStore, S3Store  # noqa: PLC0415 (10 MB, for pods that see a photo)

        if self._is_folder:
            folder = Path(unquote(urlsplit(self._url).path))
            return LocalStore(folder, mkdir=True)
        return S3Store.from_url(
            self._url,
            config=cast("S3Config", {path.name: path.read_text().strip() for path in self._secrets.glob("aws_*")}),
            client_options={"allow_http": True, "timeout": f"{_SECONDS:.0f}s", "connect_timeout": "2s"},
            retry_config={"max_retries": 1, "retry_timeout": timedelta(seconds=_SECONDS)},
        )

    @asynccontextmanager
    async def _answering(self, slug: str) -> AsyncIterator[None]:
        from obstore.exceptions import BaseError  # noqa: PLC0415 (as above)

        try:
            async with asyncio.timeout(_SECONDS):
                yield
        except (BaseError, OSError, TimeoutError) as error:
            self._rests_until = time.monotonic() + _REST_SECONDS
            log.warning("photo store failed", reason=slug, error=type(error).__name__)
            raise Unavailable(slug) from error


def _check_bucket(error: FileNotFoundError) -> None:
    """A bucket that is not there says the same of every object, and none of them is gone for that."""
    if "NoSuchBucket" in str(error):
        raise Unavailable("photo-bucket-missing") from error
