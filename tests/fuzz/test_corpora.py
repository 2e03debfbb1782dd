"""Every example and every find of the fuzzer again, and a few hundred damaged forms of them, the same each time."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS, corpus

SEEDS = [pytest.param(target, content, id=f"{target} {name}") for target in TARGETS for name, content in corpus(target)]
# How many damaged forms in every run: decoding a photo takes longer than reading a line.
DAMAGED = {"photo": 60, "line-webhook": 150, "slack-events": 150, "slack-interactivity": 150}
Damage = tuple[str, float, bytes]
DAMAGES = st.lists(
    st.tuples(st.sampled_from(("cut", "put", "over", "twice")), st.floats(0, 1), st.binary(min_size=1, max_size=6)),
    max_size=6,
)


def damaged(content: bytes, damages: list[Damage]) -> bytes:
    """A form of these bytes that no platform sends."""
    for kind, place, new in damages:
        at = int(place * len(content))
        before, behind = content[:at], content[at:]
        match kind:
            case "cut":
                content = before + behind[len(new) :]
            case "put":
                content = before + new + behind
            case "over":
                content = before + new + behind[len(new) :]
            case _:
                content = before + behind[: 40 * len(new)] + behind
    return content


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize(("target", "content"), SEEDS)
def test_no_example_crashes(target: str, content: bytes) -> None:
    TARGETS[target](content)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("target", TARGETS)
def test_no_damage_crashes(target: str) -> None:
    contents = [content for _, content in corpus(target)]

    @settings(
        max_examples=DAMAGED.get(target, 300), derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.sampled_from(contents), DAMAGES)
    def hold(content: bytes, damages: list[Damage]) -> None:
        TARGETS[target](damaged(content, damages))

    hold()
