"""News in the person's language: templates around the officer's own words."""

from machi.dialogue.v1.messages_pb2 import Button, Message
from machi_notifications.domain.fact import News
from machi_sdk.messages import card, command_button
from machi_sdk.texts import Texts

_POD = "reports"
_SCORES = range(1, 6)
# The officer's words that a person can reply to, and the label of the button that does it wherever they are.
_REPLIES = {"ReporterAsked": "answer", "ReporterWrittenTo": "reply", "ReportRejected": "reply"}


class Templates:
    """Builds the messages of a piece of news."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    def messages(self, news: News) -> list[Message]:
        """What happened, the case number after its label, the officer's words as written, what can be done."""
        fact, language = news.fact, news.contact.language
        title = self._texts.say(language, f"{fact.cause}.title")
        number = self._texts.say(language, "number", number=fact.case_number)
        said = news.words or self._body(language, fact.cause)
        body = f"{number}\n\n{said}" if said else number
        return [card(title, body, self._facts(news), self._buttons(news))]

    def _body(self, language: str, cause: str) -> str:
        key = f"{cause}.body"
        return self._texts.say(language, key) if self._texts.has(key) else ""

    def _facts(self, news: News) -> list[tuple[str, str]]:
        if news.fact.cause != "ReportResolved":
            return []
        say, language = self._texts.say, news.contact.language
        return [(say(language, "ReportResolved.rate"), say(language, "ReportResolved.scale"))]

    def _buttons(self, news: News) -> list[Button]:
        say, language, case = self._texts.say, news.contact.language, news.fact.report_id
        if news.fact.cause in _REPLIES:
            label, said = say(language, f"{news.fact.cause}.{_REPLIES[news.fact.cause]}"), news.fact.update_id
            return [command_button(label, _POD, "answer", case=case, question=said)]
        if news.fact.cause == "ReportMarkedDuplicate":
            return [command_button(say(language, "ReportMarkedDuplicate.reopen"), _POD, "reopen", case=case)]
        if news.fact.cause != "ReportResolved":
            return []
        stars = [
            command_button(say(language, "ReportResolved.star", score=score), _POD, "rate", case=case, score=str(score))
            for score in _SCORES
        ]
        return [*stars, command_button(say(language, "ReportResolved.reopen"), _POD, "reopen", case=case)]
