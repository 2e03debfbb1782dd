"""Who gets what."""

from pathlib import Path

from machi.notifications.v1.notification_service_pb2_grpc import add_NotificationServiceServicer_to_server
from machi_notifications.adapters.letters import ReportLetters
from machi_notifications.adapters.messages import Templates
from machi_notifications.adapters.peers import IdentityPeople, ReportsCases
from machi_notifications.adapters.policies import load_policies
from machi_notifications.adapters.work import NotificationsWork
from machi_notifications.entrypoints.facts import FactsConsumer
from machi_notifications.entrypoints.morning import Morning
from machi_notifications.entrypoints.outcomes import take_outcomes
from machi_notifications.entrypoints.rpc import NotificationServicer
from machi_sdk.aliases import take_merges
from machi_sdk.handling import prepared
from machi_sdk.service import Pod
from machi_sdk.texts import Texts

HERE = Path(__file__).parent


async def assemble(pod: Pod) -> None:
    """Hang the entrypoints on the pod."""
    works = pod.works(NotificationsWork)
    letters = ReportLetters(Templates(Texts(HERE / "templates")))
    policies = load_policies(HERE / "policy.yaml")
    facts = FactsConsumer(ReportsCases(pod.peers), IdentityPeople(pod.peers), policies.of, letters)
    pod.consume("machi.reports.v1", works, prepare=prepared(facts.prepare, facts.handle))
    pod.consume("machi.deliveries.outcomes.v1", works, take_outcomes)
    pod.consume("machi.citizens.v1", works, take_merges)
    pod.background("held messages", Morning(works, pod.settings.tenants).run)
    pod.serve(add_NotificationServiceServicer_to_server, NotificationServicer(works))
