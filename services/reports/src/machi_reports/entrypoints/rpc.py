"""ReportService: what other pods and operators ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import grpc
from google.protobuf.message import Message

from machi.reports.v1 import report_service_pb2 as wire
from machi.reports.v1.report_service_pb2_grpc import ReportServiceServicer
from machi_reports.adapters.work import ReportsWork
from machi_reports.domain.case_number import read_case_number
from machi_reports.domain.conversation import FOR_REPORTER
from machi_reports.ports import CatalogueDocuments
from machi_reports.use_cases.put_catalogue import put_catalogue
from machi_sdk.errors import Missing
from machi_sdk.rpc import current_call
from machi_sdk.work import Works

if TYPE_CHECKING:
    Context: TypeAlias = grpc.aio.ServicerContext[Message, Message]


@dataclass(frozen=True)
class ReportRpc(ReportServiceServicer):
    """Decodes, reads, encodes."""

    works: Works[ReportsWork]
    documents: CatalogueDocuments

    async def GetUpdate(self, request: wire.GetUpdateRequest, context: Context) -> wire.GetUpdateResponse:
        """The officer's words, for the message to the reporter; logs one access."""
        call = current_call()
        async with self.works.begin(call.tenant) as work:
            report = await work.reports.get(request.report_id)
            entries = await work.reports.conversation(report.report_id)
            spoken = (entry for entry in entries if entry.kind in FOR_REPORTER)
            entry = next((entry for entry in spoken if entry.update_id == request.update_id), None)
            if entry is None:
                raise Missing("update-unknown")
            await work.accesses.log(report.report_id, "update", call.caller)
            work.hop("update.read", report_id=report.report_id, caller=call.caller)
        filing = report.filing
        return wire.GetUpdateResponse(
            case_number=filing.case_number, words=entry.text, category_code=filing.category_code
        )

    async def FindCase(self, request: wire.FindCaseRequest, context: Context) -> wire.FindCaseResponse:
        """Where the trace of a case begins."""
        number = read_case_number(request.case_number)
        async with self.works.begin(current_call().tenant) as work:
            report = await work.reports.find(number) if number else None
        if report is None:
            raise Missing("case-unknown", "no case has this number")
        return wire.FindCaseResponse(report_id=report.report_id, trace_id=report.filing.trace_id)

    async def PutCatalogue(self, request: wire.PutCatalogueRequest, context: Context) -> wire.PutCatalogueResponse:
        """The city's next catalogue; Invalid names the wrong place. Checked before the work: that takes seconds."""
        document = await self.documents.check(request.catalogue_json)
        async with self.works.begin(current_call().tenant) as work:
            catalogue = await put_catalogue(document, self.documents, work)
        return wire.PutCatalogueResponse(categories=len(catalogue.categories), wards=len(catalogue.wards))
