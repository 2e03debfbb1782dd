"""What the files of a city say is what its pods are told."""

from machi_tools.stack.city import Row, desk_of


def test_a_desk_speaks_its_own_language_or_the_citys() -> None:
    row: Row = {"desk_id": "front", "phone": "092-000-0100", "titles": {"ja": "総合窓口"}}
    assert desk_of(row, "ja").language == "ja"
    assert desk_of({**row, "language": "ko"}, "ja").language == "ko"
