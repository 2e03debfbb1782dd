"""A pod that fails in every way it can, with a person's words in the failure: they must stay out of its log.

The pod's environment; MARKER holds the words.
"""

import asyncio
import logging
import os
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from machi.consent.v1 import consent_service_pb2 as wire
from machi.consent.v1.consent_service_pb2_grpc import ConsentServiceServicer, add_ConsentServiceServicer_to_server
from machi.consent.v1.events_pb2 import ConsentDecided
from machi_sdk.envelope import Received
from machi_sdk.errors import Conflict
from machi_sdk.http import bounded_body, json_response
from machi_sdk.service import Pod, run
from machi_sdk.telemetry import get_logger
from machi_sdk.work import Work

MARKER = os.environ["MARKER"]
NOTE = "INSERT INTO notes (tenant, note, author) VALUES ($1, $2, $3)"


class Consents(ConsentServiceServicer):
    """Fails with a person's words."""

    async def Check(self, request: wire.CheckRequest, context: object) -> wire.CheckResponse:
        raise ValueError(MARKER)

    async def CheckMany(self, request: wire.CheckManyRequest, context: object) -> wire.CheckManyResponse:
        raise ValueError(MARKER)

    async def Decide(self, request: wire.DecideRequest, context: object) -> wire.DecideResponse:
        raise ValueError(MARKER)

    async def GetNotice(self, request: wire.GetNoticeRequest, context: object) -> wire.GetNoticeResponse:
        raise ValueError(MARKER)


async def note_twice(records: Sequence[Received], work: Work) -> None:
    """The second statement violates a constraint with the words in it."""
    event = records[0].event
    assert isinstance(event, ConsentDecided)
    for _ in range(2):
        await work.db.execute(NOTE, work.tenant, event.citizen_id, event.citizen_id)


async def slow(request: Request) -> Response:
    """Answers when the body says how long it takes."""
    body = await bounded_body(request, 100)
    if body is None:
        raise Conflict("too-long")
    get_logger().info("slow request begun")
    await asyncio.sleep(float(body))
    return json_response({"slept": float(body)})


async def broken(_request: Request) -> Response:
    """Fails with a person's words."""
    raise ValueError(MARKER)


async def fails() -> None:
    """Fails with a person's words, also where nobody looks."""
    logging.getLogger("a.library").error("could not send %s", MARKER)

    async def unseen() -> None:
        raise ValueError(MARKER)

    task = asyncio.create_task(unseen())
    await asyncio.wait([task])
    del task
    try:
        raise KeyError(MARKER)
    except KeyError as error:
        raise RuntimeError(MARKER) from error


async def assemble(pod: Pod) -> None:
    """Hang every failure on a door."""
    pod.serve(add_ConsentServiceServicer_to_server, Consents())
    pod.consume("machi.consent.v1", pod.works(Work), note_twice)
    pod.route("/slow", slow)
    pod.route("/broken", broken)
    pod.background("fails", fails)


run(assemble)
