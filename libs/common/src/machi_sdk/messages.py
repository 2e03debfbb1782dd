"""Short ways to build channel-neutral messages."""

from collections.abc import Iterable

from machi.dialogue.v1.messages_pb2 import Button, Command, Fact, InfoCard, Link, MapPin, Message, Receipt, Text

Facts = Iterable[tuple[str, str]]


def text(words: str) -> Message:
    """Plain words."""
    return Message(text=Text(text=words))


def card(title: str, body: str = "", facts: Facts = (), buttons: Iterable[Button] = ()) -> Message:
    """A titled block with label/value lines and buttons."""
    return Message(card=info_card(title, body, facts, buttons))


def info_card(title: str, body: str = "", facts: Facts = (), buttons: Iterable[Button] = ()) -> InfoCard:
    """The same, for a carousel."""
    return InfoCard(title=title, body=body, facts=_facts(facts), buttons=list(buttons))


def receipt(
    title: str, number: tuple[str, str], facts: Facts = (), note: str = "", buttons: Iterable[Button] = ()
) -> Message:
    """A number to keep; `number` is (label, number)."""
    return Message(
        receipt=Receipt(
            title=title, label=number[0], number=number[1], facts=_facts(facts), note=note, buttons=list(buttons)
        )
    )


def link(words: str, label: str, uri: str) -> Message:
    """Words with one https: or tel: link (`language.dialled`); a number stands in the words as its reader writes it."""
    return Message(link=Link(text=words, label=label, uri=uri))


def unsaid_address(shown: Link) -> str:
    """What a link opens, for where it is read; nothing where its words say the telephone number, written their way."""
    number = shown.uri.removeprefix("tel:")
    is_said = number != shown.uri and (number.partition("-")[2] or number) in shown.text
    return "" if is_said else number


def map_pin(title: str, address: str, latitude: float, longitude: float) -> Message:
    """A place on the map, WGS 84."""
    return Message(map_pin=MapPin(title=title, address=address, latitude=latitude, longitude=longitude))


def command_button(label: str, pod: str, command: str, **arguments: str) -> Button:
    """A button that opens a dialogue of an installed pod."""
    return Button(label=label, command=Command(pod=pod, command=command, arguments=arguments))


def uri_button(label: str, uri: str) -> Button:
    """A button that opens an https: or tel: link."""
    return Button(label=label, uri=uri)


def _facts(facts: Facts) -> list[Fact]:
    return [Fact(label=label, value=value) for label, value in facts]
