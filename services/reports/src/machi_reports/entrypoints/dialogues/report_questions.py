"""What `report` asks, in which order: a plain function of the answers so far."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from machi.dialogue.v1.messages_pb2 import Message
from machi_reports.domain.catalogue import Category, UrgentOffice
from machi_reports.domain.consent import Decision
from machi_reports.domain.photo import MOST_PHOTOS
from machi_reports.domain.report import Place
from machi_reports.entrypoints.wording import Wording
from machi_sdk import messages as say
from machi_sdk.dialogue import Answers, Change, Choices, Confirm, Json, Opt, PhotoQ, PlaceQ, Question, WordsQ
from machi_sdk.manifest import Purpose

WORDS = WordsQ(minimum=1, maximum=2000)
DETAIL = "detail-"
# A fact among the answers: the person decided about messages otherwise after the dialogue had asked or looked.
DECIDED_SINCE = "decided-since"


@dataclass(frozen=True)
class ReportSoFar:
    """The answers of the dialogue, read."""

    answers: Answers

    @property
    def details(self) -> dict[str, str]:
        """Option id per question of the category."""
        keys = filter(_is_detail, self.answers)
        return {key.removeprefix(DETAIL): self.answers.text(key) for key in keys}

    @property
    def place(self) -> Place:
        """The place, with the event it came with."""
        value = self.answers.mapping("place")
        latitude, longitude = value.get("latitude"), value.get("longitude")
        return Place(
            latitude=latitude if isinstance(latitude, float) else None,
            longitude=longitude if isinstance(longitude, float) else None,
            title=str(value.get("title") or ""),
            address=str(value.get("address") or ""),
            event_id=self.answers.event_of("place"),
        )

    @property
    def kind_is_newer(self) -> bool:
        """Whether what it is was answered after where it is: it was corrected."""
        keys = [step.key for step in self.answers.steps if step.key in ("category", "place") or _is_detail(step.key)]
        return keys[-1:] != ["place"]

    @property
    def ward_code(self) -> str:
        """The ward the place lies in; may be empty."""
        return str(self.answers.mapping("place").get("ward") or "")

    @property
    def photo_ids(self) -> list[str]:
        """The photos in the order they were sent; those sent together in their own order, whichever came first."""
        photos = [photo for photo in self.answers.all("photo") if isinstance(photo, dict)]
        first: dict[str, int] = {}
        for place, photo in enumerate(photos):
            first.setdefault(_together(photo), place)
        found = sorted(photos, key=lambda photo: (first[_together(photo)], _index(photo)))
        return [str(photo.get("media_id") or "") for photo in found]

    @property
    def messages_allowed(self) -> bool | None:
        """What the person decided, now or before; None when never asked."""
        answer = self.answers.get(DECIDED_SINCE, self.answers.get("messages"))
        if isinstance(answer, bool):
            return answer
        return {Decision.GIVEN.value: True, Decision.REFUSED.value: False}.get(self.answers.text("decision"))


def next_question(answers: Answers, wording: Wording, notice: Purpose) -> Question | None:
    """The first question without an answer."""
    questions = _questions(answers, wording, notice)
    asked = (question for question in questions if question.key not in answers or question.key == "photo")
    question = next(asked, None)
    return replace(question, about=_about(ReportSoFar(answers), wording)) if question else None


def _about(so_far: ReportSoFar, wording: Wording) -> str:
    category = so_far.answers.text("category")
    parts = (wording.category(category), wording.details(category, so_far.details)) if category else ()
    return wording.joined(parts)


def _questions(answers: Answers, wording: Wording, notice: Purpose) -> Iterator[Question]:
    """Every question in order; what comes after an unanswered one is never asked for."""
    so_far = ReportSoFar(answers)
    categories = tuple(
        Opt(entry.code, wording.pick(entry.labels), words=entry.all_words) for entry in wording.catalogue.categories
    )
    yield Question("category", wording.say("report.category"), Choices(categories))
    category = wording.catalogue.category(answers.text("category"))
    yield from _details(category, wording)
    yield Question("place", wording.say("report.place"), PlaceQ(), before=_urgent_by_details(category, so_far, wording))
    if answers.takes_more("photo", MOST_PHOTOS):
        yield _photo_question(len(so_far.photo_ids), wording)
    yield Question("words", wording.say("report.words"), WORDS)
    if answers.text("decision") == Decision.NONE:
        yield Question("messages", _notice_prompt(notice, wording), _yes_no("messages", wording))
    confirm = Confirm(*(wording.say(f"report.confirm-{name}") for name in ("yes", "no", "change")))
    urgent = _urgent_by_details(category, so_far, wording) if so_far.kind_is_newer else ()
    before, changes = (*urgent, _summary(so_far, wording)), tuple(_changes(answers, wording))
    yield Question("confirm", wording.say("report.confirm"), confirm, before=before, changes=changes)


def _changes(answers: Answers, wording: Wording) -> Iterator[Change]:
    """What can be corrected; another category asks its own details."""
    details = tuple(filter(_is_detail, answers))
    groups = {"category": ("category", *details), "detail": details}
    groups |= {key: (key,) for key in ("place", "photo", "words", "messages")}
    for name, keys in groups.items():
        if any(answers.event_of(key) for key in keys):
            yield Change(wording.say(f"fact.{name}"), keys)


def _is_detail(key: str) -> bool:
    return key.startswith(DETAIL)


def _together(photo: dict[str, Json]) -> str:
    """What photos sent together share; a photo alone shares nothing."""
    return str(photo.get("set") or photo.get("media_id"))


def _index(photo: dict[str, Json]) -> int:
    index = photo.get("index")
    return index if isinstance(index, int) else 0


def _photo_question(taken: int, wording: Wording) -> Question:
    prompt = wording.say("report.photo-more", n=MOST_PHOTOS - taken) if taken else wording.say("report.photo")
    return Question("photo", prompt, PhotoQ(MOST_PHOTOS, taken), optional=True)


def _details(category: Category | None, wording: Wording) -> Iterator[Question]:
    if category is None:
        return
    for index, question in enumerate(category.questions):
        options = tuple(
            Opt(option.option_id, wording.pick(option.labels), words=option.all_words) for option in question.options
        )
        is_first = index == 0 and category.always_urgent
        before = _urgent(category.urgent, wording) if is_first else ()
        yield Question(DETAIL + question.key, wording.pick(question.prompts), Choices(options), before=before)


def _urgent_by_details(category: Category | None, so_far: ReportSoFar, wording: Wording) -> tuple[Message, ...]:
    if category is None or (category.always_urgent and category.questions):
        return ()
    return _urgent(category.urgent_office(so_far.details), wording)


def _urgent(office: UrgentOffice | None, wording: Wording) -> tuple[Message, ...]:
    if office is None:
        return ()
    phone, advice = wording.phone(office.phone), wording.pick(office.advice)
    words = wording.say("report.urgent", office=wording.pick(office.titles), phone=phone, advice=advice)
    return (say.link(words, wording.say("report.urgent-call"), f"tel:{office.phone}"),)


def _yes_no(name: str, wording: Wording) -> Confirm:
    return Confirm(wording.say(f"report.{name}-yes"), wording.say(f"report.{name}-no"))


def _notice_prompt(notice: Purpose, wording: Wording) -> str:
    return wording.say("report.messages", benefit=wording.pick(notice.benefit), text=wording.pick(notice.text))


def _summary(so_far: ReportSoFar, wording: Wording) -> Message:
    words = so_far.answers.text("words")
    return say.card(wording.say("report.summary"), words, _facts(so_far, wording).items())


def _facts(so_far: ReportSoFar, wording: Wording) -> Mapping[str, str]:
    category = so_far.answers.text("category")
    shown = {
        "category": wording.category(category),
        "detail": wording.details(category, so_far.details),
        "place": wording.place(so_far.place),
        "ward": wording.ward(so_far.ward_code),
        "photo": wording.photos(len(so_far.photo_ids)),
        "messages": _messages_words(wording, allowed=so_far.messages_allowed),
    }
    return {wording.say(f"fact.{name}"): value for name, value in shown.items() if value}


def _messages_words(wording: Wording, *, allowed: bool | None) -> str:
    if allowed is None:
        return ""
    return wording.say("value.messages-yes" if allowed else "value.messages-no")
