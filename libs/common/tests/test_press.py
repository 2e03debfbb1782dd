import pytest
from hypothesis import given
from hypothesis import strategies as st

from machi_sdk.conversation.press import (
    ChoicePress,
    CommandPress,
    ControlPress,
    MomentPress,
    Press,
    TogglePress,
    TooLong,
    decode,
    encode,
)

ids = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
presses: st.SearchStrategy[Press] = st.one_of(
    st.builds(CommandPress, ids, ids, st.dictionaries(ids, ids, max_size=2)),
    st.builds(ChoicePress, ids, st.lists(ids, max_size=4).map(tuple)),
    st.builds(TogglePress, ids, st.lists(ids, max_size=4).map(tuple)),
    st.builds(MomentPress, ids),
    st.builds(ControlPress, ids, st.sampled_from(["back", "cancel", "help", "skip"])),
)


@given(presses)
def test_what_a_button_means_comes_back(press: Press) -> None:
    assert decode(encode(press)) == press


def test_a_meaning_that_does_not_fit_is_refused() -> None:
    with pytest.raises(TooLong):
        encode(ChoicePress("ask", tuple("x" * 40 for _ in range(8))))


@pytest.mark.parametrize("data", ["", "action=buy", "[]", '["k","a","jump"]', '["o",1]', "{}", '["c","p"]', "null"])
def test_foreign_data_means_nothing(data: str) -> None:
    assert decode(data) is None


@given(st.text())
def test_any_data_can_be_read(data: str) -> None:
    meaning = decode(data)
    assert meaning is None or decode(encode(meaning)) == meaning
