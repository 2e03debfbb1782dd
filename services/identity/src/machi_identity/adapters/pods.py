"""The registry of installed pods on PostgreSQL, published on machi.pods.v1."""

from datetime import datetime

import orjson

from machi.pods.v1.events_pb2 import PodInstalled, PodUninstalled
from machi.pods.v1.pod_registry_service_pb2 import InstalledPod
from machi_identity.domain.consent import Notice
from machi_identity.domain.pods import Installation, PodRecord
from machi_sdk.work import Work

TOPIC = "machi.pods.v1"
# Writing first takes the row's lock, so that two installs of one pod publish in the order of their commits.
_INSERT = (
    "INSERT INTO pods (pod, manifest_hash, manifest_json, installed_at) VALUES ($1, '', '', $2) ON CONFLICT DO NOTHING"
)
_CHANGE = (
    "UPDATE pods SET manifest_hash = $2, manifest_json = $3, installed_at = $4 WHERE pod = $1 AND manifest_hash <> $2"
)
_FORGET_NOTICES = "DELETE FROM notices WHERE pod = $1"
_ADD_NOTICE = "INSERT INTO notices (purpose, version, pod, title, benefit, text) VALUES ($1, $2, $3, $4, $5, $6)"
_ALL = "SELECT pod, manifest_hash, manifest_json FROM pods ORDER BY pod"


class PgPods:
    """`ports.Pods` within one work."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def install(self, installation: Installation, at: datetime) -> bool:
        """See the port."""
        record, db = installation.record, self._work.db
        await db.execute(_INSERT, record.pod, at)
        await db.execute("SELECT FROM pods WHERE pod = $1 FOR UPDATE", record.pod)
        done: str = await db.execute(_CHANGE, record.pod, record.manifest_hash, record.manifest_json, at)
        changed = done.endswith("1")
        if changed:
            await db.execute(_FORGET_NOTICES, record.pod)
            await db.executemany(_ADD_NOTICE, [_notice_row(notice) for notice in installation.notices])
        pod = InstalledPod(pod=record.pod, manifest_hash=record.manifest_hash, manifest_json=record.manifest_json)
        event = PodInstalled(pod=pod)
        event.occurred_at.FromDatetime(at)
        self._work.emit(TOPIC, record.pod, event)
        return changed

    async def uninstall(self, pod: str, at: datetime) -> bool:
        """See the port."""
        db = self._work.db
        await db.execute("SELECT FROM pods WHERE pod = $1 FOR UPDATE", pod)
        await db.execute(_FORGET_NOTICES, pod)
        done: str = await db.execute("DELETE FROM pods WHERE pod = $1", pod)
        event = PodUninstalled(pod=pod)
        event.occurred_at.FromDatetime(at)
        self._work.emit(TOPIC, pod, event)
        return done.endswith("1")

    async def all(self) -> list[PodRecord]:
        """See the port."""
        return [PodRecord(*row) for row in await self._work.db.fetch(_ALL)]


def _notice_row(notice: Notice) -> tuple[object, ...]:
    words = (orjson.dumps(dict(each)).decode() for each in (notice.title, notice.benefit, notice.text))
    return (notice.purpose, notice.version, notice.pod, *words)
