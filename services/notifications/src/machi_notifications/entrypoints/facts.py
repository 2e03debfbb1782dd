"""Facts of reports come in."""

from collections.abc import Callable
from datetime import UTC

from google.protobuf.message import Message

from machi.reports.v1.events_pb2 import ReportRef
from machi_notifications.adapters.work import NotificationsWork
from machi_notifications.domain.fact import Fact, News
from machi_notifications.domain.policy import Policy
from machi_notifications.ports import Cases, Letters, People
from machi_notifications.use_cases.tell_reporter import tell_reporter
from machi_sdk.envelope import Received
from machi_sdk.errors import Invalid


class FactsConsumer:
    """Asks what has to be asked before the transaction, then tells inside it."""

    def __init__(self, cases: Cases, people: People, policy_of: Callable[[str], Policy], letters: Letters) -> None:
        self._cases = cases
        self._people = people
        self._policy_of = policy_of
        self._letters = letters

    async def prepare(self, record: Received) -> News | None:
        """The news a fact makes; None when nobody is told about such facts."""
        fact = read_fact(record.event)
        if not self._policy_of(record.tenant).tells(fact.cause):
            return None
        contact = await self._people.contact(record.tenant, fact.citizen_id)
        words = ""
        if fact.update_id:
            words = await self._cases.words(record.tenant, fact.report_id, fact.update_id)
        return News(fact, contact, words)

    async def handle(self, record: Received, news: News | None, work: NotificationsWork) -> None:
        """Tell the reporter, or nobody."""
        if news is not None:
            await tell_reporter(work, news, self._policy_of(record.tenant), self._letters)


def read_fact(event: Message) -> Fact:
    """Any event of machi.reports.v1 as a fact; Invalid for one of another kind."""
    report = getattr(event, "report", None)
    if not isinstance(report, ReportRef):
        raise Invalid("event-type-unknown")
    return Fact(
        cause=event.DESCRIPTOR.name,
        report_id=report.report_id,
        case_number=report.case_number,
        citizen_id=report.citizen_id,
        version=report.version,
        occurred_at=report.occurred_at.ToDatetime(UTC),
        update_id=str(getattr(event, "update_id", "")),
        session_id=str(getattr(event, "session_id", "")),
    )
