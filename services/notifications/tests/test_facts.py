"""Facts as the pod reads them off their topic."""

from datetime import UTC, datetime

import pytest

from machi.desk.v1.events_pb2 import CardAnnounced
from machi.reports.v1.events_pb2 import ReporterAsked, ReportRef
from machi_notifications.entrypoints.facts import read_fact
from machi_sdk.errors import Invalid


def test_a_fact_of_a_report_is_read() -> None:
    report = ReportRef(report_id="r-1", case_number="ABC-123-4", citizen_id="c-1", version=2)
    report.occurred_at.FromDatetime(datetime(2026, 4, 1, tzinfo=UTC))
    fact = read_fact(ReporterAsked(report=report, update_id="u-1", session_id="s-1"))
    assert (fact.cause, fact.report_id, fact.version, fact.update_id) == ("ReporterAsked", "r-1", 2, "u-1")
    assert fact.occurred_at == datetime(2026, 4, 1, tzinfo=UTC)


def test_an_event_of_another_kind_is_refused_at_once() -> None:
    with pytest.raises(Invalid, match="event-type-unknown"):
        read_fact(CardAnnounced(card_id="card"))
