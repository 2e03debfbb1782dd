"""A process that cannot live is told with what it said last, and a cure that fits."""

from pathlib import Path

import pytest

from machi_tools.stack.readiness import keeps_dying


@pytest.mark.parametrize(
    "word",
    [
        "RuntimeError: Failed to bind to address 127.0.0.1:7209; set GRPC_VERBOSITY=debug",
        "OSError: [Errno 98] Address already in use",
    ],
)
def test_a_port_taken_meanwhile_is_told_with_the_cure(word: str, tmp_path: Path) -> None:
    log = tmp_path / "reports.log"
    log.write_text(f"Traceback\n{word}\n\n")
    told = keeps_dying("reports", log)
    assert (told.what, told.cure) == (
        f"reports found its port taken: {word}",
        "`make up` again, it chooses another port",
    )


def test_anything_else_is_told_with_its_log(tmp_path: Path) -> None:
    log = tmp_path / "reports.log"
    log.write_text("KeyError: 'wards'\n")
    told = keeps_dying("reports", log)
    assert (told.what, told.cure, told.log) == ("reports keeps dying: KeyError: 'wards'", "read its log", log)
