"""Who gets what."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path

import aiohttp

from machi_channel_slack.adapters.cards import PostgresCards, announce
from machi_channel_slack.adapters.digests import PostgresDigests, list_old
from machi_channel_slack.adapters.pace import ChannelPace, WorkspacePace, WorkspaceTurns
from machi_channel_slack.adapters.peers import DialoguePods, IdentityDesks
from machi_channel_slack.adapters.rooms import SlackRooms
from machi_channel_slack.adapters.slack_api import SlackApi
from machi_channel_slack.adapters.work import SlackWork
from machi_channel_slack.domain.address import CHANNEL
from machi_channel_slack.domain.digests import FloodRule
from machi_channel_slack.entrypoints.announcements import Announcements
from machi_channel_slack.entrypoints.door import Door
from machi_channel_slack.entrypoints.forms import Forms
from machi_channel_slack.entrypoints.homes import Homes
from machi_channel_slack.entrypoints.inbound import Office, OfficerEvents
from machi_channel_slack.entrypoints.lanes import Lanes
from machi_channel_slack.entrypoints.poster import Poster
from machi_channel_slack.entrypoints.webhooks import Webhooks
from machi_channel_slack.use_cases.answer_resident import AnswerResident
from machi_channel_slack.use_cases.deliver_message import DeliverMessage
from machi_channel_slack.use_cases.direct_messages import DirectMessages
from machi_channel_slack.use_cases.hall import Hall
from machi_channel_slack.use_cases.show_home import Lobby
from machi_sdk.aliases import take_merges
from machi_sdk.conversation import InstalledOpenings, People, Talkers, Turns
from machi_sdk.deliveries import DeliveryLoop, DeliveryRows, SendDelivery
from machi_sdk.inbound import Bulkheads, EarlierMessages, Entrance, EventHandler, InboundQueue, ServedOnly
from machi_sdk.service import Pod
from machi_sdk.texts import Texts
from machi_sdk.work import Work

TEXTS = Texts(Path(__file__).parent / "texts")
BURST = 3  # a conversation with a person: three at once, then one a second
INBOUND = "machi.slack.inbound.v1"
AT_ONCE = 50
_SECONDS = aiohttp.ClientTimeout(total=10, connect=3)


async def assemble(pod: Pod) -> None:
    """Hang the adapter on the pod."""
    workspaces = pod.channels(pod.settings.slack_channels)
    session = aiohttp.ClientSession(timeout=_SECONDS, proxy=pod.settings.platform_proxy)
    slacks = {tenant: SlackApi(settings, session) for tenant, settings in workspaces.items()}
    directs = {tenant: DirectMessages(slack, ChannelPace(BURST)) for tenant, slack in slacks.items()}
    cards, desks, bulkheads = PostgresCards(pod.works(Work)), IdentityDesks(pod.peers), Bulkheads()
    talkers, people = Talkers(pod.peers, bulkheads), People(pod.peers, CHANNEL)
    earlier = EarlierMessages(pod.works(Work))
    openings = InstalledOpenings(pod.installed)
    deliveries = DeliveryRows(pod.works(Work), pod.clock, CHANNEL)
    turns = Turns(people, talkers, openings, earlier, deliveries)
    pods = DialoguePods(pod.peers, bulkheads, pod.installed)
    lobbies = {tenant: Lobby(tenant, slack, cards, desks, people, pods, TEXTS, {}) for tenant, slack in slacks.items()}
    homes = Homes(lobbies, pod.clock)
    officers = OfficerEvents(Office(slacks, cards, desks, talkers, openings, earlier, TEXTS, pod.clock, homes.soon))
    lanes = Lanes(officers, homes, AnswerResident(slacks, directs, turns, TEXTS))
    entrance = _hang_inbound(pod, ServedOnly(lanes, workspaces.keys(), pod.settings.slack_channels.off))
    door = Door(workspaces, entrance, pod.clock, pod.health.troubles)
    forms = Forms(door, slacks, cards, desks, TEXTS.say_anyhow("", "press-again"))
    webhooks = Webhooks(door, forms, earlier, TEXTS.say_anyhow("", "command"))
    pod.route("/slack/events", webhooks.events)
    pod.route("/slack/interactivity", webhooks.interactivity)
    pod.route("/slack/commands", webhooks.commands)
    _hang_cards(pod, _halls(pod, slacks, cards, desks, pods))
    pod.background("homes", homes.run)
    _hang_deliveries(pod, directs, people, deliveries)
    pod.background("slack session", partial(_keep, session))


def _hang_inbound(pod: Pod, handler: EventHandler) -> Entrance:
    works = pod.works(Work)
    queue = InboundQueue(works, handler, CHANNEL)
    consumer = pod.consume(INBOUND, works, queue.accept, batch=AT_ONCE)
    pod.background("inbound", queue.run, queue.stop)
    pod.background("inbound watch", queue.watch)
    return Entrance(CHANNEL, INBOUND, pod.producer, pod.keys.hmac, consumer.unread_seconds)


def _hang_cards(pod: Pod, halls: dict[str, Hall]) -> None:
    poster = Poster(pod.database, halls)
    tenants = pod.settings.slack_channels.off | halls.keys()
    announcements = Announcements(announce, list_old, poster.wake, tenants)
    pod.consume("machi.desk.cards.v1", pod.works(Work), announcements.take, batch=AT_ONCE)
    pod.background("poster", poster.run, poster.stop)
    pod.background("poster watch", poster.watch)


def _hang_deliveries(pod: Pod, directs: Mapping[str, DirectMessages], people: People, rows: DeliveryRows) -> None:
    outlets = {tenant: DeliverMessage(each, people, pod.clock) for tenant, each in directs.items()}
    served = sorted(pod.settings.tenants - pod.settings.slack_channels.off)
    loop = DeliveryLoop(rows, SendDelivery(outlets, people, rows, pod.clock), served)
    pod.consume("machi.deliveries.requests.v1", pod.works(Work), loop.accept, batch=AT_ONCE)
    pod.background("deliveries", loop.run, loop.stop)
    pod.background("deliveries watch", loop.watch)
    pod.background("deliveries forgetting", loop.forget)
    pod.consume("machi.citizens.v1", pod.works(SlackWork), take_merges)


def _halls(
    pod: Pod, slacks: Mapping[str, SlackApi], cards: PostgresCards, desks: IdentityDesks, pods: DialoguePods
) -> dict[str, Hall]:
    return {
        tenant: Hall(
            slack=slack,
            rooms=SlackRooms(slack, partial(desks.members, tenant)),
            pace=WorkspacePace(ChannelPace(), WorkspaceTurns(pod.works(Work), tenant), pod.clock),
            cards=cards,
            digests=PostgresDigests(pod.works(Work), _rule(pod, tenant)),
            desks=desks,
            pods=pods,
            texts=TEXTS,
            clock=pod.clock,
            digest=pod.keys.hmac,
            reach=pod.faultpoints.reach,
        )
        for tenant, slack in slacks.items()
    }


def _rule(pod: Pod, tenant: str) -> FloodRule:
    slack = pod.settings.slack_channels.by_tenant[tenant]
    return FloodRule(slack.flood_cards, timedelta(seconds=slack.calm_seconds))


async def _keep(session: aiohttp.ClientSession) -> None:
    """One session for the pod's life."""
    try:
        await asyncio.Event().wait()
    finally:
        await session.close()
