"""Refusals in the shape LINE gives them."""

from dataclasses import dataclass

from machi_simulator.jsontree import Json


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a request: where (`messages[0].text`) and what."""

    where: str
    what: str


class LineError(Exception):
    """A refusal: status, message, and the problems found."""

    def __init__(self, status: int, message: str, problems: list[Problem] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.problems = problems or []
        self.headers: dict[str, str] = {}
        self.extra: Json = {}

    def body(self) -> Json:
        """The JSON answer."""
        answer: Json = {"message": str(self)}
        if self.problems:
            answer["details"] = [{"message": each.what, "property": each.where} for each in self.problems]
        return answer | self.extra


def invalid(problems: list[Problem]) -> LineError:
    """A request body with problems."""
    return LineError(400, f"The request body has {len(problems)} error(s)", problems)
