"""What Slack refuses for a reason that an administrator mends waits, says why, and is shown once it is mended."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import cast

import pytest
from slack_city import SlackCity
from slack_stand_ins import NoPace, QuietSlack, VersionedPod, a_hall, anything_due

from machi_channel_slack.adapters.cards import PostgresCards, announce
from machi_channel_slack.adapters.digests import PostgresDigests
from machi_channel_slack.domain.cards import Announced, CardKey
from machi_channel_slack.domain.digests import FloodRule
from machi_channel_slack.entrypoints.jobs import Job, show_or_put_off
from machi_channel_slack.ports import Notes, SlackLimited
from machi_channel_slack.use_cases.hall import Hall
from machi_sdk.clock import ManualClock
from machi_sdk.work import Work, Works

pytestmark = pytest.mark.integration
TENANT, DESK = "fukuoka", "lighting"


async def announced(works: Works[Work], pod: VersionedPod, version: int) -> None:
    pod.versions["card-1"] = version
    async with works.begin(TENANT) as work:
        await announce(work, CardKey(TENANT, "card-1", DESK), Announced("lamps", version, urgent=False), {})


async def tried(hall: Hall, clock: ManualClock, times: int) -> None:
    for _ in range(times):
        if job := await anything_due(TENANT, DESK, hall):
            await show_or_put_off(job, clock)
        clock.advance(timedelta(seconds=31))


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        ("is_archived", "slack-is-archived"),
        ("not_in_channel", "slack-not-in-channel"),
        ("channel_not_found", "slack-channel-not-found"),
        ("missing_scope", "slack-missing-scope"),
    ],
)
async def test_it_waits_and_says_why_until_it_is_mended(
    works: Works[Work], clock: ManualClock, refusal: str, reason: str
) -> None:
    slack, pod = QuietSlack(clock), VersionedPod()
    hall = a_hall(works, clock, slack, pod, NoPace())
    await announced(works, pod, 1)
    slack.refusing = refusal
    await tried(hall, clock, 9)
    assert await hall.cards.waiting(TENANT) == {(DESK, reason): 1}
    slack.refusing = ""
    await tried(hall, clock, 1)
    assert await hall.cards.waiting(TENANT) == {}
    assert len(slack.shown) == 1


async def test_a_card_of_a_desk_that_identity_does_not_know_yet_waits_for_it(city: SlackCity) -> None:
    cards, desk = PostgresCards(city.pod.works(Work)), city.identity.desks.pop()

    async def waits() -> bool:
        return await cards.waiting(TENANT) == {(DESK, "desk-unknown"): 1}

    await city.announce(1)
    await city.simulator.until(waits, what="the card waits")
    city.identity.desks.append(desk)
    await city.shown(1)
    assert await cards.waiting(TENANT) == {}


@pytest.mark.parametrize(
    "refusal",
    [
        *("ekm_access_denied", "org_login_required", "restricted_action", "restricted_action_read_only_channel"),
        *("restricted_action_thread_only_channel", "token_revoked", "messages_tab_disabled", "access_denied"),
    ],
)
async def test_a_change_waits_until_an_administrator_mends_it(
    works: Works[Work], clock: ManualClock, refusal: str
) -> None:
    slack, pod = QuietSlack(clock), VersionedPod()
    hall = a_hall(works, clock, slack, pod, NoPace())
    for version, refusing in ((1, ""), (2, refusal)):
        await announced(works, pod, version)
        slack.refusing = refusing
        await tried(hall, clock, 9)
    assert await hall.cards.waiting(TENANT) == {(DESK, f"slack-{refusal.replace('_', '-')}"): 1}
    slack.refusing = ""
    await tried(hall, clock, 1)
    assert len(slack.changed) == 1


async def test_what_nobody_has_seen_is_tried_on_whatever_slack_says(works: Works[Work], clock: ManualClock) -> None:
    slack, pod = QuietSlack(clock), VersionedPod()
    hall = a_hall(works, clock, slack, pod, NoPace())
    await announced(works, pod, 1)
    slack.refusing = "invalid_blocks"
    await tried(hall, clock, 9)
    assert await hall.cards.waiting(TENANT) == {(DESK, "slack-invalid-blocks"): 1}
    slack.refusing = ""
    await tried(hall, clock, 1)
    assert len(slack.posted) == 1
    slack.refusing = "invalid_blocks"
    await announced(works, pod, 2)
    await tried(hall, clock, 9)
    assert await hall.cards.waiting(TENANT) == {}, "a change is given up until the next one"


async def flooded(works: Works[Work], clock: ManualClock, slack: QuietSlack, pod: VersionedPod) -> Hall:
    """A desk with two lists to come."""
    hall = replace(a_hall(works, clock, slack, pod, NoPace()), digests=PostgresDigests(works, FloodRule()))
    for number in range(31):
        pod.versions[f"card-{number}"] = 1
        async with works.begin(TENANT) as work:
            key = CardKey(TENANT, f"card-{number}", DESK)
            await announce(work, key, Announced("lamps", 1, urgent=False), {})
    return hall


async def test_a_list_waits_while_others_ask_the_pod(works: Works[Work], clock: ManualClock) -> None:
    """A pod that was not even asked is not silent: the list would say nothing, and be changed as the last of all."""
    slack, pod = QuietSlack(clock), VersionedPod()
    hall = await flooded(works, clock, slack, pod)
    pod.silent |= {"card-0", "card-30"}
    pod.why = "bulkhead-full"
    await tried(hall, clock, 4)
    assert slack.posted == []
    pod.silent.clear()
    await tried(hall, clock, 4)
    assert (len(slack.posted), slack.changed) == (2, [])


async def test_a_list_is_posted_without_a_silent_pod_whose_line_follows(works: Works[Work], clock: ManualClock) -> None:
    slack, pod = QuietSlack(clock), VersionedPod()
    hall = await flooded(works, clock, slack, pod)
    pod.silent.add("card-0")
    await tried(hall, clock, 4)
    assert (len(slack.posted), slack.changed) == (2, [])
    assert await hall.cards.waiting(TENANT) == {(DESK, "pod-away"): 1}
    pod.silent.clear()
    await tried(hall, clock, 2)
    assert (len(slack.posted), len(slack.changed)) == (2, 1)
    assert await hall.cards.waiting(TENANT) == {}


@dataclass
class Due:
    """`Notes` of when a job is tried again."""

    moments: list[datetime] = field(default_factory=list)

    async def put_off(self, key: CardKey, due_at: datetime, trouble: str) -> None: ...

    async def retry_at(self, key: CardKey, due_at: datetime, trouble: str) -> None:
        self.moments.append(due_at)


@pytest.mark.parametrize(
    ("method", "seconds", "waits"),
    [("files.getUploadURLExternal", 60.0, False), ("chat.postMessage", 0.3, True), ("conversations.create", 0.3, True)],
)
async def test_a_rest_that_one_card_needs_is_not_waited_for_by_others(
    clock: ManualClock, method: str, seconds: float, waits: bool
) -> None:
    async def limited() -> None:
        raise SlackLimited(seconds, method)

    due, loop = Due(), asyncio.get_running_loop()
    job = Job(CardKey(TENANT, "card-1", DESK), DESK, 1, 0, False, {}, cast("Notes[CardKey]", due), limited)
    began, now = loop.time(), clock.now()
    await show_or_put_off(job, clock)
    assert due.moments == [now + timedelta(seconds=seconds)]
    assert (loop.time() - began >= seconds) == waits


async def test_only_a_thread_no_older_than_the_try_may_be_of_a_card_whose_place_is_not_known(
    works: Works[Work], clock: ManualClock
) -> None:
    cards, now = PostgresCards(works), clock.now()
    await announced(works, VersionedPod(), 1)
    await cards.attempt(CardKey(TENANT, "card-1", DESK), "C1", now)
    threads = [f"{(now + timedelta(minutes=minutes)).timestamp():.6f}" for minutes in (-11, -9, 5)]
    doubts = [await cards.in_doubt(TENANT, "C1", ts) for ts in (*threads, "no moment")]
    assert doubts == [False, True, True, False]
