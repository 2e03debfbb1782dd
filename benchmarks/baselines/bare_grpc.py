"""A consent check as one would write it with grpc.aio and nothing else: no token, no row-level security, no trace.

The question is the same: who the citizen is by now, what was last decided, and whether its notice still counts.

`python -m benchmarks.baselines.bare_grpc <port> <database url>`, on identity's own tables.
"""

import asyncio
import sys

import asyncpg
import grpc
import uvloop

from machi.consent.v1 import consent_service_pb2 as pb

_STANDING = """
SELECT k.status, k.notice_version, k.decided_at,
    EXISTS (SELECT FROM notices n WHERE n.purpose = k.purpose AND n.version = k.notice_version) AS installed
FROM (SELECT coalesce((
    SELECT a.citizen_id FROM aliases a WHERE a.tenant = 'fukuoka' AND a.former_id = $1
), $1) AS citizen_id OFFSET 0) present
JOIN citizens c ON c.tenant = 'fukuoka' AND c.citizen_id = present.citizen_id
LEFT JOIN LATERAL (
    SELECT * FROM consents k WHERE k.tenant = 'fukuoka' AND k.citizen_id = c.citizen_id AND k.purpose = $2 LIMIT 1
) k ON true
"""
_PLANNED_ONCE = {"plan_cache_mode": "force_generic_plan", "jit": "off"}
_CODES = {
    "given": pb.CONSENT_STATUS_GIVEN,
    "refused": pb.CONSENT_STATUS_REFUSED,
    "withdrawn": pb.CONSENT_STATUS_WITHDRAWN,
}


async def _nothing_to_reset(_connection: object) -> None:
    """A returned connection costs no round trip, as in the pods."""


async def serve(port: str, database: str) -> None:
    """Until killed."""
    pool = await asyncpg.create_pool(
        database, min_size=4, max_size=16, reset=_nothing_to_reset, server_settings=_PLANNED_ONCE
    )

    async def check(request: pb.CheckRequest, _context: object) -> pb.CheckResponse:
        row = await pool.fetchrow(_STANDING, request.citizen_id, request.purpose)
        if row is None:
            raise LookupError(request.citizen_id)
        if row["status"] is None or (row["status"] == "given" and not row["installed"]):
            return pb.CheckResponse(status=pb.CONSENT_STATUS_UNKNOWN)
        response = pb.CheckResponse(status=_CODES[row["status"]], notice_version=row["notice_version"])
        response.decided_at.FromDatetime(row["decided_at"])
        return response

    codec = (pb.CheckRequest.FromString, pb.CheckResponse.SerializeToString)
    methods = {"Check": grpc.unary_unary_rpc_method_handler(check, *codec)}
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("machi.consent.v1.ConsentService", methods),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(*sys.argv[1:]))
