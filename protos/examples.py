"""Make the golden bytes of protos/examples from the readable values beside them.

`<type>.json` or `<type>.<variant>.json` holds the values, the `.binpb` of the same name the bytes as they lie on Kafka.
Bytes that exist are never rewritten: they stand for records written long ago. A new field gets a new variant.
"""

import json
from importlib import import_module
from pathlib import Path

from google.protobuf import json_format, symbol_database
from google.protobuf.message import Message

FOLDER = Path(__file__).parent / "examples"


def type_of(path: Path) -> type[Message]:
    """The generated class an example's file name stands for."""
    package, _, rest = path.stem.partition(".v1.")
    import_module(f"{package}.v1.events_pb2")
    found: type[Message] = symbol_database.Default().GetSymbol(f"{package}.v1.{rest.split('.')[0]}")
    return found


def values_of(path: Path) -> Message:
    """The message that a `.json` example describes; ParseError names a field the type does not have."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return json_format.ParseDict(content, type_of(path)())


def bytes_of(path: Path) -> bytes:
    """The same bytes on every run."""
    return values_of(path).SerializeToString(deterministic=True)


def main() -> None:
    """Write the bytes that are missing; fail when existing ones say something else than their values."""
    wrong = []
    for path in sorted(FOLDER.glob("*.json")):
        golden = path.with_suffix(".binpb")
        if not golden.exists():
            golden.write_bytes(bytes_of(path))
        elif type_of(path).FromString(golden.read_bytes()) != values_of(path):
            wrong.append(path.name)
    if wrong:
        raise SystemExit("golden bytes are kept as they are, add a variant instead: " + ", ".join(wrong))


if __name__ == "__main__":
    main()
