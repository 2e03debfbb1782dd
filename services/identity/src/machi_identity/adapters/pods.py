"""The registry of installed pods on PostgreSQL, published on machi.pods.v1."""

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from machi.pods.v1.events_pb2 import PodInstalled, PodUninstalled
from machi.pods.v1.pod_registry_service_pb2 import InstalledPod
from machi_identity.adapters.tables import NoticeRow, PodRow
from machi_identity.domain.pods import Installation, PodRecord
from machi_sdk.work import Work

TOPIC = "machi.pods.v1"


class PgPods:
    """`ports.Pods` within one work."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def install(self, installation: Installation, at: datetime) -> bool:
        """See the port."""
        record, session = installation.record, self._work.session
        # Writing first takes the row's lock, so that two installs of one pod publish in the order of their commits.
        fresh = PodRow(pod=record.pod, manifest_hash="", manifest_json="", installed_at=at)
        await session.execute(insert(PodRow).values(fresh.model_dump()).on_conflict_do_nothing())
        row = (await session.scalars(select(PodRow).where(PodRow.pod == record.pod).with_for_update())).one()
        changed: bool = row.manifest_hash != record.manifest_hash
        if changed:
            row.manifest_hash, row.manifest_json, row.installed_at = record.manifest_hash, record.manifest_json, at
            await session.execute(delete(NoticeRow).where(col(NoticeRow.pod) == record.pod))
            session.add_all(
                NoticeRow(
                    purpose=notice.purpose,
                    version=notice.version,
                    pod=notice.pod,
                    title=dict(notice.title),
                    benefit=dict(notice.benefit),
                    text=dict(notice.text),
                )
                for notice in installation.notices
            )
            await session.flush()
        pod = InstalledPod(pod=record.pod, manifest_hash=record.manifest_hash, manifest_json=record.manifest_json)
        event = PodInstalled(pod=pod)
        event.occurred_at.FromDatetime(at)
        self._work.emit(TOPIC, record.pod, event)
        return changed

    async def uninstall(self, pod: str, at: datetime) -> bool:
        """See the port."""
        session = self._work.session
        await session.execute(select(PodRow).where(PodRow.pod == pod).with_for_update())
        await session.execute(delete(NoticeRow).where(col(NoticeRow.pod) == pod))
        gone = (await session.scalars(delete(PodRow).where(col(PodRow.pod) == pod).returning(col(PodRow.pod)))).all()
        event = PodUninstalled(pod=pod)
        event.occurred_at.FromDatetime(at)
        self._work.emit(TOPIC, pod, event)
        return bool(gone)

    async def all(self) -> list[PodRecord]:
        """See the port."""
        rows = await self._work.session.scalars(select(PodRow).order_by(PodRow.pod))
        return [PodRecord(row.pod, row.manifest_hash, row.manifest_json) for row in rows]
