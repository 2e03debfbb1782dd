"""A toy registry: answers what the stack asks of identity, and remembers the callers' tokens."""

import asyncio
import json
import os
from pathlib import Path

import grpc
from google.protobuf import json_format
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from uvicorn import Config, Server

from machi.identity.v1 import staff_service_pb2 as staff_pb2
from machi.identity.v1 import staff_service_pb2_grpc as staff_grpc
from machi.pods.v1 import pod_registry_service_pb2 as pods_pb2
from machi.pods.v1 import pod_registry_service_pb2_grpc as pods_grpc
from machi_sdk.manifest import parse_manifest


class Registry(pods_grpc.PodRegistryServiceServicer):
    """Installed manifests in memory."""

    def __init__(self) -> None:
        self.installed: dict[str, str] = {}

    async def InstallPod(self, request: pods_pb2.InstallPodRequest, context: object) -> pods_pb2.InstallPodResponse:
        manifest = parse_manifest(request.manifest_yaml)
        changed = self.installed.get(manifest.name) != manifest.hash
        self.installed[manifest.name] = manifest.hash
        return pods_pb2.InstallPodResponse(pod=manifest.name, manifest_hash=manifest.hash, changed=changed)

    async def ListPods(self, request: pods_pb2.ListPodsRequest, context: object) -> pods_pb2.ListPodsResponse:
        found = [pods_pb2.InstalledPod(pod=pod, manifest_hash=digest) for pod, digest in self.installed.items()]
        return pods_pb2.ListPodsResponse(pods=found)


class People(staff_grpc.StaffServiceServicer):
    """Staff and the tenant's name in a file, as if in a database."""

    def __init__(self, kept: Path) -> None:
        self.kept = kept
        self.tenant = staff_pb2.Tenant(tenant_id="fukuoka")
        self.staff: dict[str, staff_pb2.Staff] = {}
        if kept.exists():
            tenant, *staff = json.loads(kept.read_text())
            json_format.ParseDict(tenant, self.tenant)
            for one in staff:
                self.staff[one["staffId"]] = json_format.ParseDict(one, staff_pb2.Staff())

    def _keep(self) -> None:
        self.kept.write_text(
            json.dumps([json_format.MessageToDict(each) for each in (self.tenant, *self.staff.values())])
        )

    async def PutTenant(self, request: staff_pb2.PutTenantRequest, context: object) -> staff_pb2.PutTenantResponse:
        self.tenant.names.update(request.names)
        self._keep()
        return staff_pb2.PutTenantResponse()

    async def ListTenants(
        self, request: staff_pb2.ListTenantsRequest, context: object
    ) -> staff_pb2.ListTenantsResponse:
        return staff_pb2.ListTenantsResponse(tenants=[self.tenant])

    async def PutDesk(self, request: staff_pb2.PutDeskRequest, context: object) -> staff_pb2.PutDeskResponse:
        return staff_pb2.PutDeskResponse()

    async def PutStaff(self, request: staff_pb2.PutStaffRequest, context: object) -> staff_pb2.PutStaffResponse:
        self.staff[request.staff.staff_id] = request.staff
        self._keep()
        return staff_pb2.PutStaffResponse()

    async def ListStaff(self, request: staff_pb2.ListStaffRequest, context: object) -> staff_pb2.ListStaffResponse:
        return staff_pb2.ListStaffResponse(staff=list(self.staff.values()))

    async def RemoveStaff(
        self, request: staff_pb2.RemoveStaffRequest, context: object
    ) -> staff_pb2.RemoveStaffResponse:
        unknown = [each for each in request.staff_ids if self.staff.pop(each, None) is None]
        self._keep()
        return staff_pb2.RemoveStaffResponse(unknown_ids=unknown)


async def answer(_: Request) -> PlainTextResponse:
    """Everything is fine; the extra word shows which environment this process was started with."""
    return PlainTextResponse(f"# fine\ntoy_word{{}} {os.environ.get('TOY_WORD', '0')}\n")


async def main() -> None:
    """Serve both addresses until told to end."""
    keys = Path(os.environ["MACHI_KEYS_DIR"])
    assert (keys / "jwks.json").exists()
    server = grpc.aio.server()
    pods_grpc.add_PodRegistryServiceServicer_to_server(Registry(), server)
    staff_grpc.add_StaffServiceServicer_to_server(People(keys.parents[1] / "people.json"), server)
    server.add_insecure_port(os.environ["MACHI_RPC_ADDRESS"])
    await server.start()
    app = Starlette(routes=[Route(path, answer) for path in ("/livez", "/readyz", "/metrics")])
    host, port = os.environ["MACHI_HTTP_ADDRESS"].split(":")
    await Server(Config(app, host=host, port=int(port), log_level="warning")).serve()


asyncio.run(main())
