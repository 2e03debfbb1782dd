"""Refusals in the shape Slack gives them: HTTP 200, `ok` false, a name."""

from machi_simulator.jsontree import Json


class SlackError(Exception):
    """A refusal by name; `messages` tell where and what, `people` who of several was refused for which reason."""

    def __init__(
        self,
        name: str,
        messages: list[str] | None = None,
        *,
        people: dict[str, str] | None = None,
        retry_after: int = 0,
    ) -> None:
        super().__init__(name)
        self.messages = messages or []
        self.people = people or {}
        self.retry_after = retry_after

    def body(self) -> Json:
        """The JSON answer."""
        answer: Json = {"ok": False, "error": str(self)}
        if self.messages:
            answer["errors"] = list(self.messages)
            answer["response_metadata"] = {"messages": [f"[ERROR] {message}" for message in self.messages]}
        if self.people:
            answer["errors"] = [{"user": user, "ok": False, "error": why} for user, why in self.people.items()]
        return answer
