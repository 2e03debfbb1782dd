"""What `report` asks, in which order: a plain function of the answers so far."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from machi.dialogue.v1.messages_pb2 import Message
from machi_reports.domain.catalogue import AnswerOption, Category, UrgentOffice
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


def decided_since(answers: Answers, decided: Decision) -> dict[str, Json]:
    """That fact; it counts over the present answer alone, and no longer once they answer anew."""
    return {DECIDED_SINCE: {"decision": decided.value, "over": answers.event_of("messages")}}


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
    def details_were_asked(self) -> bool:
        """Whether a detail was answered by itself, and not by the words that said the category, too."""
        told = self.answers.event_of("category")
        return any(self.answers.event_of(key) != told for key in filter(_is_detail, self.answers))

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
    def known_decision(self) -> str:
        """What the ledger said when the dialogue last looked."""
        since = self.answers.mapping(DECIDED_SINCE)
        return str(since.get("decision") or self.answers.text("decision"))

    @property
    def messages_wanted(self) -> bool | None:
        """What they answered here about messages; None when they did not, or decided otherwise elsewhere after it."""
        since, answer = self.answers.mapping(DECIDED_SINCE), self.answers.mapping("messages").get("wanted")
        is_overruled = bool(since) and since["over"] == self.answers.event_of("messages")
        return answer if isinstance(answer, bool) and not is_overruled else None

    @property
    def notice_read(self) -> int:
        """The version of the notice that they answered here; 0 when they answered none."""
        version = self.answers.mapping("messages").get("notice")
        return version if isinstance(version, int) else 0

    @property
    def messages_allowed(self) -> bool | None:
        """What the person decided last, here, elsewhere, or before; None when never asked."""
        if self.messages_wanted is not None:
            return self.messages_wanted
        return {Decision.GIVEN.value: True, Decision.REFUSED.value: False}.get(self.known_decision)

    def stands(self, decided: Decision) -> bool:
        """Whether what is shown here about messages is true with what the ledger says, or will be made so."""
        will_be = self.messages_wanted is not None and decided.value == self.known_decision
        return will_be or (decided is Decision.GIVEN) == bool(self.messages_allowed)


def next_question(answers: Answers, wording: Wording, notice: Purpose) -> Question | None:
    """The first question without an answer."""
    questions = _questions(answers, wording, notice)
    again = {"photo", "messages"} if ReportSoFar(answers).notice_read != notice.version else {"photo"}
    asked = (question for question in questions if question.key not in answers or question.key in again)
    question = next(asked, None)
    return replace(question, about=_about(ReportSoFar(answers), wording)) if question else None


def urgent_in(words: str, wording: Wording) -> tuple[Message, ...]:
    """Whom to phone, where free words tell of a danger; nothing otherwise."""
    return _urgent(wording.catalogue.urgent_office_in(words), wording)


def _about(so_far: ReportSoFar, wording: Wording) -> str:
    category = so_far.answers.text("category")
    parts = (wording.category(category), wording.details(category, so_far.details)) if category else ()
    return wording.joined(parts)


def _questions(answers: Answers, wording: Wording, notice: Purpose) -> Iterator[Question]:
    """Every question in order; what comes after an unanswered one is never asked for."""
    so_far = ReportSoFar(answers)
    categories = tuple(_category_option(entry, wording) for entry in wording.catalogue.categories)
    yield Question("category", wording.say("report.category"), Choices(categories))
    category = wording.catalogue.category(answers.text("category"))
    yield from _details(category, wording)
    urgent = _urgent_by_details(category, so_far, wording)
    yield Question("place", wording.say("report.place"), PlaceQ(), before=urgent)
    if answers.takes_more("photo", MOST_PHOTOS):
        # Who had sent the place before is asked for none, and would not be told whom to phone.
        before = urgent if so_far.kind_is_newer and not so_far.photo_ids else ()
        yield replace(_photo_question(len(so_far.photo_ids), wording), before=before)
    yield Question("words", wording.say("report.words"), WORDS)
    if Decision.NONE in (answers.text("decision"), so_far.known_decision) or answers.asked_again("messages"):
        yield Question("messages", _notice_prompt(notice, wording), _yes_no("messages", wording))
    confirm = Confirm(*(wording.say(f"report.confirm-{name}") for name in ("yes", "no", "change")))
    before = (*_urgent_in_the_end(so_far, urgent, wording), _summary(so_far, wording))
    changes = tuple(_changes(answers, wording))
    yield Question("confirm", wording.say("report.confirm"), confirm, before=before, changes=changes)


def _category_option(category: Category, wording: Wording) -> Opt:
    words, not_words = category.all_words, category.all_not_words
    label, decides = wording.pick(category.labels), category.always_urgent
    return Opt(category.code, label, words=words, not_words=not_words, decides=decides)


def _detail_option(option: AnswerOption, wording: Wording) -> Opt:
    words, not_words = option.all_words, option.all_not_words
    return Opt(option.option_id, wording.pick(option.labels), words=words, not_words=not_words)


def _changes(answers: Answers, wording: Wording) -> Iterator[Change]:
    """What can be corrected; another category asks its own details, and messages were perhaps decided before."""
    details = tuple(filter(_is_detail, answers))
    groups = {"category": ("category", *details), "detail": details}
    groups |= {key: (key,) for key in ("place", "photo", "words", "messages")}
    for name, keys in groups.items():
        if name == "messages" or any(answers.event_of(key) for key in keys):
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
        options = tuple(_detail_option(option, wording) for option in question.options)
        is_first = index == 0 and category.always_urgent
        before = _urgent(category.urgent, wording) if is_first else ()
        yield Question(DETAIL + question.key, wording.pick(question.prompts), Choices(options), before=before)


def _urgent_by_details(category: Category | None, so_far: ReportSoFar, wording: Wording) -> tuple[Message, ...]:
    """Whom to phone, where no question about details has said so already."""
    if category is None or (category.always_urgent and so_far.details_were_asked):
        return ()
    return _urgent(category.urgent_office(so_far.details), wording)


def _urgent_in_the_end(so_far: ReportSoFar, urgent: tuple[Message, ...], wording: Wording) -> tuple[Message, ...]:
    """Whom to phone, before the summary: where the kind became urgent at last, or the words tell of another danger.

    Those that say where it is count, too.
    """
    catalogue = wording.catalogue
    category = catalogue.category(so_far.answers.text("category"))
    own = category.urgent_office(so_far.details) if category else None
    told = map(catalogue.urgent_office_in, (so_far.answers.text("words"), so_far.place.words))
    other = next((office for office in told if office not in (None, own)), None)
    return (*(urgent if so_far.kind_is_newer else ()), *_urgent(other, wording))


def _urgent(office: UrgentOffice | None, wording: Wording) -> tuple[Message, ...]:
    if office is None:
        return ()
    phone, advice = wording.phone(office.phone), wording.pick(office.advice)
    words = wording.say("report.urgent", office=wording.pick(office.titles), phone=phone, advice=advice)
    return (say.link(words, wording.say("report.urgent-call"), wording.dialled(office.phone)),)


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
