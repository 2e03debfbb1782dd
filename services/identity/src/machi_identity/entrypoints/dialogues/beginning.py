"""How a dialogue that asks begins: it comes between the one the person is in and that one's end."""

from machi_identity.adapters.work import IdentityWork
from machi_identity.entrypoints.dialogues.naming import POD
from machi_sdk.dialogue import Answers, TurnContext


async def beginning(work: IdentityWork, turn: TurnContext) -> Answers:
    """What is known at the start: the dialogue of another pod to go back to; the kit itself knows of identity's own."""
    focus, answers = await work.citizens.focus(turn.citizen_id), Answers()
    return answers.coming_between(focus.pod, focus.session_id) if focus and focus.pod not in ("", POD) else answers
