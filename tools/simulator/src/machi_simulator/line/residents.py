"""What people do with the phone app: add the account, write, send things, press buttons, leave."""

from dataclasses import dataclass, field

from machi_simulator.changes import Changes
from machi_simulator.ids import letters, line_user
from machi_simulator.jsontree import Json, child, text
from machi_simulator.line.buttons import Button, datetime_params, usable
from machi_simulator.line.model import ChatMessage, Media, Resident
from machi_simulator.line.state import LineState
from machi_simulator.line.webhook import LineWebhook

MEDIA_KINDS = {"image": "image", "video": "video", "audio": "audio"}


class NotPossibleError(Exception):
    """A person can't do this now, for the reason given."""


@dataclass(frozen=True)
class Upload:
    """A file a resident sends."""

    body: bytes = field(repr=False)
    content_type: str
    name: str = ""

    @property
    def kind(self) -> str:
        """The LINE message type for it."""
        return MEDIA_KINDS.get(self.content_type.split("/")[0], "file")


@dataclass(frozen=True)
class Sent:
    """What came of an act: the event's id, and the message's where there is one."""

    event: str
    message: str = ""


class Residents:
    """All residents' acts; each that the account may hear of becomes a webhook."""

    def __init__(self, state: LineState, webhook: LineWebhook, changes: Changes) -> None:
        self._state = state
        self._webhook = webhook
        self._changes = changes

    def create(self, name: str, language: str = "", user_id: str = "") -> Resident:
        """A new person who has not added the account yet."""
        person = Resident(id=user_id or line_user(), name=name, language=language)
        self._changes.notify()
        return self._state.residents.put(person)

    def find(self, resident: str) -> Resident:
        """The person. Raises NotPossibleError for an unknown id."""
        person = self._state.residents.get(resident)
        if person is None:
            raise NotPossibleError("there is no such resident")
        return person

    def follow(self, resident: str) -> Sent:
        """Add the account, or unblock it."""
        person = self.find(resident)
        was_blocked = person.blocked
        person.following, person.blocked = True, False
        self._state.residents.put(person)
        return self._tell("follow", resident, {"follow": {"isUnblocked": was_blocked}})

    def block(self, resident: str) -> Sent:
        """Block the account: nothing arrives any more."""
        person = self._friend(resident)
        person.blocked = True
        self._state.residents.put(person)
        return self._tell("unfollow", resident, {}, answerable=False)

    def say(self, resident: str, words: str) -> Sent:
        """Send a text."""
        return self._message(resident, {"type": "text", "text": words, "quoteToken": letters(40)})

    def stick(self, resident: str, package: str = "446", sticker: str = "1988") -> Sent:
        """Send a sticker."""
        content: Json = {
            "type": "sticker",
            "packageId": package,
            "stickerId": sticker,
            "stickerResourceType": "STATIC",
            "quoteToken": letters(40),
        }
        return self._message(resident, content)

    def locate(self, resident: str, place: Json) -> Sent:
        """Send a place: latitude, longitude, and title or address if given."""
        shown = {key: place[key] for key in ("title", "address") if place.get(key)}
        return self._message(
            resident,
            {"type": "location", **shown, "latitude": place["latitude"], "longitude": place["longitude"]},
        )

    def upload(self, resident: str, upload: Upload, together: Json | None = None) -> Sent:
        """Send a photo, video, audio or file; `together` is its place in an image set."""
        content: Json = {"type": upload.kind, **({"imageSet": together} if together else {})}
        if upload.kind == "file":
            content |= {"fileName": upload.name or "file", "fileSize": len(upload.body)}
        else:
            content["contentProvider"] = {"type": "line"}
        if upload.kind in ("image", "video"):
            content["quoteToken"] = letters(40)
        if upload.kind in ("video", "audio"):
            content["duration"] = 1000
        self._friend(resident)
        message_id = self._state.message_id()
        self._state.journal.put_blob(f"line/{message_id}", upload.body)
        self._state.media.put(Media(id=message_id, content_type=upload.content_type, name=upload.name))
        return self._message(resident, content, message_id)

    def upload_together(self, resident: str, uploads: list[Upload]) -> list[Sent]:
        """Send photos in one go: a message and an event each, which name their set."""
        name, total = letters(64), len(uploads)
        places: list[Json] = [{"id": name, "index": index, "total": total} for index in range(1, total + 1)]
        return [self.upload(resident, *pair) for pair in zip(uploads, places, strict=True)]

    def unsend(self, resident: str, message_id: str) -> Sent:
        """Take an own message back."""
        message = self._state.messages.get(message_id)
        if message is None or message.resident != resident or message.sender != "resident" or message.shown_only:
            raise NotPossibleError("only an own message can be taken back")
        message.unsent = True
        self._state.messages.put(message)
        return self._tell("unsend", resident, {"unsend": {"messageId": message_id}}, answerable=False)

    def postback(self, resident: str, action: Json, params: Json | None = None) -> Sent:
        """Press a postback or date picker action; its displayText shows in the chat."""
        self._friend(resident)
        shown = text(action, "displayText")
        if text(action, "text"):
            self.say(resident, text(action, "text"))
        details: Json = {"data": text(action, "data")}
        if params:
            details["params"] = params
        event = self._webhook.event("postback", resident, {"postback": details})
        if shown and not text(action, "text"):
            self._show(resident, {"type": "text", "text": shown}, event)
        return self._send(event)

    def press(self, resident: str, button: Button, value: str = "") -> Sent:
        """Press a button; `value` is the date or time picked. Raises NotPossibleError for what needs a form or link."""
        action = button.action
        if button.kind == "message":
            return self.say(resident, text(action, "text"))
        if button.kind == "postback":
            if text(action, "inputOption") == "openKeyboard":
                self.set_draft(resident, text(action, "fillInText"))
            return self.postback(resident, action)
        if button.kind == "datetimepicker":
            params = datetime_params(action, value)
            if params is None:
                raise NotPossibleError("pick a date or time")
            return self.postback(resident, {"data": text(action, "data")}, params)
        if button.kind == "richmenuswitch":
            return self._switch(resident, action)
        raise NotPossibleError(f"a {button.kind} action is not sent to the account")

    def press_labelled(self, resident: str, label: str, value: str = "") -> Sent:
        """Press the newest button with this label."""
        found = usable(self._state, self.find(resident))
        button = next((each for each in found if each.label == label), None)
        if button is None:
            raise NotPossibleError(f"there is no button {label!r}, only {[each.label for each in found]}")
        return self.press(resident, button, value)

    def press_ref(self, resident: str, ref: str, value: str = "") -> Sent:
        """Press the button of this reference."""
        button = next((each for each in usable(self._state, self.find(resident)) if each.ref == ref), None)
        if button is None:
            raise NotPossibleError("that button is gone")
        return self.press(resident, button, value)

    def _switch(self, resident: str, action: Json) -> Sent:
        alias = self._state.aliases.get(text(action, "richMenuAliasId"))
        person = self._friend(resident)
        if alias is not None:
            person.rich_menu = alias.menu
            self._state.residents.put(person)
        status = "SUCCESS" if alias else "RICHMENU_ALIAS_ID_NOTFOUND"
        params: Json = {"newRichMenuAliasId": text(action, "richMenuAliasId"), "status": status}
        return self.postback(resident, {"data": text(action, "data")}, params)

    def set_draft(self, resident: str, words: str) -> None:
        """Put words into the text box (fillInText)."""
        person = self.find(resident)
        person.draft = words
        self._state.residents.put(person)

    def _friend(self, resident: str) -> Resident:
        person = self.find(resident)
        if not person.following or person.blocked:
            raise NotPossibleError("add the account first")
        return person

    def _message(self, resident: str, content: Json, message_id: str = "") -> Sent:
        self._friend(resident)
        message_id = message_id or self._state.message_id()
        event = self._webhook.event("message", resident, {"message": {"id": message_id, **content}})
        self._show(resident, content, event)
        return Sent(self._send(event).event, message_id)

    def _show(self, resident: str, content: Json, event: Json) -> None:
        """A bubble of the chat; what a button shows has no message of its own in its event."""
        message_id = text(child(event, "message"), "id")
        self._state.add(
            ChatMessage(
                id=message_id or self._state.message_id(),
                resident=resident,
                sender="resident",
                at=self._state.clock.now(),
                content=content,
                shown_only=not message_id,
                event=text(event, "webhookEventId"),
            )
        )

    def _tell(self, kind: str, resident: str, details: Json, *, answerable: bool = True) -> Sent:
        return self._send(self._webhook.event(kind, resident, details, answerable=answerable))

    def _send(self, event: Json) -> Sent:
        self._changes.notify()
        return Sent(self._webhook.send(event))
