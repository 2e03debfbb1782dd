"""News as a delivery request."""

from machi.deliveries.v1.events_pb2 import DeliveryRequested
from machi_notifications.adapters.messages import Templates
from machi_notifications.domain.delivery import Delivery
from machi_notifications.domain.fact import News

PURPOSE = "reports.case-updates"


class ReportLetters:
    """Letters about reports, in the languages of the templates."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates

    def write(self, news: News, delivery: Delivery, *, quiet: bool) -> bytes:
        """The request of a delivery; a question brings the session along that waits for its answer."""
        request = DeliveryRequested(
            delivery_id=delivery.delivery_id,
            citizen_id=delivery.citizen_id,
            channel=delivery.channel,
            purpose=PURPOSE,
            thread=delivery.thread,
            version=delivery.version,
            language=news.contact.language,
            messages=self._templates.messages(news),
            quiet=quiet,
        )
        request.send_before.FromDatetime(delivery.send_before)
        if news.fact.session_id:
            request.focus_pod, request.focus_session_id = "reports", news.fact.session_id
        return request.SerializeToString()
