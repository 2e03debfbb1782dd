"""gRPC between pods: who calls, for which tenant, until when, and what an error means."""

from machi_sdk.rpc.calls import Call, current_call, for_tenant
from machi_sdk.rpc.client import Peers, mapped
from machi_sdk.rpc.server import RpcServer

__all__ = ["Call", "Peers", "RpcServer", "current_call", "for_tenant", "mapped"]
