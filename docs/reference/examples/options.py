"""Which fields of a message can hold personal data?"""

from google.protobuf.message import Message

from machi.options.v1.options_pb2 import personal


def personal_fields(message: Message) -> list[str]:
    """Their names."""
    return [field.name for field in message.DESCRIPTOR.fields if field.GetOptions().Extensions[personal]]
