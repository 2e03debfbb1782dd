"""What a filled-in view or message says: the `state` of payloads."""

from machi_simulator.jsontree import Json, as_object, child, children, text

Filled = dict[str, dict[str, object]]
OPTION_KINDS = {"static_select", "radio_buttons", "external_select"}
OPTIONS_KINDS = {"checkboxes", "multi_static_select", "multi_external_select"}
SINGLE_KEYS = {
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "users_select": "selected_user",
    "channels_select": "selected_channel",
    "conversations_select": "selected_conversation",
}
INITIAL_KEYS = {
    "datepicker": "initial_date",
    "timepicker": "initial_time",
    "datetimepicker": "initial_date_time",
    "users_select": "initial_user",
    "channels_select": "initial_channel",
    "conversations_select": "initial_conversation",
}


def stateful(block: Json) -> list[Json]:
    """The elements of a block that hold an answer."""
    kind = text(block, "type")
    if kind == "input":
        return [child(block, "element")]
    elements = children(block, "elements") if kind == "actions" else [child(block, "accessory")]
    return [element for element in elements if text(element, "type") not in ("", "button", "overflow", "image")]


def values(blocks: list[Json], filled: Filled) -> Json:
    """`state.values`: every stateful element with what was filled in, else with its initial value."""
    found: Json = {}
    for block in blocks:
        for element in stateful(block):
            block_id, action_id = text(block, "block_id"), text(element, "action_id")
            given = filled.get(block_id, {}).get(action_id, _missing)
            entry = initial(element) if given is _missing else answered(element, given)
            found[block_id] = as_object(found.get(block_id)) | {action_id: entry}
    return found


_missing = object()


def answered(element: Json, given: object) -> Json:
    """One element's answer in Slack's shape; choices are given by their option values."""
    kind = text(element, "type")
    if kind in OPTION_KINDS:
        return {"type": kind, "selected_option": option(element, str(given)) if given else None}
    if kind in OPTIONS_KINDS:
        chosen = [str(each) for each in given] if isinstance(given, list) else [str(given)] if given else []
        return {"type": kind, "selected_options": [found for each in chosen if (found := option(element, each))]}
    if kind in SINGLE_KEYS:
        value: object = int(str(given)) if kind == "datetimepicker" and str(given).isdecimal() else given or None
        return {"type": kind, SINGLE_KEYS[kind]: value}
    if kind.startswith("multi_"):
        key = f"selected_{kind.removeprefix('multi_').removesuffix('_select')}"
        return {"type": kind, key: given if isinstance(given, list) else [given]}
    return {"type": kind, "value": str(given) if given not in (None, "") else None}


def option(element: Json, value: str) -> Json | None:
    """The option with this value."""
    groups = [choice for group in children(element, "option_groups") for choice in children(group, "options")]
    return next((each for each in [*children(element, "options"), *groups] if text(each, "value") == value), None)


def initial(element: Json) -> Json:
    """The answer the app put into an element, in Slack's shape."""
    kind = text(element, "type")
    if kind in OPTION_KINDS:
        return {"type": kind, "selected_option": child(element, "initial_option") or None}
    if kind in OPTIONS_KINDS:
        return {"type": kind, "selected_options": children(element, "initial_options")}
    if kind in SINGLE_KEYS:
        return {"type": kind, SINGLE_KEYS[kind]: element.get(INITIAL_KEYS[kind])}
    return {"type": kind, "value": element.get("initial_value")}


def given(answer: Json) -> list[str]:
    """What an answer says: its words, or the values of the options chosen."""
    found: list[object] = []
    for key, value in answer.items():
        if key != "type":
            found += value if isinstance(value, list) else [value]
    return [text(each, "value") if isinstance(each, dict) else str(each) for each in found if each is not None]


def lacking(blocks: list[Json], state: Json) -> dict[str, str]:
    """Errors by block that Slack's own client reports before anything is sent."""
    found: dict[str, str] = {}
    for block in blocks:
        if text(block, "type") != "input":
            continue
        element = child(block, "element")
        entry = child(child(state, text(block, "block_id")), text(element, "action_id"))
        answers = [value for key, value in entry.items() if key != "type"]
        empty = not any(answers)
        if empty and not block.get("optional"):
            found[text(block, "block_id")] = "Please complete this required field."
        elif not empty:
            found |= _wrong_length(block, element, str(answers[0]))
    return found


def _wrong_length(block: Json, element: Json, words: str) -> dict[str, str]:
    if isinstance(n := element.get("max_length"), int) and len(words) > n:
        return {text(block, "block_id"): f"Must be at most {n} characters."}
    if isinstance(n := element.get("min_length"), int) and len(words) < n:
        return {text(block, "block_id"): f"Must be at least {n} characters."}
    return {}
