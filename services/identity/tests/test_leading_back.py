"""Whatever identity asks in the middle of another pod's dialogue, that dialogue goes on afterwards."""

import pytest
from linking_city import AtChannel

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("language", "English"),
        ("language", "やめる"),
        ("welcome", "English"),
        ("messages", "はい"),
        ("messages", "やめる"),
        ("link", "やめる"),
    ],
)
async def test_the_dialogue_before_goes_on(line: AtChannel, command: str, answer: str) -> None:
    await line.in_dialogue("report-1")
    await line.opens(command, **({"enter": "yes"} if command == "link" else {}))
    assert (await line.who()).focus.pod == "identity"
    await line.types(answer)
    assert (line.asked.goes_on.pod, line.asked.goes_on.session_id) == ("reports", "report-1")


async def test_a_language_named_beside_the_question_leads_back_too(line: AtChannel) -> None:
    await line.in_dialogue("report-1")
    await line.opens("messages")
    await line.opens("language")
    await line.opens("language", text="English")
    assert line.asked.language == "en"
    assert line.asked.goes_on.session_id == "report-1"


async def test_nobody_is_led_back_into_a_question_that_they_left_unanswered(line: AtChannel) -> None:
    await line.opens("welcome")
    await line.opens("messages")
    await line.types("はい")
    assert (line.asked.ask.key, line.asked.goes_on.pod) == ("", "")
