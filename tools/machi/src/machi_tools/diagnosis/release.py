"""`machi -n NAMESPACE doctor`: what each replica of a release says of itself, and what cannot be seen from there."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from pydantic import TypeAdapter

from machi_sdk.topics_seen import TopicSeen
from machi_tools.cluster.objects import Replica
from machi_tools.cluster.release import City, Release, server_cure
from machi_tools.diagnosis import Report
from machi_tools.diagnosis.findings import Look
from machi_tools.diagnosis.machine import clock_look, judge_token
from machi_tools.diagnosis.pods import Pages, PodReport, Whereabouts, channels_off, judge
from machi_tools.diagnosis.servers import judge_topics
from machi_tools.diagnosis.settings import look_at_files
from machi_tools.errors import StackError
from machi_tools.stack.readiness import Answer

UNSEEN = (
    "LINE and Slack were not asked, their tokens stay in their pods: see the board Channels",
    "disks, and merges that a pod missed, are not seen from here",
)
TOPICS_CURE = "`helm upgrade` makes it; with Strimzi see its KafkaTopic"
TENANTS_CURE = (
    "put {0}.line.yaml or {0}.slack.yaml into the channels' Secret (global.channels.existingSecret) and start the"
    " channels' pods again, or take {0} out of global.moreTenants"
)
TOKENS_CURE = "the kubelet renews it: see the node's log, and whether the release's service accounts are there"


@dataclass(frozen=True)
class _Said:
    """What a replica answers to `look`."""

    livez: Answer
    readyz: Answer
    metrics: Answer
    token_seconds: dict[str, float | None]
    database_ahead_seconds: float | None
    topics: list[TopicSeen]
    troubles: dict[str, str]
    channels_off: dict[str, str] = field(default_factory=dict)
    tenants_without_channel: list[str] = field(default_factory=list)


@dataclass
class _Seen:
    """What one replica said, and what is wrong with it."""

    replica: Replica
    report: PodReport
    look: Look
    clock: float | None = None
    topics: list[TopicSeen] = field(default_factory=list)
    without_channel: frozenset[str] = frozenset()


async def diagnose_release(release: Release) -> Report:
    """Look at all replicas at once."""
    city = await release.city()
    seen = await asyncio.gather(*(_look_at(release, replica) for replica in city.replicas))
    whole = Look(notes=list(UNSEEN))
    for name in sorted(city.wanted - set(city.pods())):
        cure = f"`kubectl -n {release.kubectl.namespace} describe deploy {city.release}-{name}` says why"
        whole.wrong(f"{name} has no replica", cure)
    _look_at_tenants(whole, city, seen)
    skew = median([each.clock for each in seen if each.clock is not None] or [0.0])
    topics, of_topics = _topics(release, city, seen)
    looks = [of_topics, *(each.look for each in seen), clock_look("the database's", skew, "the pods'"), whole]
    findings = [finding for look in looks for finding in look.findings]
    return Report(
        ok=not findings,
        pods=[each.report for each in seen],
        servers={
            "postgres": {"ready": all(each.clock is not None for each in seen)},
            "kafka": {"ready": any(each.topics for each in seen)},
        },
        topics=topics,
        webhooks={},
        views={},
        settings={},
        clocks={"database": round(skew, 1)},
        disk={},
        notes=[note for look in looks for note in look.notes],
        findings=findings,
    )


async def _look_at(release: Release, replica: Replica) -> _Seen:
    if not replica.running:
        error = replica.absent()
        return _silent(replica, error, replica.trouble)
    try:
        [answer] = await release.ask_replica(replica, "look")
    except StackError as error:
        return _silent(replica, error, "does not answer")
    said = TypeAdapter(_Said).validate_python(answer)
    report, look = judge(replica.name, Pages(said.livez, said.readyz, said.metrics), _whereabouts(replica))
    for callee, left in said.token_seconds.items():
        judge_token(look, replica.name, callee, left, TOKENS_CURE)
    look_at_files(look, replica.name, said.channels_off, channels_off(said.metrics))
    for server, trouble in said.troubles.items():
        look.wrong(f"{replica.name} does not reach {server}: {trouble}", server_cure(replica))
    return _Seen(
        replica, report, look, said.database_ahead_seconds, said.topics, frozenset(said.tenants_without_channel)
    )


def _silent(replica: Replica, error: StackError, reason: str) -> _Seen:
    nothing = Answer(0, reason)
    report, _ = judge(replica.name, Pages(nothing, nothing, nothing), _whereabouts(replica))
    look = Look()
    look.wrong(error.what, error.cure)
    return _Seen(replica, report, look)


def _whereabouts(replica: Replica) -> Whereabouts:
    hangs = f"its liveness probe starts it again; {replica.see}"
    return Whereabouts(replica.running, replica.restarts, replica.see, hangs, http=replica.address)


def _look_at_tenants(look: Look, city: City, seen: Sequence[_Seen]) -> None:
    """Tenants that no pod has a channel of; who does not answer may have it."""
    if seen and city.wanted <= set(city.pods()):
        for tenant in sorted(frozenset.intersection(*(each.without_channel for each in seen))):
            look.wrong(f"no channel of {tenant} is known to any pod", TENANTS_CURE.format(tenant))


def _topics(release: Release, city: City, seen: Sequence[_Seen]) -> tuple[dict[str, object], Look]:
    """Where rights are narrow a pod sees its own topics alone: nothing is called missing before all have answered."""
    answers = {each.replica.pod: each.topics for each in seen if each.topics}
    silent = sorted({*city.wanted, *city.pods()} - set(answers))
    views = [view for view in release.views(city, answers) if view.found or not silent]
    shown, look = judge_topics(views, TOPICS_CURE)
    if silent:
        look.note(f"topics that only {', '.join(silent)} may see were not looked at")
    return shown, look
