"""What a message has many of, as LINE's models without their validators, which cost most of a rendering.

mypy reads the types all the same, and what goes in was cut to LINE's sizes before.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from linebot.v3.messaging import FlexBox, FlexButton, FlexText, PostbackAction, QuickReplyItem
from pydantic.v1 import BaseModel

P = ParamSpec("P")
M = TypeVar("M")


def _unvalidated(model: Callable[P, M]) -> Callable[P, M]:
    assert isinstance(model, type)
    assert issubclass(model, BaseModel)
    return cast("Callable[P, M]", model.construct)


flex_box = _unvalidated(FlexBox)
flex_button = _unvalidated(FlexButton)
flex_text = _unvalidated(FlexText)
postback = _unvalidated(PostbackAction)
quick_item = _unvalidated(QuickReplyItem)
