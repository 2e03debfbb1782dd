import pytest

from machi_simulator.jsontree import Json
from machi_simulator.line.counting import graphemes, utf16
from machi_simulator.line.errors import LineError
from machi_simulator.line.rules import check_request


def _message(label: str = "はい", **more: object) -> Json:
    return {"type": "message", "label": label, "text": "yes", **more}


def _postback(**more: object) -> Json:
    return {"type": "postback", "label": "選ぶ", "data": "k=v", **more}


def _buttons(**more: object) -> Json:
    template: Json = {"type": "buttons", "text": "どうしますか", "actions": [_message()], **more}
    return {"type": "template", "altText": "ボタン", "template": template}


def _confirm(count: int) -> Json:
    return {
        "type": "template",
        "altText": "確認",
        "template": {"type": "confirm", "text": "よろしいですか", "actions": [_message()] * count},
    }


def _carousel(*columns: Json) -> Json:
    return {"type": "template", "altText": "一覧", "template": {"type": "carousel", "columns": list(columns)}}


def _column(actions: int = 1, **more: object) -> Json:
    return {"text": "項目", "actions": [_message()] * actions, **more}


def _flex(*contents: Json, **bubble: object) -> Json:
    body: Json = {"type": "box", "layout": "vertical", "contents": list(contents)}
    return {"type": "flex", "altText": "受付", "contents": {"type": "bubble", "body": body, **bubble}}


def _replies(*actions: Json) -> Json:
    items = [{"type": "action", "action": action} for action in actions]
    return {"type": "text", "text": "選んでください", "quickReply": {"items": items}}


def _words(text: str) -> Json:
    return {"type": "text", "text": text}


def _image(url: str) -> Json:
    return {"type": "image", "originalContentUrl": url, "previewImageUrl": url}


def _place(**more: object) -> Json:
    return {"type": "location", "title": "現場", "address": "中央区", "latitude": 33.5, "longitude": 130.4, **more}


TAKEN: dict[str, Json] = {
    "text of 5000": _words("あ" * 5000),
    "13 quick replies": _replies(*[_message(str(at)) for at in range(13)]),
    "camera and location as quick replies": _replies(
        {"type": "camera", "label": "写真"},
        {"type": "cameraRoll", "label": "写真"},
        {"type": "location", "label": "場所"},
    ),
    "label of 20 family emoji": _replies(_message("👨‍👩‍👧" * 20)),
    "buttons of 160 without title": _buttons(text="あ" * 160),
    "buttons of 60 with title": _buttons(text="あ" * 60, title="題"),
    "confirm with two": _confirm(2),
    "carousel of 10": _carousel(*[_column()] * 10),
    "telephone": _replies({"type": "uri", "label": "電話", "uri": "tel:092-711-4111"}),
    "flex button of 40": _flex({"type": "button", "action": _message("a" * 40)}),
    "flex with everything": _flex(
        {"type": "text", "text": "題", "weight": "bold", "size": "xl", "wrap": True, "color": "#112233"},
        {"type": "separator", "margin": "md"},
        {"type": "image", "url": "https://example.com/a.png", "aspectRatio": "20:13", "size": "full"},
        {"type": "box", "layout": "baseline", "contents": [{"type": "text", "text": "x", "flex": 1}]},
    ),
    "date picker": _replies(
        {"type": "datetimepicker", "label": "日付", "data": "d", "mode": "date", "min": "2026-01-01"}
    ),
    "place": _place(),
}

REFUSED: dict[str, Json] = {
    "text of 5001": _words("あ" * 5001),
    "text of 2501 emoji": _words("😄" * 2501),
    "empty text": _words(""),
    "text without text": {"type": "text"},
    "unknown type": {"type": "telegram", "text": "x"},
    "14 quick replies": _replies(*[_message(str(at)) for at in range(14)]),
    "no quick reply": _replies(),
    "label of 21": _replies(_message("a" * 21)),
    "no label": _replies({"type": "message", "text": "x"}),
    "message of 301": _replies({"type": "message", "label": "x", "text": "a" * 301}),
    "data of 301": _replies(_postback(data="a" * 301)),
    "no data": _replies({"type": "postback", "label": "x"}),
    "displayText of 301": _replies(_postback(displayText="a" * 301)),
    "text in a quick reply postback": _replies(_postback(text="a")),
    "mail address": _replies({"type": "uri", "label": "x", "uri": "mailto:a@example.com"}),
    "script": _replies({"type": "uri", "label": "x", "uri": "javascript:alert(1)"}),
    "date of another mode": _replies(
        {"type": "datetimepicker", "label": "x", "data": "d", "mode": "date", "initial": "2026-01-01T00:00"}
    ),
    "buttons of 161": _buttons(text="あ" * 161),
    "buttons of 61 with title": _buttons(text="あ" * 61, title="題"),
    "buttons of 61 with image": _buttons(text="あ" * 61, thumbnailImageUrl="https://example.com/a.png"),
    "title of 41": _buttons(title="a" * 41),
    "five buttons": _buttons(actions=[_message()] * 5),
    "no buttons": _buttons(actions=[]),
    "camera button": _buttons(actions=[{"type": "camera", "label": "x"}]),
    "thumbnail over http": _buttons(thumbnailImageUrl="http://example.com/a.png"),
    "confirm with one": _confirm(1),
    "confirm with three": _confirm(3),
    "carousel of 11": _carousel(*[_column()] * 11),
    "carousel that differs in actions": _carousel(_column(1), _column(2)),
    "carousel that differs in titles": _carousel(_column(), _column(title="題")),
    "carousel with four actions": _carousel(_column(4)),
    "no altText": {"type": "flex", "contents": {"type": "bubble"}},
    "altText of 1501": {**_flex({"type": "separator"}), "altText": "a" * 1501},
    "empty bubble": {"type": "flex", "altText": "x", "contents": {"type": "bubble"}},
    "flex without text": _flex({"type": "text"}),
    "flex with empty text": _flex({"type": "text", "text": ""}),
    "flex with an unknown field": _flex({"type": "text", "text": "x", "fontSize": "12px"}),
    "flex with an unknown component": _flex({"type": "table"}),
    "flex with a colour name": _flex({"type": "text", "text": "x", "color": "red"}),
    "flex with a wrong size": _flex({"type": "text", "text": "x", "size": "huge"}),
    "flex with a wrong margin": _flex({"type": "text", "text": "x", "margin": "10"}),
    "flex button without label": _flex({"type": "button", "action": {"type": "message", "text": "x"}}),
    "flex button of 41": _flex({"type": "button", "action": _message("a" * 41)}),
    "flex button without action": _flex({"type": "button"}),
    "flex image over http": _flex({"type": "image", "url": "http://example.com/a.png"}),
    "button in a baseline box": _flex(
        {"type": "box", "layout": "baseline", "contents": [{"type": "button", "action": _message()}]}
    ),
    "icon in a vertical box": _flex({"type": "icon", "url": "https://example.com/a.png"}),
    "bubble over 30 KB": _flex(*[_words("a" * 2000)] * 16),
    "flex carousel of 13": {
        "type": "flex",
        "altText": "x",
        "contents": {"type": "carousel", "contents": [_flex({"type": "separator"})["contents"]] * 13},
    },
    "title of 101": _place(title="a" * 101),
    "address of 101": _place(address="a" * 101),
    "no title": _place(title=""),
    "latitude of 91": _place(latitude=91),
    "image over http": _image("http://example.com/a.jpg"),
    "image of 2001": _image("https://example.com/" + "a" * 1981),
    "sender of 21": {**_words("x"), "sender": {"name": "a" * 21}},
}


def _check(*messages: Json) -> None:
    check_request("PushMessageRequest", {"to": "U" + "0" * 32, "messages": list(messages)})


@pytest.mark.parametrize("name", TAKEN)
def test_messages_line_takes(name: str) -> None:
    _check(TAKEN[name])


@pytest.mark.parametrize("name", REFUSED)
def test_messages_line_refuses(name: str) -> None:
    with pytest.raises(LineError) as refused:
        _check(REFUSED[name])
    assert refused.value.status == 400
    assert refused.value.problems


@pytest.mark.parametrize("count", [0, 6])
def test_one_to_five_messages(count: int) -> None:
    with pytest.raises(LineError, match=r"1 error") as refused:
        _check(*[_words("x")] * count)
    assert refused.value.body()["details"] == [{"message": "Size must be between 1 and 5", "property": "messages"}]


def test_refusals_have_the_shape_of_lines() -> None:
    with pytest.raises(LineError) as refused:
        _check(_words("x"), _flex({"type": "text", "text": "x", "colour": "#000000"}))
    assert refused.value.body() == {
        "message": "A message (messages[1]) in the request body is invalid",
        "details": [{"message": "unknown field", "property": "/body/contents/0/colour"}],
    }


@pytest.mark.parametrize(
    ("text", "units", "seen"), [("abc", 3, 3), ("🍎", 2, 1), ("👨‍👩‍👧", 8, 1), ("🇯🇵🇹🇼", 8, 2), ("か\u3099", 2, 1)]
)
def test_characters_are_counted_in_two_ways(text: str, units: int, seen: int) -> None:
    assert (utf16(text), graphemes(text)) == (units, seen)
