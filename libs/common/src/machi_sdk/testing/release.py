"""A release in one process: an issuer, the installed manifests, rpc servers on free ports, peers for any caller."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import grpc

from machi_sdk.installed import InstalledPods
from machi_sdk.manifest import Manifest
from machi_sdk.rpc.client import Peers
from machi_sdk.rpc.server import Gate, RpcServer
from machi_sdk.settings import Settings
from machi_sdk.testing.tokens import LocalIssuer

S = TypeVar("S")
LOOPBACK = "127.0.0.1:0"


class LocalRelease:
    """Serves pods (or their stand-ins) over real gRPC with real tokens; an async context manager."""

    def __init__(self, folder: Path, tenants: frozenset[str] = frozenset({"fukuoka"})) -> None:
        self.issuer = LocalIssuer(folder)
        self.installed = InstalledPods()
        self.installed.read_whole = True
        self.addresses: dict[str, str] = {}
        self._objects = folder / "objects"
        self._tenants = tenants
        self._servers: dict[str, RpcServer] = {}
        self._peers: list[Peers] = []

    async def __aenter__(self) -> LocalRelease:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for peers in self._peers:
            await peers.close()
        for server in self._servers.values():
            await server.drain(0.2)

    async def install(self, manifest: Manifest) -> None:
        """Let the pod's calls be answered as its manifest says."""
        await self.installed.put(manifest)

    async def serve(self, manifest: Manifest, register: Callable[[S, grpc.aio.Server], None], servicer: S) -> str:
        """Answer an rpc service of a pod, on its one free port; returns the address. It counts as installed."""
        await self.install(manifest)
        if manifest.name not in self._servers:
            await self._start(manifest)
        register(servicer, self._servers[manifest.name].server)
        return self.addresses[manifest.name]

    def peers(self, caller: str) -> Peers:
        """Channels for a caller (a pod's name, or "operator") to every pod served so far."""
        for callee in self.addresses:
            self.issuer.allow(caller, callee)
        peers = Peers(dict(self.addresses), self.issuer.keys_of(caller))
        self._peers.append(peers)
        return peers

    def settings(self, pod: str, database_url: str, bootstrap: str = "127.0.0.1:1") -> Settings:
        """Settings of a whole pod that finds its peers here; free ports, and addresses as served so far."""
        for callee in self.addresses:
            self.issuer.allow(pod, callee)
        return Settings(
            database_url=database_url,
            kafka_bootstrap_servers=bootstrap,
            object_store_url=self._objects.as_uri(),
            machi_http_address=LOOPBACK,
            machi_rpc_address=LOOPBACK,
            machi_peers=",".join(f"{name}={address}" for name, address in self.addresses.items()),
            machi_keys_dir=self.issuer.folder_of(pod),
            machi_default_tenant=min(self._tenants),
            machi_tenants=",".join(sorted(self._tenants)),
        )

    async def _start(self, manifest: Manifest) -> None:
        gate = Gate(manifest, self.installed, self.issuer.keys_of(manifest.name), self._tenants, min(self._tenants))
        server = RpcServer(gate)
        await server.start(LOOPBACK)
        await server.set_serving(ready=True)
        self._servers[manifest.name] = server
        self.addresses[manifest.name] = f"127.0.0.1:{server.port}"
