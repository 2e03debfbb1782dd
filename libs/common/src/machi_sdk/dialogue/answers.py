"""What a person has answered so far, in order; everything else about a session follows from it."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

Json = None | str | int | float | bool | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True)
class Step:
    """One answered question and the event that answered it; value None = skipped."""

    key: str
    value: Json
    event_id: str


@dataclass(frozen=True)
class Answers(Mapping[str, Json]):
    """A mapping key → answer. `given` holds what the dialogue knew when it began; steps come on top."""

    given: dict[str, Json] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()

    def __getitem__(self, key: str) -> Json:
        for step in reversed(self.steps):
            if step.key == key:
                return step.value
        return self.given[key]

    def __iter__(self) -> Iterator[str]:
        return iter({**self.given, **{step.key: None for step in self.steps}})

    def __len__(self) -> int:
        return len({*self.given, *(step.key for step in self.steps)})

    def text(self, key: str) -> str:
        """The answer when it is text, else empty."""
        value = self.get(key)
        return value if isinstance(value, str) else ""

    def mapping(self, key: str) -> dict[str, Json]:
        """The answer when it has parts (a place, a photo), else empty."""
        value = self.get(key)
        return value if isinstance(value, dict) else {}

    def all(self, key: str) -> tuple[Json, ...]:
        """Every answer to a question that took several, in order."""
        return tuple(step.value for step in self.steps if step.key == key and step.value is not None)

    def takes_more(self, key: str, most: int) -> bool:
        """Whether a question that takes up to `most` answers is still open: nobody skipped the rest of it."""
        values = [step.value for step in self.steps if step.key == key]
        return None not in values and len(values) < most

    def event_of(self, key: str) -> str:
        """The event that answered the question; empty when none did."""
        return next((step.event_id for step in reversed(self.steps) if step.key == key), "")

    def answered(self, key: str, value: Json, event_id: str) -> "Answers":
        """With one more answer."""
        return Answers(self.given, (*self.steps, Step(key, value, event_id)))

    def knowing(self, key: str, value: Json) -> "Answers":
        """With a fact among the given ones; None takes it away."""
        rest = {name: known for name, known in self.given.items() if name != key}
        return Answers(rest if value is None else {**rest, key: value}, self.steps)

    def without(self, keys: Collection[str]) -> "Answers":
        """Without the answers to these questions, so that they are asked again."""
        return Answers(self.given, tuple(step for step in self.steps if step.key not in keys))

    def back(self) -> "Answers":
        """Without the last answer."""
        return Answers(self.given, self.steps[:-1])

    def taken_back(self, event_id: str) -> "Answers | None":
        """Without the answer of that event; None when it answered nothing here.

        One of several answers to a question goes alone; any other takes along all that came after it.
        """
        for index, step in enumerate(self.steps):
            if step.event_id == event_id:
                several = step.value is not None and sum(other.key == step.key for other in self.steps) > 1
                return Answers(self.given, self.steps[:index] + (self.steps[index + 1 :] if several else ()))
        return None

    def to_json(self) -> dict[str, Json]:
        """As stored."""
        return {"given": self.given, "steps": [[step.key, step.value, step.event_id] for step in self.steps]}

    @staticmethod
    def from_json(stored: Mapping[str, Json]) -> "Answers":
        """As read."""
        given, steps = stored["given"], stored["steps"]
        assert isinstance(given, dict)
        assert isinstance(steps, list)
        return Answers(given, tuple(_step(step) for step in steps))


def _step(stored: Json) -> Step:
    assert isinstance(stored, list)
    return Step(str(stored[0]), stored[1], str(stored[2]))
