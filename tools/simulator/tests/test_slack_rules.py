import pytest

from machi_simulator.jsontree import Json
from machi_simulator.slack.errors import SlackError
from machi_simulator.slack.rules_blocks import check_message_blocks, check_view

DIVIDER: Json = {"type": "divider"}


def _plain(words: str = "押す") -> Json:
    return {"type": "plain_text", "text": words}


def _button(**more: object) -> Json:
    return {"type": "button", "text": _plain(), "action_id": "a", **more}


def _actions(*elements: Json, **more: object) -> Json:
    return {"type": "actions", "elements": list(elements), **more}


def _section(words: str = "本文", **more: object) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": words}, **more}


def _field() -> Json:
    return {"type": "mrkdwn", "text": "*区*\n中央区"}


def _select(**more: object) -> Json:
    options = [{"text": _plain("はい"), "value": "yes"}, {"text": _plain("いいえ"), "value": "no"}]
    return {"type": "static_select", "action_id": "s", "options": options, **more}


def _input(**more: object) -> Json:
    element = {"type": "plain_text_input", "action_id": "words", "multiline": True}
    return {"type": "input", "block_id": "note", "label": _plain("メモ"), "element": element, **more}


def _modal(*blocks: Json, **more: object) -> Json:
    return {
        "type": "modal",
        "title": _plain("完了"),
        "submit": _plain("送る"),
        "blocks": list(blocks) or [_input()],
        **more,
    }


TAKEN = {
    "header": [{"type": "header", "text": _plain("あ" * 150)}],
    "section of 3000": [_section("a" * 3000)],
    "ten fields": [{"type": "section", "fields": [_field()] * 10}],
    "25 buttons": [_actions(*[_button(action_id=str(at)) for at in range(25)])],
    "context of ten": [{"type": "context", "elements": [_field()] * 10}],
    "image": [{"type": "image", "image_url": "http://127.0.0.1:7100/a.jpg", "alt_text": "写真"}],
    "menu": [_section(accessory=_select())],
    "fifty blocks": [DIVIDER] * 50,
}
REFUSED = {
    "header of 151": [{"type": "header", "text": _plain("a" * 151)}],
    "header in mrkdwn": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
    "section of 3001": [_section("a" * 3001)],
    "empty section": [_section("")],
    "section without text": [{"type": "section"}],
    "eleven fields": [{"type": "section", "fields": [_field()] * 11}],
    "field of 2001": [{"type": "section", "fields": [{"type": "mrkdwn", "text": "a" * 2001}]}],
    "26 buttons": [_actions(*[_button(action_id=str(at)) for at in range(26)])],
    "no buttons": [_actions()],
    "button of 76": [_actions(_button(text=_plain("a" * 76)))],
    "button in mrkdwn": [_actions(_button(text={"type": "mrkdwn", "text": "x"}))],
    "value of 2001": [_actions(_button(value="a" * 2001))],
    "url of 3001": [_actions(_button(url="https://example.com/" + "a" * 2982))],
    "style of its own": [_actions(_button(style="green"))],
    "same action id": [_actions(_button(), _button())],
    "same action id in two blocks": [_actions(_button()), _actions(_button())],
    "action id of 256": [_actions(_button(action_id="a" * 256))],
    "same block id": [_section(block_id="b"), _section(block_id="b")],
    "block id of 256": [_section(block_id="b" * 256)],
    "context of eleven": [{"type": "context", "elements": [_field()] * 11}],
    "image without alt text": [{"type": "image", "image_url": "https://example.com/a.jpg"}],
    "alt text of 2001": [{"type": "image", "image_url": "https://example.com/a.jpg", "alt_text": "a" * 2001}],
    "image that can't be fetched": [{"type": "image", "image_url": "file:///a.jpg", "alt_text": "x"}],
    "unknown slack file": [{"type": "image", "slack_file": {"id": "F404"}, "alt_text": "x"}],
    "option of 76": [_section(accessory=_select(options=[{"text": _plain("a" * 76), "value": "v"}]))],
    "option value of 151": [_section(accessory=_select(options=[{"text": _plain(), "value": "v" * 151}]))],
    "no options": [_section(accessory=_select(options=[]))],
    "placeholder of 151": [_section(accessory=_select(placeholder=_plain("a" * 151)))],
    "confirm without deny": [
        _actions(_button(confirm={"title": _plain(), "text": _plain(), "confirm": _plain()})),
    ],
    "unknown block": [{"type": "marquee"}],
    "fifty-one blocks": [DIVIDER] * 51,
}
VIEWS_TAKEN = {"modal": _modal(), "hundred blocks": _modal(_input(), *[DIVIDER] * 99)}
VIEWS_REFUSED = {
    "title of 25": _modal(title=_plain("a" * 25)),
    "submit of 25": _modal(submit=_plain("a" * 25)),
    "close of 25": _modal(close=_plain("a" * 25)),
    "metadata of 3001": _modal(private_metadata="a" * 3001),
    "callback id of 256": _modal(callback_id="a" * 256),
    "input without submit": _modal(submit=None),
    "label of 2001": _modal(_input(label=_plain("a" * 2001))),
    "label in mrkdwn": _modal(_input(label={"type": "mrkdwn", "text": "x"})),
    "101 blocks": _modal(_input(), *[DIVIDER] * 100),
    "no blocks": _modal(blocks=[]),
    "button as input": _modal(_input(element=_button())),
    "unknown kind": _modal(type="popup"),
}


def _known(_reference: str) -> bool:
    return False


@pytest.mark.parametrize("name", TAKEN)
def test_blocks_slack_takes(name: str) -> None:
    blocks = check_message_blocks(TAKEN[name], _known)
    assert all(block["block_id"] for block in blocks)


@pytest.mark.parametrize("name", REFUSED)
def test_blocks_slack_refuses(name: str) -> None:
    with pytest.raises(SlackError, match="invalid_blocks") as refused:
        check_message_blocks(REFUSED[name], _known)
    assert refused.value.messages


@pytest.mark.parametrize("name", VIEWS_TAKEN)
def test_views_slack_takes(name: str) -> None:
    assert check_view(VIEWS_TAKEN[name], _known)["blocks"]


@pytest.mark.parametrize("name", VIEWS_REFUSED)
def test_views_slack_refuses(name: str) -> None:
    with pytest.raises(SlackError, match="invalid_arguments") as refused:
        check_view(VIEWS_REFUSED[name], _known)
    assert refused.value.messages


def test_refusals_have_the_shape_of_slacks() -> None:
    with pytest.raises(SlackError) as refused:
        check_message_blocks(REFUSED["header of 151"], _known)
    messages = ["[ERROR] must be less than 151 characters [json-pointer:/blocks/0/text/text]"]
    assert refused.value.body()["error"] == "invalid_blocks"
    assert refused.value.body()["response_metadata"] == {"messages": messages}
