import re
from html import unescape

import aiohttp
from looking import MODAL, OFFICER, QUICK, QUICK_ACTIONS, came, push
from slack_sdk.web.async_client import AsyncWebClient

from machi_simulator.config import Config
from machi_simulator.jsontree import Json, as_objects, child, text
from machi_simulator.testing import Simulator, running
from machi_simulator.testing_receiver import Receiver
from machi_simulator.words import names

GARDENER = "U0PARKS01"


async def test_the_phone_works_by_plain_forms(
    simulator: Simulator, line: aiohttp.ClientSession, receiver: Receiver, friend: str
) -> None:
    async with line.get("/phone", params={"user": friend}) as page:
        html = await page.text()
    assert page.status == 200
    for shown in (
        "AB12-CD34",
        "&lt;b&gt;&amp;amp;",
        "場所を教えてください",
        "評価する",
        "詳細2",
        'href="tel:092-711-4111"',
    ):
        assert shown in html
    form = {"user": friend, "kind": "text", "text": "一行目\r\n二行目"}
    async with line.post("/phone/act", data=form) as answer:
        assert "一行目\n二行目" in await answer.text()
    button = next(each for each in await simulator.line.buttons(friend) if each.label == "はい")
    async with line.post("/phone/act", data={"user": friend, "kind": "press", "ref": button.ref}) as answer:
        assert answer.status == 200
    assert child(await came(simulator, receiver, "postback"), "postback") == {"data": "do=はい"}
    async with line.post("/phone/act", data={"user": friend, "kind": "location", "latitude": "north"}) as answer:
        assert "Latitude and longitude are numbers" in await answer.text()
    photo = aiohttp.FormData({"user": friend, "kind": "upload"})
    photo.add_field("file", b"\xff\xd8", filename="a.jpg", content_type="image/jpeg")
    async with line.post("/phone/act", data=photo) as answer:
        assert "Photo you sent" in await answer.text()


async def test_a_phone_is_set_to_one_of_the_citys_languages(config: Config) -> None:
    told = config.model_copy(update={"simulator_languages": {"ko": "한국어", "en": "English"}})
    for chosen, shown in ((config, []), (told, ["한국어", "English"])):
        english = {"accept-language": "en"}
        async with running(chosen) as simulator, aiohttp.ClientSession(simulator.url, headers=english) as browser:
            async with browser.get("/phone/") as page:
                html = await page.text()
            offered = html.partition("Phone's language")[2] or html.partition("Phone&#39;s language")[2]
            assert re.findall(r"<option value=\"(?:ko|en)\" lang=\"\w+\">(\w+)</option>", offered) == shown


async def test_a_point_on_the_map_becomes_coordinates(line: aiohttp.ClientSession, friend: str) -> None:
    query = {"user": friend, "open": "place", "at.x": "140", "at.y": "140"}
    async with line.get("/phone/", params=query) as page:
        html = await page.text()
    assert 'value="33.6' in html
    assert 'value="130.4' in html
    async with line.get("/phone/map.svg", params={"latitude": "33.6", "longitude": "130.4"}) as picture:
        assert "中央区" in await picture.text()


async def test_the_workspace_works_by_plain_forms(
    simulator: Simulator, line: aiohttp.ClientSession, slack: AsyncWebClient, receiver: Receiver, channel: str
) -> None:
    card = (await simulator.slack.messages(channel))[0]
    place = {"user": OFFICER, "channel": channel}
    async with line.get("/workspace", params=place | {"thread": card.ts}) as page:
        html = await page.text()
    for shown in ("穴が &lt;危険&gt; です &amp; ", 'href="https://example.com"', "<strong>まだ</strong>", "公園課"):
        assert shown in html
    press = place | {"kind": "press", "ts": card.ts, "action_id": "hand_over", "block_id": "do", "value": "parks"}
    async with line.post("/workspace/act", data=press) as answer:
        assert answer.status == 200
        place["tab"] = answer.url.query["tab"]
    payload = receiver.at("/slack/interactivity")[-1].json
    assert child(as_objects(payload["actions"])[0], "selected_option")["value"] == "parks"

    await slack.views_open(trigger_id=text(payload, "trigger_id"), view=MODAL)
    view = (await simulator.slack.views(OFFICER))[0]
    submit = place | {"view": view.id, "kind": "submit", "field-0": ""}
    async with line.post("/workspace/act", data=submit) as answer:
        assert "Please complete this required field." in await answer.text()
    async with line.post("/workspace/act", data=submit | {"field-0": "埋めました"}) as answer:
        assert 'role="dialog"' not in await answer.text()
    reply = place | {"kind": "message", "thread": card.ts, "text": "確認します"}
    async with line.post("/workspace/act", data=reply) as answer:
        assert "確認します" in await answer.text()


async def test_a_city_without_a_map_types_coordinates(config: Config) -> None:
    async with running(config.model_copy(update={"simulator_map": None})) as simulator:
        user = await simulator.line.create()
        await simulator.line.follow(user)
        async with aiohttp.ClientSession() as session, session.get(f"{simulator.url}/phone?user={user}") as page:
            html = await page.text()
    assert "緯度" in html
    assert 'type="image"' not in html


async def test_three_photos_go_as_one_set_and_a_fourth_does_not(
    simulator: Simulator, line: aiohttp.ClientSession, receiver: Receiver, friend: str
) -> None:
    def photos(count: int) -> aiohttp.FormData:
        form = aiohttp.FormData({"user": friend, "kind": "upload"})
        for at in range(count):
            form.add_field("file", b"\xff\xd8", filename=f"{at}.jpg", content_type="image/jpeg")
        return form

    async with line.post("/phone/act", data=photos(4)) as answer:
        assert "At most three photos at once." in await answer.text()
    async with line.post("/phone/act", data=photos(3)) as answer:
        assert (await answer.text()).count("Photo you sent") == 3
    message = child(await came(simulator, receiver, "message", 4), "message")
    assert child(message, "imageSet")["total"] == 3


async def test_photos_go_to_the_app_in_a_direct_message_of_the_workspace(
    simulator: Simulator, line: aiohttp.ClientSession, slack: AsyncWebClient, receiver: Receiver, channel: str
) -> None:
    opened = await slack.conversations_open(users=[OFFICER])
    direct = str(opened["channel"]["id"])

    def photos(room: str, count: int, thread: str = "") -> aiohttp.FormData:
        said = {"user": OFFICER, "channel": room, "kind": "message", "text": "ここです", "thread": thread}
        form = aiohttp.FormData(said)
        for at in range(count):
            form.add_field("file", b"\xff\xd8", filename=f"{at}.jpg", content_type="image/jpeg")
        return form

    async with line.get("/workspace", params={"user": OFFICER, "channel": direct}) as page:
        assert 'type="file"' in await page.text()
    async with line.post("/workspace/act", data=photos(direct, 4)) as answer:
        assert "At most three photos at once." in await answer.text()
    async with line.post("/workspace/act", data=photos(channel, 1)) as answer:
        assert "There is no such channel." in await answer.text()
    async with line.post("/workspace/act", data=photos(direct, 2)) as answer:
        html = await answer.text()
    assert "ここです" in html
    assert html.count('class="photo"') == 2

    async def shared() -> bool:
        return any(child(hook.json, "event").get("subtype") == "file_share" for hook in receiver.at("/slack/events"))

    await simulator.until(shared, what="a shared file")
    event = child(receiver.at("/slack/events")[-1].json, "event")
    assert (event["channel_type"], len(as_objects(event["files"]))) == ("im", 2)
    root = str(event["ts"])
    async with line.post("/workspace/act", data=photos(direct, 1, root)) as answer:
        assert answer.ok

    async def in_thread() -> bool:
        return any(child(hook.json, "event").get("thread_ts") == root for hook in receiver.at("/slack/events"))

    await simulator.until(in_thread, what="a photo in the thread")


async def test_a_nearer_map_gives_a_nearer_place(line: aiohttp.ClientSession, friend: str) -> None:
    picked = {"user": friend, "open": "place", "latitude": "33.6", "longitude": "130.4", "zoom": "16"}
    async with line.get("/phone/", params=picked | {"at.x": "141", "at.y": "140"}) as page:
        html = await page.text()
    found = float(re.findall(r'name="longitude"[^>]*value="([\d.]+)"', html)[0])
    assert 0 < abs(found - 130.4) < 0.0002
    assert "zoom=32" in html
    assert "zoom=8" in html


async def test_residents_stand_side_by_side_with_the_office(
    simulator: Simulator, line: aiohttp.ClientSession, friend: str, channel: str
) -> None:
    other = await simulator.line.create("西 太郎")
    async with line.get("/phones/", params=[("user", friend), ("user", other), ("channel", channel)]) as page:
        html = await page.text()
    assert html.count('class="device"') == 2
    assert "AB12-CD34" in html.partition('id="office"')[2]
    here = f"/phones/?user={friend}&user={other}#compose-1"
    act = {"user": other, "kind": "text", "text": "こんにちは", "back": here}
    async with line.post("/phone/act", data=act) as answer:
        # The notice stands at the phone it is about, and both phones are still there.
        html = await answer.text()
    assert html.index("device-1") < html.index("Add the account first.")
    assert html.count('class="device"') == 2
    assert answer.history[0].headers["location"].endswith("#compose-1")
    async with line.post("/phones/members", data={"name": "東 次郎", "back": here}) as answer:
        html = await answer.text()
    assert "東 次郎 (Slack)" in html
    assert "Up to three at once." in html


async def test_a_notice_of_the_office_stands_in_no_phone(
    line: aiohttp.ClientSession, slack: AsyncWebClient, friend: str, channel: str
) -> None:
    direct = str((await slack.conversations_open(users=[OFFICER]))["channel"]["id"])
    here = f"/phones/?user={friend}&user={OFFICER}&channel={channel}#office-compose"
    places = {channel: 'id="notice"', direct: f'id="dm-notice-{OFFICER}"'}
    for room, place in places.items():
        act = {"user": OFFICER, "channel": room, "kind": "press", "ts": "1.0", "back": here}
        async with line.post("/workspace/act", data=act) as answer:
            html = await answer.text()
        assert html.count("That message is gone.") == 1
        assert f'{place} role="alert"><p class="notice">That message is gone.' in html


async def test_the_office_beside_is_a_member_of_the_channel_shown(
    simulator: Simulator, line: aiohttp.ClientSession, slack: AsyncWebClient, friend: str, channel: str
) -> None:
    await simulator.slack.add_user(GARDENER, "公園担当")
    parks = str((await slack.conversations_create(name="公園"))["channel"]["id"])
    await slack.conversations_invite(channel=parks, users=GARDENER)
    for room, owner in ((parks, GARDENER), (channel, OFFICER)):
        async with line.get("/phones/", params={"user": friend, "channel": room}) as page:
            office = (await page.text()).partition('id="office"')[2].partition("</section>")[0]
        assert set(re.findall(r'name="user" value="(\w+)"', office)) == {owner}


async def test_a_threads_link_is_called_by_what_it_shows(
    line: aiohttp.ClientSession, slack: AsyncWebClient, channel: str
) -> None:
    await slack.chat_postMessage(channel=channel, text="まだ誰も答えていません")
    for language in names():
        query = {"user": OFFICER, "channel": channel}
        async with line.get("/workspace/", params=query, headers={"accept-language": language}) as page:
            links = re.findall(r'#thread" aria-label="([^"]*)">([^<]*)</a>', await page.text())
        assert len(links) == 2
        assert [link for link in links if not link[0].startswith(link[1]) or link[0] == link[1]] == []


async def test_the_apps_words_say_their_language_and_peoples_none(config: Config) -> None:
    told = config.model_copy(update={"simulator_languages": {"zh-Hant": "繁體中文", "en": "English"}})
    english = {"accept-language": "en"}
    async with running(told) as simulator, aiohttp.ClientSession(simulator.url, headers=english) as browser:
        await simulator.slack.add_user(OFFICER, "道路擔當")
        slack = AsyncWebClient("xoxb-simulated", base_url=simulator.slack_api_url)
        room = str((await slack.conversations_create(name="road"))["channel"]["id"])
        await slack.chat_postMessage(channel=room, text="新案件")
        await simulator.slack.say(OFFICER, room, "On my way")
        async with browser.get("/workspace/", params={"user": OFFICER, "channel": room}) as page:
            html = await page.text()
    assert re.findall(r'<div class="body" lang="([^"]*)">', html) == ["zh-Hant", ""]


async def test_a_link_of_the_app_leaves_its_reader_who_they_are(
    simulator: Simulator, line: aiohttp.ClientSession, slack: AsyncWebClient, channel: str
) -> None:
    await simulator.slack.add_user(GARDENER, "公園担当")
    card = (await simulator.slack.messages(channel))[0]
    link = str((await slack.chat_getPermalink(channel=channel, message_ts=card.ts))["permalink"])
    button = {"type": "button", "action_id": "see", "text": {"type": "plain_text", "text": "見る"}, "url": link}
    words = {"type": "rich_text_section", "elements": [{"type": "link", "url": link}]}
    blocks: list[Json] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": f"<{link}|案件>"}, "accessory": button},
        {"type": "rich_text", "elements": [words]},
    ]
    await slack.chat_postMessage(channel=channel, text="案件", blocks=blocks)
    await slack.chat_postMessage(channel=channel, text=f"<{link}|案件>")
    await slack.views_publish(user_id=GARDENER, view={"type": "home", "blocks": blocks})
    for home, count in (("", 4), ("1", 3)):
        async with line.get("/workspace/", params={"user": GARDENER, "channel": channel, "home": home}) as page:
            found = re.findall(rf'href="({simulator.url}/workspace/[^"]*)"', await page.text())
        assert len(found) == count
        for address in map(unescape, found):
            async with line.get(address) as page:
                html = await page.text()
            assert f'<option value="{GARDENER}" selected>' in html
            assert f'data-ts="{card.ts}"' in html.partition('id="replies"')[2]


async def test_the_views_own_words_in_a_chat_say_their_language(
    simulator: Simulator, line: aiohttp.ClientSession, friend: str
) -> None:
    picture = "https://example.com/a.png"
    buttons = {"type": "buttons", "thumbnailImageUrl": picture, "text": "穴", "actions": [QUICK_ACTIONS[-1]]}
    film: Json = {
        "type": "video",
        "url": "https://example.com/a.mp4",
        "previewUrl": picture,
        "altContent": {"type": "image", "url": picture},
    }
    body = {"type": "box", "layout": "vertical", "contents": [{"type": "image", "url": picture}]}
    await simulator.line.stick(friend)
    for act in ("location", "upload", "unsend"):
        form = aiohttp.FormData({"user": friend, "kind": act, "latitude": "33.6", "longitude": "130.4"})
        form.add_field("message", (await simulator.line.chat(friend))[0].id)
        form.add_field("file", b"\xff\xd8", filename="a.jpg", content_type="image/jpeg")
        async with line.post("/phone/act", data=form) as answer:
            assert "notice" not in answer.url.query
    await push(
        line,
        friend,
        {"type": "image", "originalContentUrl": picture, "previewImageUrl": picture},
        {"type": "template", "altText": "穴", "template": buttons},
        {"type": "flex", "altText": "穴", "contents": {"type": "bubble", "hero": film, "body": body}},
        QUICK,
    )
    async with line.get("/phone/", params={"user": friend}) as page:
        html = await page.text()
    chat = html.partition('<ol class="chat"')[2].partition('id="compose-0"')[0]
    own = {"Picture:": 3, "Video:": 1, "Place": 1, "Map": 1, "Sticker": 1, "Message taken back": 1, "Choose": 1}
    assert {words: chat.count(words) for words in own} == own
    assert {words: chat.count(f'lang="en">{words}<') for words in own} == own
    assert 'alt="Photo you sent" lang="en"' in chat
    assert 'placeholder="Message" data-enter lang="en"' in html


async def test_a_form_sends_its_reader_nowhere_else(line: aiohttp.ClientSession, friend: str) -> None:
    for elsewhere in ("https://example.com/", "//example.com/phone/", "/_control/faults", "/phone/../_control"):
        act = {"user": friend, "kind": "sticker", "back": elsewhere}
        async with line.post("/phone/act", data=act, allow_redirects=False) as answer:
            assert answer.headers["location"].startswith(f"/phone/?user={friend}")


async def test_switches_plan_faults_and_one_press_clears_all(
    simulator: Simulator, line: aiohttp.ClientSession, friend: str
) -> None:
    async with line.post("/switches", data={"switch": "line_500", "back": f"/phone/?user={friend}#switches"}) as answer:
        assert "Going wrong now: 1" in await answer.text()
    push_one = {"to": friend, "messages": [{"type": "text", "text": "お知らせ"}]}
    async with line.post("/line/v2/bot/message/push", json=push_one) as answer:
        assert answer.status == 500
    async with line.post("/switches", data={"switch": "slow"}) as answer:
        assert "Going wrong now: 2" in await answer.text()
    async with line.post("/switches", data={"switch": "clear"}) as answer:
        assert "Nothing goes wrong." in await answer.text()
    async with line.post("/line/v2/bot/message/push", json=push_one) as answer:
        assert answer.status == 200
    async with line.post("/switches", data={"switch": "lost_once"}) as answer:
        assert "Going wrong now: 1" in await answer.text()
    await simulator.line.say(friend, "一度だけ")

    async def arrived() -> bool:
        found = [each for each in await simulator.webhooks(state="delivered") if "一度だけ" in each.body]
        return bool(found) and [attempt.status for attempt in found[0].attempts] == [0, 200]

    await simulator.until(arrived, what="the second try")
    async with line.get("/phone/", params={"user": friend}) as page:
        html = await page.text()
    assert "Nothing goes wrong." in html
    assert "<span>Read</span>" in html


async def test_the_reader_chooses_language_and_look(simulator: Simulator) -> None:
    taiwan, jar = {"accept-language": "zh-TW,en;q=0.5"}, aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(simulator.url, headers=taiwan, cookie_jar=jar) as browser:
        async with browser.get("/phone/") as page:
            assert '<html lang="zh-Hant">' in await page.text()
        chosen = {"view_language": "ko", "view_look": "dark", "back": "/timeline/"}
        async with browser.post("/view", data=chosen) as page:
            assert '<html lang="ko" data-look="dark">' in await page.text()
            assert page.url.path == "/timeline/"
        async with browser.get("/workspace/") as page:
            assert '<html lang="ko" data-look="dark">' in await page.text()


async def test_a_new_member_takes_nobodys_id(simulator: Simulator, line: aiohttp.ClientSession) -> None:
    await simulator.slack.add_user(OFFICER, "道路担当")
    await simulator.slack.add_user(GARDENER, "公園担当")
    taken = {"name": "別人", "id": OFFICER, "user": GARDENER}
    async with line.post("/workspace/users", data=taken) as answer:
        html = await answer.text()
    assert '<p class="notice">That user id is taken.</p>' in html
    assert f'<option value="{GARDENER}" selected>' in html
    assert OFFICER in re.findall(r'<option value="(\w+)">道路担当', html)
    async with line.post("/workspace/users", data=taken | {"id": "U0OTHER01"}) as answer:
        assert '<option value="U0OTHER01" selected>別人' in await answer.text()


async def test_a_private_channel_is_its_members_alone(
    simulator: Simulator, line: aiohttp.ClientSession, friend: str, channel: str
) -> None:
    await simulator.slack.add_user(GARDENER, "公園担当")
    room = (await simulator.slack.create_channel(GARDENER, "内緒")).id
    await simulator.slack.make_private(GARDENER, room)
    for user, rooms in ((GARDENER, {channel, room}), (OFFICER, {channel})):
        async with line.get("/workspace/", params={"user": user, "channel": room}) as page:
            assert set(re.findall(r'<li id="r(\w+)"', await page.text())) == rooms
    async with line.get("/phones/", params={"user": friend, "channel": room}) as page:
        assert f'name="user" value="{GARDENER}"' in (await page.text()).partition('id="office"')[2]
    said = {"user": OFFICER, "channel": room, "kind": "message", "text": "入れて"}
    async with line.post("/workspace/act", data=said) as answer:
        assert '<p class="notice">There is no such channel.</p>' in await answer.text()
    assert await simulator.slack.messages(room) == []


async def test_a_member_sees_what_is_unread(line: aiohttp.ClientSession, slack: AsyncWebClient, channel: str) -> None:
    async with line.get("/workspace/", params={"user": OFFICER, "channel": channel}) as page:
        assert "badge" not in await page.text()
    other = (await slack.conversations_create(name="公園"))["channel"]["id"]
    await slack.chat_postMessage(channel=other, text="新しい木")
    seen = {"user": OFFICER, "channel": channel}
    async with line.get("/workspace/", params=seen) as page:
        assert '<span class="badge">1<span class="hidden"> unread</span></span>' in await page.text()
    async with line.get("/workspace/", params=seen | {"channel": other}) as page:
        assert "badge" not in await page.text()
