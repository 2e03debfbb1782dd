"""Who types the number of an own case sees how it stands; whoever else learns nothing."""

from collections.abc import Awaitable, Callable

import pytest

from machi.dialogue.v1 import dialogue_service_pb2 as wire
from machi.dialogue.v1.messages_pb2 import InfoCard
from machi_reports.domain.case_number import make_case_number

pytestmark = pytest.mark.integration


async def test_a_typed_number_opens_the_own_case_only(
    say: Callable[..., Awaitable[wire.TurnResponse]], file_case: Callable[..., Awaitable[str]]
) -> None:
    number = await file_case("hana")

    async def typed(citizen: str, text: str) -> InfoCard:
        opened = wire.Open(command="cases", arguments={"text": text})
        (message,) = (await say(citizen, opened)).messages
        return message.card

    own = await typed("hana", number.lower().replace("-", " "))
    assert number in [fact.value for fact in own.facts]
    last = "0" if number[-1] != "0" else "1"
    answers = [await typed("taro", number), await typed("hana", make_case_number("FK", 1))]
    answers.append(await typed("hana", f"{number[:-1]}{last}"))
    assert all(each == answers[0] for each in answers), "somebody else's, unknown, and wrong ones are answered alike"
    assert answers[0].body.startswith("その番号の通報は")
    listed = await say("hana", wire.Open(command="cases", arguments={"text": "what happened"}))
    assert listed.messages[-1].HasField("carousel"), "words of that shape are no number"
