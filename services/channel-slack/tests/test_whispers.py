"""What an officer hears when Slack takes no whisper, and of a card whose pod is gone."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

import pytest
from slack_stand_ins import OneDesk, QuietSlack

from machi.channel.v1.events_pb2 import InboundEvent, Pressed
from machi.dialogue.v1.dialogue_service_pb2 import TurnResponse
from machi.dialogue.v1.messages_pb2 import Message, Text
from machi.identity.v1.staff_service_pb2 import Staff
from machi_channel_slack.domain.cards import SlackMessage
from machi_channel_slack.domain.press import CardRef, encode
from machi_channel_slack.entrypoints.inbound import Office, OfficerEvents
from machi_channel_slack.ports import Cards, SlackRefused
from machi_channel_slack.wiring import TEXTS
from machi_sdk.clock import ManualClock
from machi_sdk.conversation import InstalledOpenings, Talkers
from machi_sdk.inbound import EarlierMessages, PendingEvent
from machi_sdk.installed import InstalledPods

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
DONE = TurnResponse(messages=[Message(text=Text(text="すでに済んでいます"))])
ADDRESS = "https://hooks.slack.test/1"


class NoWhispers(QuietSlack):
    """Refuses every whisper with this word, and hears answers to presses."""

    def __init__(self, refusal: str) -> None:
        super().__init__(ManualClock(NOW))
        self.refusal = refusal
        self.heard: list[tuple[str, str]] = []

    async def whisper(self, channel: str, user: str, message: SlackMessage, thread_ts: str = "") -> None:
        raise SlackRefused(self.refusal)

    async def answer(self, response_url: str, message: SlackMessage) -> None:
        self.heard.append((response_url, message.text))


class Lighting(OneDesk):
    """`ports.Desks` whose one officer everybody is."""

    async def staff(self, tenant: str, address: str, within: float) -> Staff:
        return Staff(staff_id="s-1", desk_ids=["lighting"])


@dataclass
class Press:
    """`PendingEvent`: an officer pressed on a card of that pod; `stored` is what the pod said before."""

    pod: str
    stored: bytes | None = None
    tenant: str = "fukuoka"
    received_at: datetime = NOW
    ends: list[tuple[str, str]] = field(default_factory=list)

    @property
    def event(self) -> InboundEvent:
        data = encode(CardRef(self.pod, "card-1", "lighting"), "acknowledge")
        pressed = Pressed(data=data, place_id="C1")
        return InboundEvent(event_id="e-1", address="T1/U1", reply_handle=ADDRESS, pressed=pressed)

    async def mark_replying(self, mark: str) -> None: ...

    async def claim_notice(self) -> bool:
        return self.stored is None

    async def mark(self, state: str, reason: str = "") -> None:
        self.ends.append((state, reason))


def officers(slack: NoWhispers) -> OfficerEvents:
    pods = InstalledPods()
    pods.read_whole = True
    office = Office(
        {"fukuoka": slack},
        cast("Cards", None),
        Lighting("lighting"),
        cast("Talkers", None),
        InstalledOpenings(pods),
        cast("EarlierMessages", None),
        TEXTS,
        ManualClock(NOW),
        lambda *_: None,
    )
    return OfficerEvents(office)


async def handled(press: Press, slack: NoWhispers) -> None:
    await officers(slack).handle(cast("PendingEvent", press))


@pytest.mark.parametrize("refusal", ["user_not_in_channel", "messages_tab_disabled", "a_word_of_tomorrow"])
async def test_an_officer_whom_slack_lets_nobody_whisper_to_hears_it_at_the_presss_own_address(refusal: str) -> None:
    press, slack = Press("lamps", DONE.SerializeToString()), NoWhispers(refusal)
    await handled(press, slack)
    assert (slack.heard, press.ends) == ([(ADDRESS, "すでに済んでいます")], [("done", "")])


async def test_a_press_on_a_card_whose_pod_is_gone_is_answered_and_over() -> None:
    """Or all that the officer does later would wait behind it for ever."""
    press, slack = Press("gone"), NoWhispers("not_in_channel")
    await handled(press, slack)
    assert slack.heard == [(ADDRESS, TEXTS.say("ja", "impossible"))]
    assert press.ends == [("done", "pod-not-installed")]


@pytest.mark.parametrize(("stored", "told"), [(None, 1), (DONE.SerializeToString(), 0)])
async def test_an_officer_does_not_read_behind_the_answer_that_they_have_to_wait(
    stored: bytes | None, told: int
) -> None:
    slack = NoWhispers("not_in_channel")
    await officers(slack).say_waiting(cast("PendingEvent", Press("lamps", stored)))
    assert [text for _, text in slack.heard] == [TEXTS.say("ja", "waiting")] * told
