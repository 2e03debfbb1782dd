"""Who gets what."""

from machi.dialogue.v1.dialogue_service_pb2_grpc import add_DialogueServiceServicer_to_server
from machi.reports.v1.report_service_pb2_grpc import add_ReportServiceServicer_to_server
from machi_reports.adapters.catalogue_documents import CheckedDocuments
from machi_reports.adapters.catalogues import MemoryCatalogues
from machi_reports.adapters.consents import PURPOSE, RpcConsents
from machi_reports.adapters.photo_worker import ProcessPhotoWorker
from machi_reports.adapters.ward_map import PolygonWardMap
from machi_reports.adapters.work import CONSTRAINTS, ReportsWork
from machi_reports.entrypoints.desk import Desk
from machi_reports.entrypoints.desk_view import DeskView
from machi_reports.entrypoints.dialogues.answer import AnswerDialogue
from machi_reports.entrypoints.dialogues.cases import CasesDialogue
from machi_reports.entrypoints.dialogues.rate import RateDialogue
from machi_reports.entrypoints.dialogues.reopen import ReopenDialogue
from machi_reports.entrypoints.dialogues.report import ReportDialogue
from machi_reports.entrypoints.media import Media
from machi_reports.entrypoints.rpc import ReportRpc
from machi_reports.entrypoints.turns import catalogue_first, retracted
from machi_sdk.dialogue import DialogueEndpoint, DialogueKit
from machi_sdk.service import Pod


async def assemble(pod: Pod) -> None:
    """Hang this pod's entrypoints on its doors."""
    works = pod.works(ReportsWork, CONSTRAINTS)
    notice = next(purpose for purpose in pod.manifest.purposes if purpose.purpose == PURPOSE)
    consents = RpcConsents(pod.peers, notice.version)
    catalogues = MemoryCatalogues(works)
    report = ReportDialogue(works, catalogues, PolygonWardMap(catalogues), consents, notice)
    others = (CasesDialogue(works, catalogues), RateDialogue(works), ReopenDialogue(works), AnswerDialogue(works))
    kit = DialogueKit(works, [report, *others], pod.clock, retracted, catalogue_first(catalogues))
    view = DeskView(works, catalogues, consents, pod.clock)
    media = Media(works, ProcessPhotoWorker(), view)
    turns = DialogueEndpoint(kit, works, Desk(catalogues, view), media)
    pod.serve(add_DialogueServiceServicer_to_server, turns)
    pod.serve(add_ReportServiceServicer_to_server, ReportRpc(works, CheckedDocuments()))
