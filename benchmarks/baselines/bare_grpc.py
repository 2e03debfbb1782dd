"""A consent check as one would write it with grpc.aio and nothing else: one statement, no token, no tenant, no trace.

`python -m benchmarks.baselines.bare_grpc <port> <database url>`, on identity's own tables.
"""

import asyncio
import sys

import asyncpg
import grpc
import uvloop

from machi.consent.v1 import consent_service_pb2 as pb

_STANDING = """
SELECT status, notice_version, decided_at FROM consents WHERE tenant = 'fukuoka' AND citizen_id = $1 AND purpose = $2
"""
_CODES = {
    "given": pb.CONSENT_STATUS_GIVEN,
    "refused": pb.CONSENT_STATUS_REFUSED,
    "withdrawn": pb.CONSENT_STATUS_WITHDRAWN,
}


async def serve(port: str, database: str) -> None:
    """Until killed."""
    pool = await asyncpg.create_pool(database, min_size=4, max_size=16)

    async def check(request: pb.CheckRequest, _context: object) -> pb.CheckResponse:
        row = await pool.fetchrow(_STANDING, request.citizen_id, request.purpose)
        if row is None:
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
