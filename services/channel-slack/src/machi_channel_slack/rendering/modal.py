"""A card's form as a Slack modal."""

from collections.abc import Sequence

from slack_sdk.models.blocks import (
    InputBlock,
    Option,
    OptionGroup,
    PlainTextInputElement,
    PlainTextObject,
    StaticSelectElement,
)
from slack_sdk.models.views import View

from machi.dialogue.v1 import messages_pb2 as neutral
from machi.dialogue.v1.desk_card_pb2 import Form, FormField
from machi_channel_slack.rendering import limits
from machi_channel_slack.rendering.plain import plain

CALLBACK = "machi_form"


def modal(form: Form, metadata: str) -> dict[str, object]:
    """The view; `metadata` comes back with the submission."""
    view = View(
        type="modal",
        callback_id=CALLBACK,
        title=plain(form.title, limits.MODAL_LABEL),
        submit=plain(form.submit_label or "✓", limits.MODAL_LABEL),
        close=plain(form.close_label, limits.MODAL_LABEL) if form.close_label else None,
        private_metadata=metadata,
        blocks=[_input(field) for field in form.fields],
    )
    found: dict[str, object] = view.to_dict()
    return found


def _input(field: FormField) -> InputBlock:
    return InputBlock(
        block_id=field.field_id,
        label=plain(field.label or field.field_id, limits.FIELD_LABEL),
        optional=field.optional,
        element=_choice(field) if field.WhichOneof("kind") == "choice" else _words(field),
    )


def _words(field: FormField) -> PlainTextInputElement:
    most = field.words.maximum or limits.INPUT
    return PlainTextInputElement(
        action_id=field.field_id,
        multiline=field.words.multiline,
        max_length=min(most, limits.INPUT),
        placeholder=_placeholder(field),
    )


def _choice(field: FormField) -> StaticSelectElement:
    offered = field.choice.options[: limits.OPTIONS * limits.OPTION_GROUPS]
    if len(offered) <= limits.OPTIONS:
        options = list(map(_option, offered))
        return StaticSelectElement(action_id=field.field_id, options=options, placeholder=_placeholder(field))
    groups = [_group(offered[start : start + limits.OPTIONS]) for start in range(0, len(offered), limits.OPTIONS)]
    return StaticSelectElement(action_id=field.field_id, option_groups=groups, placeholder=_placeholder(field))


def _option(option: neutral.Option) -> Option:
    return Option(text=plain(option.label or option.option_id, limits.OPTION), value=option.option_id)


def _group(options: Sequence[neutral.Option]) -> OptionGroup:
    """A hundred options, named by the first and the last of them."""
    ends = " – ".join(each.label or each.option_id for each in (options[0], options[-1]))
    return OptionGroup(label=plain(ends, limits.OPTION), options=list(map(_option, options)))


def _placeholder(field: FormField) -> PlainTextObject | None:
    return plain(field.placeholder, limits.PLACEHOLDER) if field.placeholder else None
