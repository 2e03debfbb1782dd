"""What a person has answered so far, in order; everything else about a session follows from it."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

Json = None | str | int | float | bool | list["Json"] | dict[str, "Json"]
_BEHIND, _AGAIN, _ANEW = "~behind", "~again", "~anew"


@dataclass(frozen=True)
class Step:
    """One answered question and the event that answered it; value None = skipped."""

    key: str
    value: Json
    event_id: str


@dataclass(frozen=True)
class Answers(Mapping[str, Json]):
    """A mapping key → answer. `given` holds what the dialogue knew when it began; steps come on top.

    `before` are the steps as they were before one of them was to be corrected. `asked` is the key of the question
    that they were stored with.
    """

    given: dict[str, Json] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    before: tuple[Step, ...] = ()
    asked: str = ""

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
        return replace(self, steps=(*self.steps, Step(key, value, event_id)), asked="")

    def knowing(self, key: str, value: Json) -> "Answers":
        """With a fact among the given ones; None takes it away."""
        rest = {name: known for name, known in self.given.items() if name != key}
        return replace(self, given=rest if value is None else {**rest, key: value})

    def coming_between(self, pod: str, session_id: str) -> "Answers":
        """With the dialogue that the person is led back into at the end; an empty pod is the own one."""
        return self.knowing(_BEHIND, [pod, session_id])

    @property
    def behind(self) -> tuple[str, str] | None:
        """Pod (empty: the own one) and session of the dialogue this one came between, if it came between any."""
        kept = self.given.get(_BEHIND)
        return (str(kept[0]), str(kept[1])) if isinstance(kept, list) else None

    def begun_anew(self, begun: "Answers | None") -> "Answers":
        """With what came along when the person began it once more; None takes it away."""
        return self.knowing(_ANEW, begun.to_json() if begun is not None else None)

    @property
    def started_over(self) -> "Answers":
        """As if nothing had been answered but what came along when the person began it once more."""
        known, begun = self.begun_anew(None).given, self._begun
        return Answers(known) if begun is None else Answers({**known, **begun.given}, begun.steps)

    def without(self, keys: Collection[str]) -> "Answers":
        """Without the answers to these questions, so that they are asked again; the way back brings them back."""
        left = tuple(step for step in self.steps if step.key not in keys)
        return Answers({**self.given, _AGAIN: list(keys)}, left, self.steps)

    def asked_again(self, key: str) -> bool:
        """Whether this is what the person wanted to correct last, also where it was known before the dialogue."""
        again = self.given.get(_AGAIN)
        return isinstance(again, list) and key in again

    @property
    def at_start(self) -> bool:
        """Whether there is nothing to go back to."""
        return not self.steps and not self.before

    def back(self) -> "Answers":
        """Without the last answer; while a correction has none yet, as everything was before it."""
        if self.before and all(step in self.before for step in self.steps):
            return Answers(self.knowing(_AGAIN, None).given, self.before)
        return replace(self, steps=self.steps[:-1], asked="")

    def taken_back(self, event_id: str) -> "Answers | None":
        """Without the answer of that event; None when it answered nothing here.

        One of several answers to a question goes alone; any other takes along all that came after it.
        """
        begun = self._begun.taken_back(event_id) if self._begun is not None else None
        if begun is None and all(step.event_id != event_id for step in (*self.steps, *self.before)):
            return None
        given = self.given if begun is None else self.begun_anew(begun).given
        steps = self._steps_without(event_id)
        before = tuple(step for step in self.before if step.event_id != event_id)
        return Answers(given, steps, before if before != steps else ())

    @property
    def _begun(self) -> "Answers | None":
        begun = self.given.get(_ANEW)
        return Answers.from_json(begun) if isinstance(begun, dict) else None

    def _steps_without(self, event_id: str) -> tuple[Step, ...]:
        for index, step in enumerate(self.steps):
            if step.event_id == event_id:
                several = step.value is not None and sum(other.key == step.key for other in self.steps) > 1
                return self.steps[:index] + (self.steps[index + 1 :] if several else ())
        return self.steps

    def to_json(self) -> dict[str, Json]:
        """As stored."""
        return {"given": self.given, "steps": _stored(self.steps), "before": _stored(self.before), "asked": self.asked}

    @staticmethod
    def from_json(stored: Mapping[str, Json]) -> "Answers":
        """As read."""
        given = stored["given"]
        assert isinstance(given, dict)
        return Answers(given, _steps(stored["steps"]), _steps(stored.get("before", [])), str(stored.get("asked", "")))


def _stored(steps: tuple[Step, ...]) -> list[Json]:
    return [[step.key, step.value, step.event_id] for step in steps]


def _steps(stored: Json) -> tuple[Step, ...]:
    assert isinstance(stored, list)
    return tuple(_step(step) for step in stored)


def _step(stored: Json) -> Step:
    assert isinstance(stored, list)
    return Step(str(stored[0]), stored[1], str(stored[2]))
