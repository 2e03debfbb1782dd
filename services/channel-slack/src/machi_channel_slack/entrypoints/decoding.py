"""What Slack delivered, as inbound events."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from machi.channel.v1.events_pb2 import FormSubmitted, InboundEvent, Pressed, ThreadReplied
from machi_channel_slack.domain.payloads import Press, Reply, Submission
from machi_channel_slack.domain.press import CardAction
from machi_sdk.clock import stamp
from machi_sdk.ids import derived_id

CHANNEL = "slack"


def reply_event(reply: Reply, team: str, received_at: datetime, *, redelivered: bool) -> InboundEvent:
    """Words in a thread."""
    return InboundEvent(
        event_id=reply.event_id,
        channel=CHANNEL,
        address=f"{team}/{reply.user}",
        occurred_at=_slack_time(reply.ts, received_at),
        received_at=stamp(received_at),
        redelivered=redelivered,
        message_id=f"{reply.channel}/{reply.ts}",
        thread_reply=ThreadReplied(place_id=reply.channel, thread_id=reply.thread_ts, text=reply.text),
    )


def press_event(press: Press, team: str, received_at: datetime) -> InboundEvent:
    """A pressed button; interactions have no event id, so one is made that a second delivery shares."""
    moment = press.action_ts or press.trigger_id
    return InboundEvent(
        event_id=derived_id("slack-press", team, press.user, press.channel, press.message_ts, press.action_id, moment),
        channel=CHANNEL,
        address=f"{team}/{press.user}",
        occurred_at=_slack_time(press.action_ts, received_at),
        received_at=stamp(received_at),
        reply_handle=press.response_url,
        pressed=Pressed(data=press.value, place_id=press.channel, post_id=press.message_ts),
    )


def form_event(submission: Submission, action: CardAction, team: str, received_at: datetime) -> InboundEvent:
    """A form that was checked; one view is one submission, however often it arrives."""
    card = action.card
    return InboundEvent(
        event_id=derived_id("slack-form", team, submission.user, submission.view_id),
        channel=CHANNEL,
        address=f"{team}/{submission.user}",
        occurred_at=stamp(received_at),
        received_at=stamp(received_at),
        form=FormSubmitted(
            card_id=card.card_id,
            desk_id=card.desk_id,
            pod=card.pod,
            action_id=action.action_id,
            values=dict(submission.values),
        ),
    )


def _slack_time(ts: str, otherwise: datetime) -> Timestamp:
    try:
        seconds = float(ts)
    except ValueError:
        return stamp(otherwise)
    return stamp(datetime.fromtimestamp(seconds, UTC) if 0 < seconds < 1e11 else otherwise)
