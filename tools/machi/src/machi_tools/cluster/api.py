"""The few calls to the Kubernetes API that a release's first Job makes, with its own service account."""

import base64
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import aiohttp

from machi_tools.errors import StackError, reason

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
SERVER = "https://kubernetes.default.svc"
Kind = Literal["secrets", "configmaps"]
_DEADLINE = aiohttp.ClientTimeout(total=15)
_MERGE = {"Content-Type": "application/merge-patch+json"}


@dataclass(frozen=True)
class Kubernetes:
    """One namespace, as far as the account's role lets it be seen."""

    session: aiohttp.ClientSession
    server: str
    namespace: str

    async def text(self, path: str) -> str:
        """What the API server answers at a path; StackError when it refuses."""
        async with self._ask("GET", path) as response:
            return await response.text()

    async def secret(self, name: str) -> dict[str, str] | None:
        """A Secret's values by key; None when there is no such Secret."""
        async with self._ask("GET", self._place("secrets", name), missing=True) as response:
            if response.status == 404:
                return None
            found = cast("dict[str, dict[str, str]]", await response.json())
        return {key: base64.b64decode(value).decode() for key, value in (found.get("data") or {}).items()}

    async def write(self, kind: Kind, name: str, data: Mapping[str, str], body: Mapping[str, object]) -> None:
        """Create it, or put these keys into the one that is there."""
        named = {"metadata": {"name": name, **cast("dict[str, object]", body.get("metadata", {}))}}
        field = {"stringData" if kind == "secrets" else "data": dict(data)}
        async with self._ask("POST", self._place(kind), {**body, **named, **field}, conflict=True) as response:
            if response.status != 409:
                return
        async with self._ask("PATCH", self._place(kind, name), field):
            pass

    def _place(self, kind: Kind, name: str = "") -> str:
        return f"/api/v1/namespaces/{self.namespace}/{kind}" + (f"/{name}" if name else "")

    @asynccontextmanager
    async def _ask(
        self, method: str, path: str, body: object = None, *, missing: bool = False, conflict: bool = False
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        allowed = {404} if missing else {409} if conflict else set()
        headers = _MERGE if method == "PATCH" else {}
        try:
            async with self.session.request(method, self.server + path, json=body, headers=headers) as response:
                if response.status >= 400 and response.status not in allowed:
                    words = (await response.text())[:300]
                    raise StackError(f"Kubernetes refuses {method} {path}: {words}", "see the release's Role")
                yield response
        except (aiohttp.ClientError, TimeoutError) as error:
            cure = "let this Job reach the API server by global.networkPolicy.api, see docs/guides/production.md"
            raise StackError(f"Kubernetes does not answer: {reason(error)}", cure) from error


@asynccontextmanager
async def connected(account: Path = ACCOUNT, server: str = SERVER) -> AsyncIterator[Kubernetes]:
    """The API of the cluster this runs in, about the account's own namespace."""
    if not (account / "token").is_file():
        raise StackError("no service account is mounted here", "this verb runs in a release's Job")
    authority = account / "ca.crt"
    context = ssl.create_default_context(cafile=str(authority)) if authority.is_file() else None
    headers = {"Authorization": f"Bearer {(account / 'token').read_text().strip()}"}
    connector = aiohttp.TCPConnector(ssl=context if context is not None else True)
    async with aiohttp.ClientSession(connector=connector, headers=headers, timeout=_DEADLINE) as session:
        yield Kubernetes(session, server, (account / "namespace").read_text().strip())
