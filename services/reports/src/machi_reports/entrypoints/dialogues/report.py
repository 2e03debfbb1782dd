"""The dialogue `report`: from "something is broken" to a case number."""

import math
from collections.abc import Iterator, Mapping

from machi.dialogue.v1.messages_pb2 import Message
from machi_sdk import messages as say
from machi_sdk.dialogue import (
    Accept,
    Answers,
    Choices,
    Confirm,
    Json,
    Opt,
    PhotoQ,
    PlaceQ,
    Question,
    Reject,
    Reply,
    TurnContext,
    WordsQ,
)
from machi_sdk.manifest import Purpose
from machi_sdk.names import fold
from machi_sdk.telemetry import current_trace_id
from machi_sdk.work import Works

from machi_reports.adapters.work import ReportsWork
from machi_reports.domain.catalogue import Category, UrgentOffice
from machi_reports.domain.report import Place, Report
from machi_reports.domain.words import storable
from machi_reports.entrypoints.wording import TEXTS, Wording
from machi_reports.ports import Chooser, Consents, CurrentCatalogues, Decision, WardMap
from machi_reports.use_cases.file_report import FileReport, file_report

WORDS = WordsQ(minimum=1, maximum=2000)
_HERE = frozenset(fold(word) for words in TEXTS.words("report.here-words").values() for word in words.split("|"))
