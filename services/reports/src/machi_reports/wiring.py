"""Who gets what."""

from machi.dialogue.v1.dialogue_service_pb2_grpc import add_DialogueServiceServicer_to_server
from machi.reports.v1.report_service_pb2_grpc import add_ReportServiceServicer_to_server
from machi_reports.adapters.catalogue_documents import CheckedDocuments
from machi_reports.adapters.catalogues import MemoryCatalogues
from machi_reports.adapters.colleagues import RpcColleagues
from machi_reports.adapters.consents import PURPOSE, RpcConsents, present_notice
from machi_reports.adapters.photo_links import PATH, SealedPhotoLinks
from machi_reports.adapters.photo_store import ObstorePhotos
from machi_reports.adapters.photo_worker import ProcessPhotoWorker
from machi_reports.adapters.ward_map import PolygonWardMap
from machi_reports.adapters.work import CONSTRAINTS, ReportsWork
from machi_reports.entrypoints.desk import Desk
from machi_reports.entrypoints.desk_board import DeskBoard
from machi_reports.entrypoints.desk_photos import DeskPhotos
from machi_reports.entrypoints.desk_view import DeskView
from machi_reports.entrypoints.dialogues.answer import AnswerDialogue
from machi_reports.entrypoints.dialogues.cases import CasesDialogue
from machi_reports.entrypoints.dialogues.rate import RateDialogue
from machi_reports.entrypoints.dialogues.reopen import ReopenDialogue
from machi_reports.entrypoints.dialogues.report import ReportDialogue
from machi_reports.entrypoints.media import Media
from machi_reports.entrypoints.messaging import renewing, take_linked, take_outcomes
from machi_reports.entrypoints.photo_route import PhotoRoute
from machi_reports.entrypoints.photo_upkeep import PhotoUpkeep
from machi_reports.entrypoints.reminders import Reminders
from machi_reports.entrypoints.rpc import ReportRpc
from machi_reports.entrypoints.staffing import Staffing
from machi_reports.entrypoints.turns import catalogue_first, retracting
from machi_reports.use_cases.shelf import Shelf
from machi_sdk.dialogue import DialogueEndpoint, DialogueKit
from machi_sdk.service import Pod


async def assemble(pod: Pod) -> None:
    """Hang this pod's entrypoints on its doors."""
    works = pod.works(ReportsWork, CONSTRAINTS)
    store, worker = ObstorePhotos(pod.settings.object_store_url), ProcessPhotoWorker()
    shelf = Shelf(works.begin, store, pod.clock, pod.faultpoints.reach)
    links = SealedPhotoLinks(pod.settings.public_url, pod.keys.seal)
    notice = present_notice(pod.manifest.purposes)
    consents = RpcConsents(pod.peers, notice.version)
    catalogues = MemoryCatalogues(works)
    upkeep = PhotoUpkeep(sorted(pod.settings.tenants), shelf, worker, catalogues)
    report = ReportDialogue(works, catalogues, PolygonWardMap(catalogues), consents, notice)
    own_cases = (CasesDialogue(works, catalogues), AnswerDialogue(works, catalogues))
    others = (*own_cases, RateDialogue(works), ReopenDialogue(works, catalogues))
    kit = DialogueKit(works, [report, *others], pod.clock, retracting(upkeep.wake), catalogue_first(catalogues))
    colleagues = RpcColleagues(pod.peers)
    view = DeskView(works, catalogues, consents, colleagues, shelf, bool(pod.settings.public_url), pod.clock)
    desk = Desk(catalogues, view, DeskPhotos(links), colleagues, DeskBoard(works, catalogues, colleagues, pod.clock))
    turns = DialogueEndpoint(kit, works, desk, Media(works, shelf, worker, view))
    pod.serve(add_DialogueServiceServicer_to_server, turns)
    pod.consume("machi.citizens.v1", works, take_linked)
    pod.consume("machi.consent.v1", works, renewing(PURPOSE))
    pod.consume("machi.deliveries.outcomes.v1", works, take_outcomes)
    pod.serve(add_ReportServiceServicer_to_server, ReportRpc(works, CheckedDocuments(pod.clock)))
    pod.route(f"{PATH}/{{token}}", PhotoRoute(links, shelf), methods=("GET",))
    pod.background("photo upkeep", upkeep.run)
    pod.background("reminders", Reminders(sorted(pod.settings.tenants), works, catalogues, pod.clock).run)
    pod.background("staffing", Staffing(sorted(pod.settings.tenants), works, catalogues, pod.clock, colleagues).run)
    pod.ready_check("object store", store.trouble)
