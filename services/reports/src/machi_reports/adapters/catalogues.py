"""Catalogues in PostgreSQL, and the newest ones in memory."""

import json
import time
from collections.abc import Mapping

from machi_reports.adapters.catalogue_documents import read_document
from machi_reports.domain.catalogue import Catalogue
from machi_sdk.errors import Unavailable
from machi_sdk.work import Work, Works

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('catalogue/' || $1, 0))"
_LAST = "SELECT version, document FROM catalogues WHERE tenant = $1 ORDER BY version DESC LIMIT 1"
_PUT = "INSERT INTO catalogues (tenant, version, document, put_at) VALUES ($1, $2, $3, $4)"
_NEWEST = "SELECT max(version) FROM catalogues WHERE tenant = $1"
_SINCE = "SELECT version, document FROM catalogues WHERE tenant = $1 AND version >= $2 ORDER BY version"
_KEPT_VERSIONS = 5
_FRESH_SECONDS = 1.0


class PgCatalogues:
    """`ports.Catalogues` within one work."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def put(self, document: Mapping[str, object]) -> int:
        """See the port."""
        await self._work.db.execute(_LOCK, self._work.tenant)
        last = await self._work.db.fetchrow(_LAST, self._work.tenant)
        if last is not None and last["document"] == document:
            return int(last["version"])
        version = int(last["version"]) + 1 if last is not None else 1
        text = json.dumps(document, ensure_ascii=False)
        await self._work.db.execute(_PUT, self._work.tenant, version, text, self._work.clock.now())
        return version

    async def newest(self) -> int:
        """The newest version's number; Unavailable while there is none."""
        version: int | None = await self._work.db.fetchval(_NEWEST, self._work.tenant)
        if version is None:
            raise Unavailable("catalogue-missing", "put the city's catalogue: machi seed")
        return version

    async def since(self, version: int) -> dict[int, Mapping[str, object]]:
        """The documents from that version on."""
        rows = await self._work.db.fetch(_SINCE, self._work.tenant, version)
        return {row["version"]: row["document"] for row in rows}


class MemoryCatalogues:
    """`ports.CurrentCatalogues`: looks for a newer version at most once a second, keeps the last few."""

    def __init__(self, works: Works[Work]) -> None:
        self._works = works
        self._known: dict[str, dict[int, Catalogue]] = {}
        self._documents: dict[str, Mapping[str, object]] = {}
        self._looked_at: dict[str, float] = {}

    async def refresh(self, tenant: str) -> Catalogue:
        """See the port."""
        known = self._known.get(tenant, {})
        if known and time.monotonic() - self._looked_at[tenant] < _FRESH_SECONDS:
            return self.current(tenant)
        async with self._works.begin(tenant) as work:
            stored = PgCatalogues(work)
            newest = await stored.newest()
            fresh = (
                {}
                if newest in known
                else await stored.since(max([newest - _KEPT_VERSIONS + 1, *(v + 1 for v in known)]))
            )
        self._looked_at[tenant] = time.monotonic()
        self._remember(tenant, fresh)
        return self.current(tenant)

    def current(self, tenant: str) -> Catalogue:
        """See the port. LookupError before the first refresh."""
        known = self._known[tenant]
        return known[max(known)]

    def at(self, reference: str) -> Catalogue:
        """See the port. LookupError before the first refresh."""
        tenant, _, version = reference.rpartition("/")
        known = self._known[tenant]
        return known.get(int(version)) or known[max(known)]

    def document(self, reference: str) -> Mapping[str, object]:
        """The document of a catalogue version, or of the newest."""
        tenant, _, _version = reference.rpartition("/")
        newest = f"{tenant}/{max(self._known[tenant])}"
        return self._documents.get(reference) or self._documents[newest]

    def _remember(self, tenant: str, fresh: Mapping[int, Mapping[str, object]]) -> None:
        known = self._known.setdefault(tenant, {})
        for version, document in fresh.items():
            known[version] = read_document(document, version)
            self._documents[f"{tenant}/{version}"] = document
        for version in sorted(known)[:-_KEPT_VERSIONS]:
            del known[version], self._documents[f"{tenant}/{version}"]
