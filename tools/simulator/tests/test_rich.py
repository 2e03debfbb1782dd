"""Rich text in the workspace view."""

from machi_simulator.jsontree import Json
from machi_simulator.workspace.rich import render


def line(*elements: Json) -> Json:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}


def test_words_stand_as_they_were_sent() -> None:
    shown = render(line({"type": "text", "text": "<b> & *x* :y:"}), str)
    assert shown == '<p class="words">&lt;b&gt; &amp; *x* :y:</p>'


def test_styles_links_and_people_are_shown() -> None:
    bold: Json = {"type": "text", "text": "a", "style": {"bold": True}}
    link: Json = {"type": "link", "url": "https://example.org/?a=1&b=2", "text": "map"}
    person: Json = {"type": "user", "user_id": "U1"}
    shown = render(line(bold, link, person), lambda _: "front")
    assert "<strong>a</strong>" in shown
    assert '<a href="https://example.org/?a=1&amp;b=2" rel="noreferrer">map</a>' in shown
    assert "@front" in shown


def test_a_script_is_no_link() -> None:
    assert "href" not in render(line({"type": "link", "url": "javascript:alert(1)", "text": "x"}), str)
