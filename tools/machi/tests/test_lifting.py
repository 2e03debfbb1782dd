"""A machine that is too small is told so before anything starts."""

import pytest

from machi_tools.errors import StackError
from machi_tools.stack.lifting import DISK_NEEDED, MEMORY_NEEDED, check_room

MB = 1024**2


def test_room_enough_is_no_matter() -> None:
    check_room(MEMORY_NEEDED, DISK_NEEDED)


def test_too_little_memory_is_told_with_the_cure() -> None:
    with pytest.raises(StackError) as told:
        check_room(200 * MB, DISK_NEEDED)
    assert (told.value.what, told.value.cure) == (
        "only 200 MB of memory are free, 900 are needed",
        "close other programs",
    )


def test_too_little_disk_is_told_with_the_cure() -> None:
    with pytest.raises(StackError) as told:
        check_room(MEMORY_NEEDED, 30 * MB)
    assert (told.value.what, told.value.cure) == (
        "only 30 MB of disk are free, 1024 are needed",
        "make room on the disk",
    )
