"""What Slack delivered, as inbound events."""

from collections.abc import Iterator
from datetime import datetime

from machi.channel.v1.events_pb2 import FormSubmitted, InboundEvent, MediaSent, Pressed, ThreadReplied
from machi_channel_slack.domain.address import CHANNEL, SlackAddress
from machi_channel_slack.domain.conversations import Commanded, Edited, Said, TakenBack
from machi_channel_slack.domain.moments import moment_of
from machi_channel_slack.domain.payloads import HomeLook, Press, Reply, Submission
from machi_channel_slack.domain.press import CardAction
from machi_sdk.clock import stamp
from machi_sdk.conversation.press import ChoicePress, TogglePress, decode, encode
from machi_sdk.ids import derived_id

Delivered = Reply | HomeLook | Said | TakenBack | Edited


def events_of(found: Delivered, team: str, received_at: datetime, *, again: bool) -> list[InboundEvent]:
    """What a delivered event comes to; `again` when Slack delivers it once more."""
    match found:
        case Reply():
            events = list(_reply_events(found, team, received_at))
        case HomeLook():
            events = [_home_event(found, team, received_at)]
        case Said():
            events = _said_events(found, team, received_at)
        case TakenBack():
            events = [_taken_back_event(found, team, received_at)]
        case Edited():
            events = [_direct_event(found.event_id, found, team, received_at)]
            events[0].other.kind = "edited"
    for event in events:
        event.redelivered = again
    return events


def _reply_events(reply: Reply, team: str, received_at: datetime) -> Iterator[InboundEvent]:
    """Words in a thread; files that came with them are an event of their own."""
    if reply.edited or reply.deleted or reply.text.strip():
        yield _reply_event(reply.event_id, reply, team, received_at)
    if reply.files:
        event = _reply_event(derived_id(reply.event_id, "files"), reply, team, received_at)
        event.thread_reply.text, event.thread_reply.files = "", reply.files
        event.thread_reply.ClearField("mentions")
        yield event


def _reply_event(event_id: str, reply: Reply, team: str, received_at: datetime) -> InboundEvent:
    said = ThreadReplied(
        place_id=reply.channel,
        thread_id=reply.thread_ts,
        text=reply.text,
        edited=reply.edited,
        deleted=reply.deleted,
        mentions=reply.mentions,
    )
    event = _event(event_id, SlackAddress(team, reply.user), received_at, reply.ts)
    event.message_id = message_id(reply)
    event.thread_reply.CopyFrom(said)
    return event


def _home_event(look: HomeLook, team: str, received_at: datetime) -> InboundEvent:
    """A look at the home tab."""
    event = _event(look.event_id, SlackAddress(team, look.user), received_at, look.ts)
    event.home_opened.SetInParent()
    return event


def _said_events(said: Said, team: str, received_at: datetime) -> list[InboundEvent]:
    """A resident's message: each file is an event, then the words that came with them."""
    events = [_direct_event(derived_id(said.event_id, file.file_id), said, team, received_at) for file in said.files]
    for index, (event, file) in enumerate(zip(events, said.files, strict=True), start=1):
        if file.kind == "photo":
            sent = MediaSent(content_id=file.file_id, content_type="image", set_id=said.event_id, set_index=index)
            event.media.CopyFrom(sent)
        else:
            event.other.kind = file.kind
    if said.text.strip():
        event = _direct_event(said.event_id, said, team, received_at)
        event.text.text = said.text
        events.append(event)
    return events


def _taken_back_event(taken: TakenBack, team: str, received_at: datetime) -> InboundEvent:
    """A resident deleted a message."""
    event = _direct_event(taken.event_id, taken, team, received_at)
    event.unsent.message_id = event.message_id
    event.ClearField("message_id")
    return event


def command_event(command: Commanded, team: str, delivery: str, received_at: datetime) -> InboundEvent:
    """A slash command: its words, as if they were written to the app; the same delivery again is the same event."""
    event_id = derived_id("slack-command", team, command.user, delivery)
    event = _event(event_id, SlackAddress(team, command.user), received_at)
    event.text.text = command.text or "menu"
    return event


def _direct_event(event_id: str, sent: Said | TakenBack | Edited, team: str, received_at: datetime) -> InboundEvent:
    event = _event(event_id, SlackAddress(team, sent.user), received_at, sent.ts)
    event.message_id, event.thread_id = message_id(sent), sent.thread_ts
    return event


def message_id(sent: Said | TakenBack | Edited | Reply) -> str:
    """What tells a message from all others of the workspace."""
    return f"{sent.channel}/{sent.ts}"


def conversation_event(press: Press, team: str, received_at: datetime) -> InboundEvent | None:
    """A button of the conversation with a resident; None for any other."""
    meaning = decode(press.value)
    if meaning is None:
        return None
    event = press_event(press, team, received_at)
    event.thread_id = press.thread_ts
    if isinstance(meaning, TogglePress):  # "done": what is ticked is the answer
        event.pressed.data = encode(ChoicePress(meaning.ask_id, press.chosen))
    event.pressed.date, event.pressed.time = press.date, press.time
    return event


def press_event(press: Press, team: str, received_at: datetime) -> InboundEvent:
    """A pressed button; interactions have no event id, so one is made that a second delivery shares."""
    moment = press.action_ts or press.trigger_id
    place = (press.channel, press.message_ts)
    event_id = derived_id("slack-press", team, press.user, *place, press.action_id, moment)
    event = _event(event_id, SlackAddress(team, press.user), received_at, press.action_ts)
    event.reply_handle = press.response_url
    event.pressed.CopyFrom(Pressed(data=press.value, place_id=press.channel, post_id=press.message_ts))
    return event


def form_event(submission: Submission, action: CardAction, team: str, received_at: datetime) -> InboundEvent:
    """A form that was checked; one view is one submission, however often it arrives."""
    card = action.card
    event_id = derived_id("slack-form", team, submission.user, submission.view_id)
    event = _event(event_id, SlackAddress(team, submission.user), received_at)
    form = FormSubmitted(card_id=card.card_id, desk_id=card.desk_id, pod=card.pod, action_id=action.action_id)
    form.version = card.version
    form.values.update(submission.values)
    event.form.CopyFrom(form)
    return event


def _event(event_id: str, address: SlackAddress, received_at: datetime, ts: str = "") -> InboundEvent:
    """What somebody did, at `ts` where Slack says when."""
    return InboundEvent(
        event_id=event_id,
        channel=CHANNEL,
        address=str(address),
        occurred_at=stamp(moment_of(ts) or received_at),
        received_at=stamp(received_at),
    )
