"""Messages that somebody deleted, and channels that are away: nothing is held up, said twice, or left behind."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from samples import entry
from slack_stand_ins import NoPace, OneRoom, QuietSlack, VersionedPod, a_hall, anything_due

from machi.dialogue.v1.desk_card_pb2 import CardPhoto
from machi_channel_slack.adapters.cards import announce
from machi_channel_slack.adapters.digests import list_old
from machi_channel_slack.domain.cards import Announced, CardKey
from machi_channel_slack.domain.digests import Summary
from machi_channel_slack.entrypoints.jobs import show_or_put_off
from machi_channel_slack.use_cases.hall import Hall
from machi_sdk.clock import ManualClock
from machi_sdk.work import Work, Works

pytestmark = pytest.mark.integration
TENANT, DESK = "fukuoka", "lighting"
KEY = CardKey(TENANT, "card-1", DESK)
CARD, FIRST, SECOND = "1", "2", "3"  # the messages of a card with two entries, by ts


@dataclass(frozen=True)
class Channel:
    """A desk's channel with one card, whose thread says two things."""

    works: Works[Work]
    clock: ManualClock
    slack: QuietSlack
    pod: VersionedPod
    rooms: OneRoom
    hall: Hall

    async def try_to_show(self, version: int, *said: str, times: int = 1) -> None:
        self.pod.versions["card-1"] = version
        self.pod.said["card-1"] = [entry(f"e-{at}", words, "") for at, words in enumerate(said)]
        async with self.works.begin(TENANT) as work:
            await announce(work, KEY, Announced("lamps", version, urgent=False), {})
        await self.try_again(times)

    async def try_again(self, times: int = 1) -> None:
        for _ in range(times):
            if job := await anything_due(TENANT, DESK, self.hall):
                await show_or_put_off(job, self.clock)
            self.clock.advance(timedelta(seconds=31))

    async def shown(self) -> int:
        state = await self.hall.cards.find(KEY)
        return state.shown if state else 0

    def words(self) -> set[str]:
        return set(self.slack.shown.values())


@pytest.fixture
async def channel(works: Works[Work], clock: ManualClock) -> Channel:
    slack, pod, rooms = QuietSlack(clock), VersionedPod(), OneRoom()
    found = Channel(works, clock, slack, pod, rooms, replace(a_hall(works, clock, slack, pod, NoPace()), rooms=rooms))
    await found.try_to_show(1, "一", "二")
    assert list(slack.shown) == [CARD, FIRST, SECOND]
    return found


@pytest.mark.parametrize("refusal", ["message_not_found", "cant_update_message", "edit_window_closed"])
async def test_an_entry_that_cannot_be_changed_holds_up_nothing(channel: Channel, refusal: str) -> None:
    channel.slack.refusals[FIRST] = refusal
    await channel.try_to_show(2, "（取り消されました）", "（取り消されました）")
    assert channel.slack.shown[SECOND] == "（取り消されました）"
    assert await channel.shown() == 2
    await channel.try_to_show(3, "（取り消されました）", "（取り消されました）", "三")
    assert "三" in channel.words()


async def test_words_taken_back_while_their_post_was_in_doubt_are_changed_once_it_is_found(channel: Channel) -> None:
    channel.slack.unclear.add(4)
    await channel.try_to_show(2, "一", "二", "秘密")
    assert "秘密" in channel.words()
    await channel.try_to_show(3, "一", "二", "（取り消されました）")
    assert "秘密" not in channel.words()
    assert len(channel.slack.posted) == 4
    await channel.try_to_show(4, "一", "二", "直した言葉")
    assert channel.slack.shown["4"] == "直した言葉"


async def test_a_post_in_doubt_that_is_not_there_is_made_with_the_present_words_once(channel: Channel) -> None:
    channel.slack.unclear.add(4)
    channel.slack.lost.add(4)
    await channel.try_to_show(2, "一", "二", "古い")
    await channel.try_to_show(3, "一", "二", "新しい")
    changes = len(channel.slack.changed)
    await channel.try_to_show(4, "一", "二", "新しい")
    assert channel.slack.shown["5"] == "新しい"
    assert len(channel.slack.changed) == changes + 1, "the card alone: the entry was kept as it stands"


async def test_what_is_not_there_is_not_said_anew_to_a_desk_that_handed_the_case_over(channel: Channel) -> None:
    channel.slack.unclear.add(4)
    channel.slack.lost.add(4)
    await channel.try_to_show(2, "一", "二", "三")
    channel.pod.moved.add("card-1")
    await channel.try_to_show(3, "一", "二", "三")
    assert len(channel.slack.posted) == 4
    assert await channel.shown() == 3


@pytest.mark.parametrize("refusal", ["is_archived", "is_inactive", "not_in_channel", "channel_not_found"])
@pytest.mark.parametrize("listed", ["", "C1"], ids=["archived", "rejoined"])
async def test_a_card_stays_where_it_is_while_its_channel_is_away(channel: Channel, refusal: str, listed: str) -> None:
    channel.slack.refusing, channel.rooms.channel = refusal, listed
    await channel.try_to_show(2, "一", "（取り消されました）", times=9)
    channel.slack.refusing, channel.rooms.channel = "", "C1"
    await channel.try_again()
    assert len(channel.slack.posted) == 3
    assert channel.slack.shown[SECOND] == "（取り消されました）"
    assert channel.slack.shown[CARD].endswith("v2")


async def test_a_card_whose_desk_has_another_channel_is_posted_there(channel: Channel) -> None:
    channel.slack.refusals |= dict.fromkeys(("C1", CARD, FIRST, SECOND), "not_in_channel")
    channel.rooms.channel = "C2"
    await channel.try_to_show(2, "一", "（取り消されました）", times=2)
    assert len(channel.slack.posted) == 6
    assert await channel.shown() == 2
    assert channel.slack.deleted == []
    channel.slack.refusals.clear()
    await channel.try_to_show(3, "一", "（取り消されました）")
    assert sorted(channel.slack.deleted) == [CARD, FIRST, SECOND], "once the app is let in, nothing is left behind"
    assert "二" not in channel.words()


async def test_the_thread_of_a_deleted_card_leaves_with_it(channel: Channel) -> None:
    channel.pod.photos["card-1"].append(CardPhoto(media_id="m-1"))
    await channel.try_to_show(2, "一", "二")
    channel.slack.refusals[CARD] = "message_not_found"
    channel.slack.refusals["C1"] = "rate_limit_of_posts"  # the new card's post fails first
    await channel.try_to_show(3, "一", "（取り消されました）")
    assert await channel.shown() == 2
    channel.slack.refusals.clear()
    await channel.try_again()
    assert sorted(channel.slack.deleted) == [CARD, FIRST, SECOND, "F1"]
    assert "二" not in channel.words()
    assert len(channel.slack.shown) == 3
    await channel.try_to_show(4, "一", "（取り消されました）")
    assert len(channel.slack.deleted) == 4, "each once"


async def test_a_list_leads_to_where_its_card_stands_anew(channel: Channel) -> None:
    async with channel.works.begin(TENANT) as work:
        await list_old(work, Summary(DESK, "lamps", "2026-11-24", ["card-1"], 0))
    listed = await channel.hall.digests.next_new(TENANT, DESK, channel.clock.now())
    assert listed is not None
    await channel.try_again()

    async def link() -> str:
        (line,) = await channel.hall.digests.lines(listed.key)
        return line.link

    assert await link() == f"https://example.org/C1/{CARD}"
    channel.slack.refusals[CARD] = "message_not_found"
    await channel.try_to_show(2, "一", "二", times=2)
    assert await link() == "https://example.org/C1/5"


async def test_after_the_app_was_made_anew_cards_are_posted_anew(channel: Channel) -> None:
    """What another app wrote can neither be changed nor deleted."""
    channel.slack.refusals |= dict.fromkeys((CARD, FIRST, SECOND), "cant_update_message")
    await channel.try_to_show(2, "一", "二", "三")
    assert await channel.shown() == 2
    assert len(channel.slack.posted) == 3 + 4


async def test_a_deleted_card_that_moved_on_leaves_nothing_behind(channel: Channel) -> None:
    channel.slack.refusals |= {CARD: "message_not_found", "C1": "no_post"}
    await channel.try_to_show(2, "一", "二")
    channel.slack.refusals.clear()
    channel.pod.moved.add("card-1")
    await channel.try_to_show(3)
    assert channel.words() == set()
