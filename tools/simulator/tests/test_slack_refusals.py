"""What Slack refuses of channels: changes in a closed one, others in a private one, poorer blocks, unknown guests."""

import pytest
from looking import CARD, OFFICER
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from machi_simulator.jsontree import Json
from machi_simulator.slack.state import BOT_USER
from machi_simulator.testing import Simulator
from machi_simulator.testing_wire import RefusedError

SECTION: Json = {"type": "rich_text_section", "elements": [{"type": "text", "text": "穴です"}]}
RICH: list[Json] = [{"type": "rich_text", "elements": [SECTION]}]


async def test_an_archived_channel_takes_no_message_and_no_change(
    simulator: Simulator, slack: AsyncWebClient, channel: str
) -> None:
    card = (await simulator.slack.messages(channel))[0]
    await simulator.slack.archive(OFFICER, channel)
    with pytest.raises(SlackApiError, match="'is_inactive'"):
        await slack.chat_update(channel=channel, ts=card.ts, text="受付済み", blocks=CARD[:1])
    with pytest.raises(SlackApiError, match="'is_archived'"):
        await slack.chat_postMessage(channel=channel, text="受付済み")
    with pytest.raises(RefusedError, match="is_archived"):
        await simulator.slack.say(OFFICER, channel, "受付済み")
    assert (await simulator.slack.messages(channel))[0] == card


async def test_a_private_channel_is_not_there_for_others(
    simulator: Simulator, slack: AsyncWebClient, channel: str
) -> None:
    card = (await simulator.slack.messages(channel))[0]
    await slack.conversations_invite(channel=channel, users=OFFICER)
    await simulator.slack.make_private(OFFICER, channel)
    await simulator.slack.add_user("U0PARKS01", "公園担当")
    for act in (
        simulator.slack.say("U0PARKS01", channel, "入れて"),
        simulator.slack.press("U0PARKS01", card, "resolve"),
        simulator.slack.command("U0PARKS01", channel, "/machi"),
    ):
        with pytest.raises(RefusedError, match="channel_not_found"):
            await act
    await simulator.slack.say(OFFICER, channel, "受付済み")
    assert (await simulator.slack.press(OFFICER, card, "resolve")).ok


async def test_rich_text_is_not_replaced_by_what_is_none(slack: AsyncWebClient, channel: str) -> None:
    posted = await slack.chat_postMessage(channel=channel, text="穴です", blocks=RICH)
    for poorer in (CARD[:1], []):
        with pytest.raises(SlackApiError, match="'block_mismatch'"):
            await slack.chat_update(channel=channel, ts=posted["ts"], text="穴でした", blocks=poorer)
    await slack.chat_update(channel=channel, ts=posted["ts"], text="穴でした", blocks=[*CARD[:1], *RICH])
    plain = await slack.chat_postMessage(channel=channel, text="穴です", blocks=CARD[:1])
    await slack.chat_update(channel=channel, ts=plain["ts"], text="穴でした", blocks=RICH)


async def test_one_unknown_guest_keeps_all_out_unless_forced(slack: AsyncWebClient, channel: str) -> None:
    async def members() -> list[str]:
        return list((await slack.conversations_members(channel=channel))["members"])

    guests = [OFFICER, "U404", BOT_USER]
    with pytest.raises(SlackApiError) as refused:
        await slack.conversations_invite(channel=channel, users=guests)
    assert refused.value.response["error"] == "user_not_found"
    assert refused.value.response["errors"] == [
        {"user": "U404", "ok": False, "error": "user_not_found"},
        {"user": BOT_USER, "ok": False, "error": "cant_invite_self"},
    ]
    assert await members() == [BOT_USER]
    await slack.conversations_invite(channel=channel, users=guests, force=True)
    assert await members() == [BOT_USER, OFFICER]
    with pytest.raises(SlackApiError, match="'user_not_found'"):
        await slack.conversations_invite(channel=channel, users=["U404"], force=True)
    with pytest.raises(SlackApiError, match="'too_many_users'"):
        await slack.conversations_invite(channel=channel, users=[f"U{at}" for at in range(101)])
    with pytest.raises(SlackApiError, match="'no_user'"):
        await slack.conversations_invite(channel=channel, users=[])
