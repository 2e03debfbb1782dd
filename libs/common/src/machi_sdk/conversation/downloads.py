"""Photos that people sent, from a platform's content host: bounded, and never followed elsewhere."""

from collections.abc import AsyncIterator, Container, Mapping

import aiohttp

from machi_sdk.conversation.turns import DownloadFailed, NoPhoto
from machi_sdk.errors import Unavailable

MOST_BYTES = 10 * 1024 * 1024
_PAGES = ("text/", "application/json")
_CHUNK = 64 * 1024
# On a narrow line a photo takes its time: what comes in is waited for, silence is not.
LIMITS = aiohttp.ClientTimeout(total=90.0, connect=3.0, sock_read=10.0)


async def download(
    session: aiohttp.ClientSession,
    address: str,
    headers: Mapping[str, str],
    *,
    later: Container[int] = (),
    denied: Container[int] = (),
) -> tuple[str, AsyncIterator[bytes]]:
    """Type and bytes of what may be an image; NoPhoto: none, gone, or too large; DownloadFailed: it may come later.

    `later` are further statuses that mean the latter on this platform; `denied` are those of a token that somebody has
    to renew, which is Unavailable.
    """
    try:
        response = await session.get(address, headers=headers, timeout=LIMITS, allow_redirects=False)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise DownloadFailed from error
    if response.status == 429 or response.status >= 500 or response.status in later:
        response.release()
        raise DownloadFailed
    if response.status in denied:
        response.release()
        raise Unavailable(f"platform-{response.status}")
    # Who may not read a file is sent to a sign-in page by some platforms: a page, or a redirect. Whether other bytes
    # are an image is seen when they are decoded: hosts that let files be downloaded call them all the same.
    wrong = response.status != 200 or response.content_type.startswith(_PAGES)
    if wrong or (response.content_length or 0) > MOST_BYTES:
        response.release()
        raise NoPhoto
    return response.content_type, _bounded(response)


async def _bounded(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    size = 0
    try:
        async for chunk in response.content.iter_chunked(_CHUNK):
            size += len(chunk)
            if size > MOST_BYTES:
                raise NoPhoto
            yield chunk
    except (aiohttp.ClientError, TimeoutError) as error:
        raise DownloadFailed from error
    finally:
        response.close()
