"""Linking two channels, turn by turn, over real gRPC and PostgreSQL."""

from collections.abc import Callable
from datetime import timedelta

import grpc
import pytest
from linking_city import PURPOSE, AtChannel, code_in, decide, link, rows

from machi.consent.v1.events_pb2 import ReachabilityChanged
from machi_identity.adapters.work import IdentityWork
from machi_identity.domain.consent import Status
from machi_identity.domain.linking import LIFE, Refusal
from machi_identity.wiring import TEXTS
from machi_sdk.clock import ManualClock
from machi_sdk.testing import PodDatabase
from machi_sdk.work import Works

pytestmark = pytest.mark.integration
ChannelOf = Callable[[str], grpc.aio.Channel]
IdentityWorks = Works[IdentityWork]


async def test_a_code_links_two_channels(line: AtChannel, slack: AtChannel, clock: ManualClock) -> None:
    older = (await line.who()).citizen_id
    clock.advance(timedelta(days=1))
    younger = (await slack.who()).citizen_id
    code = code_in(await line.opens("link"))
    asked = await slack.opens("link", text=f"連携 {code.lower().replace('-', '')}")
    assert "LINE・Slack" in asked
    assert "ひとつになります" in asked
    assert "連携しました" in await slack.agrees()
    for place in (line, slack):
        person = await place.who()
        assert (person.citizen_id, list(person.former_ids)) == (older, [younger])


@pytest.mark.parametrize("begun_on", ["line", "slack"])
async def test_the_dialogue_under_way_goes_on_where_the_code_was_typed(
    line: AtChannel, slack: AtChannel, clock: ManualClock, begun_on: str
) -> None:
    await line.who()
    clock.advance(timedelta(days=1))
    shows, types = (line, slack) if begun_on == "line" else (slack, line)
    await shows.in_dialogue("report-1")
    await link(shows, types)
    assert (types.asked.goes_on.pod, types.asked.goes_on.session_id) == ("reports", "report-1")
    for place in (line, slack):
        focus = (await place.who()).focus
        assert (focus.pod, focus.session_id) == ("reports", "report-1")


async def test_the_dialogue_where_the_code_is_typed_goes_on_when_the_other_channel_has_none(
    line: AtChannel, slack: AtChannel
) -> None:
    await slack.in_dialogue("report-2")
    await link(line, slack)
    assert (await line.who()).focus.session_id == "report-2"


async def test_with_two_dialogues_the_one_where_the_code_was_made_goes_on(line: AtChannel, slack: AtChannel) -> None:
    await line.in_dialogue("report-1")
    await slack.in_dialogue("report-2")
    await link(line, slack)
    assert (await slack.who()).focus.session_id == "report-1"


async def test_a_no_links_nothing_and_gives_the_dialogue_back(line: AtChannel, slack: AtChannel) -> None:
    await slack.in_dialogue("report-2")
    code = code_in(await line.opens("link"))
    await slack.opens("link", code=code)
    assert TEXTS.say("ja", "link.kept-apart") in await slack.agrees(yes=False)
    assert (await slack.who()).focus.session_id == "report-2"
    assert (await line.who()).citizen_id != (await slack.who()).citizen_id
    assert "連携しました" in await link(line, slack)


async def test_the_code_can_be_asked_for_and_typed_alone(line: AtChannel, slack: AtChannel) -> None:
    code = code_in(await line.opens("link"))
    assert TEXTS.say("ja", "link.enter") in await slack.opens("link", enter="yes")
    assert TEXTS.say("ja", "link.refused-wrong") in await slack.types("わかりません")
    assert TEXTS.say("ja", "link.refused-wrong") in await slack.types("AAAA-AAAA")
    assert "LINE・Slack" in await slack.types(code)
    await slack.types("やめる")
    assert TEXTS.say("ja", "link.is-code") in await slack.opens("help", text=code)
    button = slack.asked.messages[0].card.buttons[0].command
    assert "LINE・Slack" in await slack.opens(button.command, **button.arguments)


async def test_every_code_that_links_nothing_says_why(
    line: AtChannel, slack: AtChannel, channel_of: ChannelOf, clock: ManualClock
) -> None:
    def refused(refusal: Refusal) -> str:
        return TEXTS.say("ja", f"link.refused-{refusal.value}")

    first = code_in(await line.opens("link"))
    assert refused(Refusal.OWN) in await line.opens("link", code=first)
    second = code_in(await line.opens("link"))
    assert refused(Refusal.WRONG) in await slack.opens("link", code=first), "one open code per citizen"
    other = AtChannel(channel_of("channel-line"), "line", "U2")
    assert refused(Refusal.SAME_CHANNEL) in await other.opens("link", code=second)
    clock.advance(LIFE)
    assert refused(Refusal.EXPIRED) in await slack.opens("link", code=second)
    third = code_in(await line.opens("link"))
    await slack.opens("link", code=third)
    await slack.agrees()
    assert refused(Refusal.USED) in await slack.opens("link", code=third)
    fourth = code_in(await line.opens("link"))
    assert refused(Refusal.ALREADY) in await slack.opens("link", code=fourth)
    taken = AtChannel(channel_of("channel-slack"), "slack", "T1/U2")
    assert refused(Refusal.TAKEN) in await taken.opens("link", code=fourth)


async def test_a_code_runs_out_while_the_question_waits(line: AtChannel, slack: AtChannel, clock: ManualClock) -> None:
    await slack.opens("link", code=code_in(await line.opens("link")))
    clock.advance(LIFE)
    assert TEXTS.say("ja", "link.refused-expired") in await slack.agrees()
    assert (await line.who()).citizen_id != (await slack.who()).citizen_id


async def test_five_wrong_codes_bring_a_pause(line: AtChannel, slack: AtChannel, clock: ManualClock) -> None:
    code = code_in(await line.opens("link"))
    for _ in range(5):  # each of them is answered twice, as after a lost answer
        assert TEXTS.say("ja", "link.refused-wrong") in await slack.opens("link", code="AAAA-AAAA")
    assert TEXTS.say("ja", "link.refused-paused") in await slack.opens("link", code=code)
    clock.advance(timedelta(minutes=10))
    assert "LINE・Slack" in await slack.opens("link", code=code_in(await line.opens("link")))


async def test_a_code_is_kept_as_a_keyed_hash_only(line: AtChannel, database: PodDatabase) -> None:
    code = code_in(await line.opens("link"))
    kept = await rows(database, "SELECT * FROM link_codes")
    assert len(kept) == 1
    assert code not in str(kept)
    assert code.replace("-", "") not in str(kept)


async def test_the_language_chosen_last_is_spoken_on_both(
    line: AtChannel, slack: AtChannel, clock: ManualClock
) -> None:
    await line.opens("language", language="ja")
    clock.advance(timedelta(hours=1))
    await slack.opens("language", language="en")
    code = code_in(await slack.opens("link"))
    await line.opens("link", code=code)
    assert TEXTS.say("en", "link.done", channels="LINE, Slack") in await line.agrees()
    assert line.asked.language == "en"
    assert (await line.who()).language == "en"


async def test_unlinking_gives_the_channel_a_person_of_its_own(
    *, line: AtChannel, slack: AtChannel, works: IdentityWorks, clock: ManualClock, database: PodDatabase
) -> None:
    await line.opens("language", language="en")
    kept = (await line.who()).citizen_id
    clock.advance(timedelta(days=1))
    gone = (await slack.who()).citizen_id
    await link(line, slack)
    await decide(works, clock, kept, Status.GIVEN)
    await line.in_dialogue("report-1")
    asked = await slack.opens("unlink")
    assert "stay on LINE" in asked
    assert TEXTS.say("en", "unlink.done", here="Slack") in await slack.agrees()
    own = await slack.who()
    assert own.citizen_id not in (kept, gone)
    assert (own.language, own.focus.pod, list(own.former_ids)) == ("en", "", [])
    there = await line.who()
    assert (there.citizen_id, there.focus.session_id) == (kept, "report-1")
    told = await rows(database, "SELECT payload FROM outbox WHERE topic = 'machi.consent.v1' ORDER BY id")
    lost = ReachabilityChanged.FromString(told[-1]["payload"])
    assert (lost.citizen_id, lost.channel, lost.reachable) == (kept, "slack", False)
    async with works.begin("fukuoka") as work:
        standing = await work.consents.standing(own.citizen_id, PURPOSE)
        assert standing is not None
        assert standing.status is Status.UNKNOWN, "a person of its own is asked anew"
    assert TEXTS.say("en", "unlink.nothing") in await slack.opens("unlink")
    clock.advance(timedelta(days=1))
    assert "linked now" in await link(slack, line)
    again = await slack.who()
    assert again.citizen_id == kept
    assert set(again.former_ids) == {gone, own.citizen_id}


async def test_unlinking_is_asked_again_where_another_channel_answers(line: AtChannel, slack: AtChannel) -> None:
    await line.who()
    await link(line, slack)
    both = (await line.who()).citizen_id
    assert "設定はLINEに残り" in await slack.opens("unlink")
    line.asked = slack.asked
    assert "設定はSlackに残り" in await line.agrees(), "it was about Slack"
    assert (await slack.who()).citizen_id == both
    assert TEXTS.say("ja", "unlink.done", here="LINE") in await line.agrees()
    assert (await slack.who()).citizen_id == both != (await line.who()).citizen_id


@pytest.mark.parametrize("refused_by", ["older", "younger"])
async def test_whose_messages_are_off_by_linking_hears_so_and_can_turn_them_on(
    line: AtChannel, slack: AtChannel, works: IdentityWorks, clock: ManualClock, refused_by: str
) -> None:
    older = (await line.who()).citizen_id
    clock.advance(timedelta(days=1))
    younger = (await slack.who()).citizen_id
    yes, no = (younger, older) if refused_by == "older" else (older, younger)
    await decide(works, clock, yes, Status.GIVEN)
    await decide(works, clock, no, Status.REFUSED)
    said = await link(line, slack)
    assert TEXTS.say("ja", "link.silenced") in said
    [button] = slack.asked.messages[-1].card.buttons
    assert (button.command.pod, button.command.command) == ("identity", "messages")


async def test_a_no_to_unlinking_changes_nothing(line: AtChannel, slack: AtChannel) -> None:
    await link(line, slack)
    await slack.in_dialogue("report-1")
    await slack.opens("unlink")
    assert TEXTS.say("ja", "unlink.kept") in await slack.agrees(yes=False)
    assert (await slack.who()).citizen_id == (await line.who()).citizen_id
    assert (await slack.who()).focus.session_id == "report-1"
