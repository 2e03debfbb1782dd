"""One person, two channels: a dialogue begun on LINE is finished on Slack, and the city knows one resident."""

import pytest

from tests.city import City, ResidentAtPhone, at_rest, words_of
from tests.direct import ResidentOnSlack, newcomer
from tests.linking import at_the_words, code_in, file_on_slack, finish, link
from tests.story import OFFICER_HAKATA, file_report, submit

pytestmark = [pytest.mark.integration, pytest.mark.stack]


async def told(
    city: City, phone: ResidentAtPhone, slack: ResidentOnSlack, number: str, words: str
) -> tuple[bool, bool]:
    """Resolve the case; which of the two channels hears of it: LINE, Slack."""
    on_line, on_slack = await phone.last(), await slack.count()
    await submit(city, OFFICER_HAKATA, await city.card(number), "resolve", words=words)

    async def anywhere() -> tuple[bool, bool] | None:
        heard = await city.simulator.line.heard(phone.user, on_line)
        wrote = (await city.simulator.slack.heard(slack.user))[on_slack:]
        found = (any(words in str(each.content) for each in heard), any(words in str(each.blocks) for each in wrote))
        return found if any(found) else None

    found = await city.until(anywhere, what="nobody was told")
    assert found is not None
    return found


@pytest.mark.parametrize("older", ["line", "slack"])
async def test_a_report_begun_on_line_is_finished_on_slack(city: City, older: str) -> None:
    refused_before = len(await city.simulator.refused())
    slack = await newcomer(city)
    if older == "slack":
        await slack.say("ヘルプ")
    phone = await city.resident()
    await at_the_words(phone)
    shown = await phone.say("連携")
    assert "文字で教えて" in shown, "the question waits"
    await slack.say(f"連携 {code_in(shown)}")
    assert "文字で教えて" in await slack.press("はい、連携する")
    number = await finish(slack)
    assert number in await phone.say("自分の通報")
    assert number in await slack.command("cases")
    assert await told(city, phone, slack, number, "ふさぎました。") == (False, True)
    assert "評価 4" in await slack.press("4")
    assert [(call.path, call.reason) for call in (await city.simulator.refused())[refused_before:]] == []


async def test_the_code_can_be_typed_where_the_report_was_begun(city: City) -> None:
    phone, slack = await city.resident(), await newcomer(city)
    await at_the_words(phone)
    code = code_in(await slack.say("連携"))
    await phone.say(f"連携 {code}")
    assert "文字で教えて" in await phone.press("はい、連携する")
    number = await finish(slack)
    await phone.say("自分の通報")
    assert await told(city, phone, slack, number, "直しました。") == (True, False), "the channel used last"


async def test_cases_of_both_sides_are_ones_own(city: City) -> None:
    phone, slack = await city.resident(), await newcomer(city)
    numbers = [await file_report(phone), await file_on_slack(slack)]
    await link(phone, slack)
    for words in (await phone.say("自分の通報"), await slack.command("cases")):
        assert all(number in words for number in numbers)


async def test_a_withdrawal_on_one_side_wins(city: City) -> None:
    phone, slack = await city.resident(), await newcomer(city)
    await file_report(phone)
    await phone.say("お知らせを止める")
    number = await file_on_slack(slack)
    await link(phone, slack)
    before = (await phone.last(), await slack.count())
    await submit(city, OFFICER_HAKATA, await city.card(number), "resolve", words="直しました。")

    async def resolved() -> bool:
        return "対応完了" in words_of(await city.card(number)) and await at_rest(city)

    await city.until(resolved, what="the card was not updated")
    assert (await phone.last(), await slack.count()) == before, "told in spite of the withdrawal"
    answer = await phone.say("お知らせを受け取る")
    assert "受け取りますか" in answer
    await phone.press("受け取る")
    later = await file_on_slack(slack)
    assert await told(city, phone, slack, later, "こちらも直しました。") == (False, True)


async def test_wrong_codes_link_nothing_and_bring_a_pause(city: City) -> None:
    phone, slack = await city.resident(), await newcomer(city)
    code = code_in(await phone.say("連携"))
    assert "もう一方のアプリで送ってください" in await phone.say(f"連携 {code}")
    for _ in range(5):
        assert "見つかりませんでした" in await slack.say("連携 AAAA-AAAA")
    assert "10分ほどたってから" in await slack.say(f"連携 {code}")
    other = await newcomer(city)
    await other.say(f"連携 {code}")
    await other.press("はい、連携する")
    assert "もう使われています" in await (await newcomer(city)).say(f"連携 {code}")


async def test_a_linked_channel_can_stand_for_itself_again(city: City) -> None:
    phone, slack = await city.resident(), await newcomer(city)
    number = await file_on_slack(slack)
    await link(phone, slack)
    assert "LINEに残り" in await slack.say("連携を解除")
    assert "連携を解除しました" in await slack.press("はい、解除する")
    assert number in await phone.say("自分の通報")
    assert number not in await slack.command("cases")
    own = await file_on_slack(slack)
    assert own not in await phone.say("自分の通報")
    await link(slack, phone)
    assert own in await phone.say("自分の通報")
