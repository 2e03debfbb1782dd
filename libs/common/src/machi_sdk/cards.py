"""Desk cards: the check of a submitted form, the same on every surface that shows one."""

from collections.abc import Mapping

from machi.dialogue.v1.desk_card_pb2 import Form, FormField
from machi_sdk.names import says_something


def check_form(form: Form, values: Mapping[str, str], *, as_offered: bool = True) -> dict[str, str]:
    """What to say per field that is missing, too long, or no offered option; empty when all is well.

    Where a field's error has `{length}`, it says how long the words were. With `as_offered` False any option will do:
    the list may have been another one when it was shown.
    """
    missing = "" if any(_given(each, values) for each in form.needs_one_of) else next(iter(form.needs_one_of), "")
    return {
        field.field_id: _error(field, values)
        for field in form.fields
        if field.field_id == missing or not _fits(field, values, as_offered=as_offered)
    }


def _error(field: FormField, values: Mapping[str, str]) -> str:
    length = len(_given(field.field_id, values))
    return (field.error or field.label).replace("{length}", f"{length:,}")


def _given(field_id: str, values: Mapping[str, str]) -> str:
    words = values.get(field_id, "")
    return words.strip() if says_something(words) else ""


def _fits(field: FormField, values: Mapping[str, str], *, as_offered: bool) -> bool:
    value = _given(field.field_id, values)
    if not value:
        return field.optional
    if field.WhichOneof("kind") == "choice":
        return not as_offered or value in {option.option_id for option in field.choice.options}
    return field.words.minimum <= len(value) <= (field.words.maximum or 3000)
