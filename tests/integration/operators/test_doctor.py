"""What `machi doctor` finds: each trouble is made for real, seen with its cure, and gone once it is mended."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial

import aiohttp
import pytest

from machi_sdk.clock import ManualClock
from machi_simulator.faults import Fault
from machi_tools.diagnosis import Report, diagnose
from machi_tools.rows import Rows
from machi_tools.stack.keys import LIFE_SECONDS, Issuer
from tests.architecture.house import ROOT
from tests.city import City, at_rest, machi, wait_ready
from tests.direct import newcomer
from tests.linking import link
from tests.parked import layout
from tests.story import OFFICER_HAKATA, file_report

pytestmark = [pytest.mark.integration, pytest.mark.stack]
BOT_INFO, MENUS = "/line/v2/bot/info", "/line/v2/bot/richmenu"
LANGUAGES = {path.stem for path in ROOT.glob("services/channel-line/src/*/texts/*.yaml")}
IN_STEP = 'machi_line_menu_changes_total{outcome="in-step"}'
DEFAULT_MENU = "/line/v2/bot/user/all/richmenu"


@pytest.fixture(autouse=True)
async def _well_before_and_after(city: City) -> AsyncIterator[None]:
    await wait_ready(city)
    yield
    await wait_ready(city)


async def look(city: City, clock: ManualClock | None = None) -> Report:
    return await diagnose(layout(city), clock=clock)


async def findings(city: City, clock: ManualClock | None = None) -> dict[str, str]:
    """Each finding's cure by what is wrong."""
    return {finding["what"]: finding["cure"] for finding in (await look(city, clock))["findings"]}


def told(found: dict[str, str], beginning: str) -> str:
    """The one finding that begins so, with its cure behind it."""
    matching = [f"{what} | {cure}" for what, cure in found.items() if what.startswith(beginning)]
    assert len(matching) == 1, found
    assert all("\n" not in each for each in matching), "a line each"
    return matching[0]


async def at_line(city: City, method: str, path: str) -> dict[str, object]:
    """One request to LINE with the city's own token."""
    token = json.loads((city.state / "secrets.json").read_text())["LINE_CHANNEL_ACCESS_TOKEN"]
    headers = {"authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(city.simulator.url, headers=headers) as session,
        session.request(method, path) as response,
    ):
        assert response.status == 200, await response.text()
        return dict(await response.json())


async def menus_at_line(city: City) -> dict[str, str]:
    """The id of each language's menu of ours at LINE."""
    menus = (await at_line(city, "GET", f"{MENUS}/list"))["richmenus"]
    assert isinstance(menus, list)
    return {str(menu["name"]).split()[1]: str(menu["richMenuId"]) for menu in menus}


async def all_menus(city: City) -> dict[str, str]:
    """The same, once each language of channel-line has one and the pod has compared them since its start."""

    async def there() -> dict[str, str]:
        async with aiohttp.ClientSession() as session, session.get(f"{city.http()['channel-line']}/metrics") as page:
            compared = IN_STEP in await page.text()
        found = await menus_at_line(city)
        return found if compared and set(found) == LANGUAGES else {}

    return await city.until(there, 60, "the menus were not all made")


async def test_a_city_that_is_well_is_told_so_with_its_figures(city: City) -> None:
    report = city.doctor()
    assert (report["ok"], report["findings"]) == (True, [])
    figures = json.loads(json.dumps(report))
    assert set(figures["clocks"]) == {"database", "line", "slack"}
    assert all(abs(skew) < 5 for skew in figures["clocks"].values())
    assert figures["disk"]["free_megabytes"] > 0
    assert set(figures["topics"]["lag"]) >= {"notifications.facts", "channel-line.inbound", "channel-slack.cards"}
    assert figures["settings"] == {"line_redelivery": "on"}
    assert "all is well" in machi(city.state, "doctor", "--no-platforms")


@pytest.mark.parametrize(("hours", "way"), [(1, "behind"), (-1, "ahead of")])
async def test_a_clock_that_is_off_is_told(city: City, hours: int, way: str) -> None:
    found = await findings(city, ManualClock(datetime.now(UTC) + timedelta(hours=hours)))
    for whose in ("the database's", "LINE's", "Slack's"):
        assert f"s {way} this machine's | set both by NTP" in told(found, f"{whose} clock is 3")


async def test_a_full_disk_is_told(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("machi_tools.diagnosis.machine.DISK_LOW", 1 << 60)
    assert f"logs and data are in {city.state}" in told(await findings(city), "only ")


async def test_a_reader_that_is_far_behind_is_told_even_while_it_hangs(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("machi_tools.diagnosis.servers.LARGE_LAG", 0)
    resident = await city.resident()
    number = await file_report(resident)
    before = await resident.last()
    city.signal("notifications", signal.SIGSTOP)
    try:
        await city.simulator.slack.press(OFFICER_HAKATA, await city.card(number), "acknowledge")

        async def behind() -> dict[str, str]:
            found = await findings(city)
            return found if any("records behind" in what for what in found) else {}

        found = await city.until(behind, what="nobody was told to be behind")
    finally:
        city.signal("notifications", signal.SIGCONT)
    assert "see whether notifications" in told(found, "notifications.facts is 1 records behind")
    assert "kill -9" in told(found, "notifications hangs")
    assert number in await resident.hears(before, 30)


@pytest.mark.parametrize(
    ("age", "what"),
    [(LIFE_SECONDS + 60, "expired 6"), (LIFE_SECONDS - 60, "expires in 5"), (None, "is missing or not readable")],
)
async def test_a_pods_token_that_ends_is_told(city: City, age: float | None, what: str) -> None:
    issuer = Issuer(layout(city).keys)
    path = issuer.folder / "reports" / "tokens" / "identity"
    good = path.read_text()

    async def ended() -> dict[str, str]:
        path.write_text("" if age is None else issuer.token("reports", "identity", datetime.now(UTC).timestamp() - age))
        found = await findings(city)
        return found if any("token for identity" in each for each in found) else {}

    try:
        found = await city.until(ended, 60, "nobody was told")  # the supervisor may have renewed it just then
    finally:
        path.write_text(good)
    assert "the supervisor renews them" in told(found, f"reports's token for identity {what}")


async def test_tokens_that_platforms_refuse_or_know_as_anothers_are_told(city: City) -> None:
    async def restart(line: dict[str, str], slack: dict[str, str]) -> None:
        await asyncio.gather(city.restart("channel-line", **line), city.restart("channel-slack", **slack))

    try:
        await restart({"LINE_CHANNEL_ACCESS_TOKEN": "revoked"}, {"SLACK_BOT_TOKEN": "xoxb-revoked"})
        refused = await findings(city)
        await restart({"LINE_BOT_USER_ID": "U" + "9" * 32}, {"SLACK_TEAM_ID": "T0OTHER"})
        others = await findings(city)
    finally:
        await restart({}, {})
    assert "set LINE_CHANNEL_ACCESS_TOKEN" in told(refused, "LINE refuses the token of fukuoka (401)")
    assert "set SLACK_BOT_TOKEN" in told(refused, "Slack refuses the token of fukuoka: invalid_auth")
    assert "revoked" not in str(refused), "a token is a secret"
    assert "set LINE_BOT_USER_ID to it" in told(others, "the LINE token of fukuoka is of account U")
    assert "it is T0OTHER" in told(others, "the Slack token of fukuoka is of workspace T")


async def test_a_platform_that_does_not_answer_is_told(city: City) -> None:
    for path in (BOT_INFO, "/slack/api/auth.test"):
        await city.simulator.plan(Fault(path=path, kind="reset", count=2))  # the client itself tries twice
    found = await findings(city)
    assert "check LINE_API_URL" in told(found, "LINE at http")
    assert "check SLACK_API_URL" in told(found, "Slack at http")


async def test_a_platform_that_falters_is_no_finding_but_a_note(city: City) -> None:
    for path in (BOT_INFO, "/slack/api/auth.test"):
        await city.simulator.plan(Fault(path=path, kind="status", status=500, count=1))
    report = await look(city)
    assert report["findings"] == []
    assert "LINE did not say whether the token of fukuoka is good (status 500)" in report["notes"]
    assert "Slack did not say whether the token of fukuoka is good (internal_error)" in report["notes"]


async def test_a_wrong_webhook_address_is_told(city: City) -> None:
    console = city.simulator.line.console
    await console(endpoint="https://city.example/line/webhook")
    wrong = await findings(city)
    await console(endpoint="", use=False)
    off = await findings(city)
    await console(use=True)
    ours = json.loads(json.dumps(city.doctor()["webhooks"]))["line"]
    seen = told(wrong, "LINE sends the webhooks of fukuoka to https://city.example/line/webhook")
    assert f"set it to {ours}" in seen
    assert "'Use webhook'" in told(off, "LINE sends no webhooks for fukuoka")


async def test_a_public_address_that_leads_elsewhere_is_told_by_lines_own_test(city: City) -> None:
    await city.restart("channel-line", PUBLIC_URL="http://127.0.0.1:9")
    await city.simulator.line.console(endpoint="http://127.0.0.1:9/line/webhook")
    try:
        found = await findings(city)
    finally:
        await city.simulator.line.console(endpoint="")
        await city.restart("channel-line")
    told_so = told(found, "LINE does not reach http://127.0.0.1:9/line/webhook: COULD_NOT_CONNECT")
    assert "from outside, with a certificate LINE trusts" in told_so


async def test_redelivery_that_is_off_is_told(city: City) -> None:
    await city.simulator.line.console(redelivery=False)
    report = await look(city)
    await city.simulator.line.console(redelivery=True)
    assert [finding["what"] for finding in report["findings"]] == ["LINE does not deliver a refused webhook again"]
    assert report["settings"] == {"line_redelivery": "off"}


async def test_menus_that_somebody_took_away_are_told_and_made_again(city: City) -> None:
    menus = await all_menus(city)
    await at_line(city, "DELETE", f"{MENUS}/{menus['en']}")
    lost = await findings(city)
    assert "restart channel-line" in told(lost, "LINE has lost the rich menus of fukuoka: en")
    await city.restart("channel-line")
    again = await all_menus(city)
    assert {language for language in menus if menus[language] != again[language]} == {"en"}
    assert await findings(city) == {}


async def test_another_default_menu_is_told_and_set_again(city: City) -> None:
    await all_menus(city)
    await at_line(city, "DELETE", DEFAULT_MENU)
    found = await findings(city)
    assert "restart channel-line" in told(found, "LINE does not show fukuoka's own rich menu")
    await city.restart("channel-line")

    async def well() -> bool:
        return await findings(city) == {}

    await city.until(well, what="the default menu was not set again")
    shown = (await at_line(city, "GET", DEFAULT_MENU))["richMenuId"]
    assert shown == (await all_menus(city))["ja"]


async def test_menus_that_line_does_not_take_are_told_until_it_does(city: City) -> None:
    menus = await all_menus(city)
    await at_line(city, "DELETE", f"{MENUS}/{menus['ja']}")
    await city.simulator.plan(Fault(path=MENUS, kind="status", status=500, count=100))
    await city.restart("channel-line")

    async def behind() -> dict[str, str]:
        found = await findings(city)
        return found if any(what.startswith("channel-line cannot") for what in found) else {}

    try:
        found = await city.until(behind, what="nobody was told that LINE refuses menus")
    finally:
        await city.simulator.clear_faults()
    assert "it tries again by itself" in told(
        found, "channel-line cannot bring LINE's rich menus to what the pods want"
    )
    assert (await all_menus(city))["ja"] != menus["ja"]


async def as_tenant(city: City, pod: str, statement: str, *arguments: str) -> list[str]:
    """The first column of what a statement finds in a pod's database."""
    async with Rows(layout(city)).connection(pod) as connection:
        await connection.execute("SELECT set_config('machi.tenant', 'fukuoka', false)")
        return [row[0] for row in await connection.fetch(statement, *arguments)]


async def test_a_merge_that_a_pod_missed(city: City) -> None:
    phone, slack = await city.resident(), await newcomer(city)
    await link(phone, slack)
    await city.until(partial(at_rest, city), what="the city did not come to rest")
    (former,) = await as_tenant(city, "identity", "SELECT former_id FROM aliases ORDER BY known_at DESC LIMIT 1")
    assert await as_tenant(city, "reports", "DELETE FROM aliases WHERE former_id = $1 RETURNING former_id", former)
    assert not [what for what in await findings(city) if "merged citizens" in what], "it has a minute's time"
    age = "UPDATE aliases SET known_at = known_at - interval '2 minutes' WHERE former_id = $1 RETURNING former_id"
    assert await as_tenant(city, "identity", age, former)
    missed = told(await findings(city), "reports has not moved what belongs to 1 merged citizens of fukuoka")
    assert "machi dlq list" in missed
    await phone.say("自分の通報")  # the person's next turn brings the former id along
    assert not [what for what in await findings(city) if "merged citizens" in what]
