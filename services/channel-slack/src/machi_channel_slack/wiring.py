"""Who gets what."""

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import aiohttp

from machi_channel_slack.adapters.board import PostgresBoard, announce
from machi_channel_slack.adapters.pace import ChannelPace
from machi_channel_slack.adapters.peers import DialoguePods, IdentityDesks
from machi_channel_slack.adapters.rooms import SlackRooms
from machi_channel_slack.adapters.slack_api import SlackApi
from machi_channel_slack.entrypoints.announcements import Announcements
from machi_channel_slack.entrypoints.door import Door
from machi_channel_slack.entrypoints.forms import Forms
from machi_channel_slack.entrypoints.inbound import Office, OfficerEvents
from machi_channel_slack.entrypoints.poster import Poster
from machi_channel_slack.entrypoints.webhooks import Webhooks
from machi_channel_slack.use_cases.hall import Hall
from machi_sdk.conversation import Talkers
from machi_sdk.inbound import Bulkheads, Entrance, InboundQueue
from machi_sdk.service import Pod
from machi_sdk.texts import Texts
from machi_sdk.work import Work

HERE = Path(__file__).parent
INBOUND = "machi.slack.inbound.v1"
_SECONDS = aiohttp.ClientTimeout(total=10, connect=3)


async def assemble(pod: Pod) -> None:
    """Hang the entrypoints on the pod."""
    session = aiohttp.ClientSession(timeout=_SECONDS)
    workspaces = {tenant: each.slack for tenant, each in pod.settings.channels().items() if each.slack}
    slacks = {tenant: SlackApi(settings, session) for tenant, settings in workspaces.items()}
    works = pod.works(Work)
    board, desks = PostgresBoard(works), IdentityDesks(pod.peers)
    bulkheads, texts = Bulkheads(), Texts(HERE / "texts")
    pods, talkers = DialoguePods(pod.peers, bulkheads), Talkers(pod.peers, bulkheads)
    poster = Poster(pod.database, _halls(pod, slacks, board, desks, pods))
    queue = InboundQueue(works, OfficerEvents(Office(slacks, board, desks, talkers, texts, pod.clock)), "slack")
    consumer = pod.consume(INBOUND, works, queue.accept, batch=50)
    entrance = Entrance("slack", INBOUND, pod.producer, pod.keys.hmac, consumer.unread_seconds)
    door = Door(workspaces, entrance, pod.clock, pod.health.troubles)
    webhooks = Webhooks(door, Forms(door, slacks, board, desks), texts.say("ja", "command"))
    pod.route("/slack/events", webhooks.events)
    pod.route("/slack/interactivity", webhooks.interactivity)
    pod.route("/slack/commands", webhooks.commands)
    pod.consume("machi.desk.cards.v1", works, Announcements(announce, poster.wake, frozenset(slacks)).take)
    pod.background("inbound", queue.run)
    pod.background("inbound watch", queue.watch)
    pod.background("poster", poster.run)
    pod.background("slack session", partial(_keep, session))


def _halls(
    pod: Pod, slacks: Mapping[str, SlackApi], board: PostgresBoard, desks: IdentityDesks, pods: DialoguePods
) -> dict[str, Hall]:
    return {
        tenant: Hall(
            slack=slack,
            rooms=SlackRooms(slack, partial(desks.members, tenant)),
            pace=ChannelPace(),
            board=board,
            desks=desks,
            pods=pods,
            clock=pod.clock,
            digest=pod.keys.hmac,
            reach=pod.faultpoints.reach,
        )
        for tenant, slack in slacks.items()
    }


async def _keep(session: aiohttp.ClientSession) -> None:
    """One session for the pod's life."""
    try:
        await asyncio.Event().wait()
    finally:
        await session.close()
