"""Who gets what."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1 import messages_pb2 as neutral
from machi_channel_line.adapters.line_api import LineApi
from machi_channel_line.adapters.menus import MenuRows
from machi_channel_line.adapters.work import LineWork
from machi_channel_line.domain.budget import HourlyBudget
from machi_channel_line.entrypoints.menus import MenuLoops
from machi_channel_line.entrypoints.merges import Merges
from machi_channel_line.entrypoints.webhook import Door, WebhookEndpoint
from machi_channel_line.menu.drawing import draw_menu
from machi_channel_line.menu.layout import Menu
from machi_channel_line.menu.planning import plan_menus
from machi_channel_line.ports import Body, Menus
from machi_channel_line.rendering.answer import render_answer, render_notice
from machi_channel_line.rendering.phrases import phrases
from machi_channel_line.telemetry import note_left_out
from machi_channel_line.use_cases.answer_event import AnswerEvent
from machi_channel_line.use_cases.deliver_message import DeliverMessage
from machi_channel_line.use_cases.keep_menus import KeepMenus
from machi_channel_line.use_cases.send_answer import Answerer
from machi_sdk.conversation import InstalledOpenings, People, Talkers, Turns
from machi_sdk.deliveries import DeliveryLoop, DeliveryRows, SendDelivery
from machi_sdk.handling import prepared
from machi_sdk.inbound import Bulkheads, EarlierMessages, Entrance, InboundQueue, ServedOnly
from machi_sdk.language import language as written
from machi_sdk.service import Pod
from machi_sdk.telemetry import get_logger
from machi_sdk.texts import Texts
from machi_sdk.work import Work

TEXTS = Texts(Path(__file__).parent / "texts")
CHANNEL = "line"
INBOUND = "machi.line.inbound.v1"
AT_ONCE = 100

log = get_logger()


async def assemble(pod: Pod) -> None:
    """Hang the adapter on the pod."""
    channels = pod.channels(pod.settings.line_channels)
    connector = aiohttp.TCPConnector(limit=200)
    session = aiohttp.ClientSession(connector=connector, proxy=pod.settings.platform_proxy)
    lines = {tenant: LineApi(session, settings) for tenant, settings in channels.items()}
    menus = MenuRows(pod.works(LineWork), pod.database)
    deliveries = DeliveryRows(pod.works(Work), pod.clock, CHANNEL)
    entrance = _hang_inbound(pod, lines, menus, deliveries)
    pod.route("/line/webhook", WebhookEndpoint(Door(channels, entrance, pod.clock, pod.health.troubles)))
    _hang_deliveries(pod, lines, deliveries)
    _hang_menus(pod, lines, menus)
    _hang_merges(pod)
    pod.background("line session", lambda: _held(session))


def _hang_inbound(pod: Pod, lines: dict[str, LineApi], menus: Menus, deliveries: DeliveryRows) -> Entrance:
    works = pod.works(LineWork)
    people, openings = People(pod.peers, CHANNEL), InstalledOpenings(pod.installed)
    turns = Turns(people, Talkers(pod.peers, Bulkheads()), openings, EarlierMessages(works), deliveries)
    answerer = Answerer(people, pod.clock)
    handler = AnswerEvent(lines, turns, answerer, menus, render, TEXTS)
    served = ServedOnly(handler, lines.keys(), pod.settings.line_channels.off)
    queue = InboundQueue(works, served, CHANNEL)
    consumer = pod.consume(INBOUND, works, queue.accept, batch=AT_ONCE)
    pod.background("inbound", queue.run, queue.stop)
    pod.background("inbound watch", queue.watch)
    return Entrance(CHANNEL, INBOUND, pod.producer, pod.keys.hmac, consumer.unread_seconds)


def _hang_deliveries(pod: Pod, lines: dict[str, LineApi], rows: DeliveryRows) -> None:
    outlets = {tenant: DeliverMessage(line, render_pushed) for tenant, line in lines.items()}
    sender = SendDelivery(outlets, People(pod.peers, CHANNEL), rows, pod.clock)
    loop = DeliveryLoop(rows, sender, sorted(pod.settings.tenants - pod.settings.line_channels.off))
    pod.consume("machi.deliveries.requests.v1", pod.works(Work), loop.accept, batch=AT_ONCE)
    pod.background("deliveries", loop.run, loop.stop)
    pod.background("deliveries watch", loop.watch)
    pod.background("deliveries forgetting", loop.forget)


def _hang_merges(pod: Pod) -> None:
    merges = Merges(People(pod.peers, CHANNEL))
    pod.consume("machi.citizens.v1", pod.works(LineWork), prepare=prepared(merges.prepare, merges.handle))


def _hang_menus(pod: Pod, lines: dict[str, LineApi], rows: Menus) -> None:
    font = _menu_font(pod.settings.line_menu_font)
    openings = InstalledOpenings(pod.installed)

    async def draw(menu: Menu) -> bytes:
        return await asyncio.to_thread(draw_menu, menu, font)

    keep = KeepMenus(
        lines=lines,
        menus=rows,
        people=People(pod.peers, CHANNEL),
        clock=pod.clock,
        draw=draw,
        look=font,
        budgets={tenant: HourlyBudget() for tenant in lines},
    )
    loops = MenuLoops(keep, rows, pod.installed, lambda tags: plan_menus(openings.offered(), TEXTS, tags))
    pod.background("menus", loops.follow)
    pod.background("menu links", loops.link)


def render(response: wire.TurnResponse, language: str, chosen: Sequence[str]) -> list[Body]:
    """An answer as LINE messages, with this channel's own words in the person's language."""
    ask = response.ask if response.HasField("ask") else None
    words = phrases(lambda key: TEXTS.say(language, key), written(language))
    return list(render_answer(response.messages, ask, words, chosen, note_left_out))


def render_pushed(messages: Sequence[neutral.Message]) -> list[Body]:
    """A notice as LINE messages."""
    return list(render_notice(messages, note_left_out))


def _menu_font(given: str) -> str:
    """A municipality's own font file, as set; empty for the one that comes along."""
    if given and not Path(given).is_file():
        log.warning("menu font not found")
        return ""
    return given


async def _held(session: aiohttp.ClientSession) -> None:
    """Keep the session for the pod's life and close it at the end."""
    try:
        await asyncio.Event().wait()
    finally:
        await session.close()
