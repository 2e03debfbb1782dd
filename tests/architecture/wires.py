"""What a service's code really does on its wires: topics, stubs, servicers."""

import ast
from collections.abc import Iterator, Sequence

from tests.architecture.house import ROOT, Service, Source, calls, constants, imports, literal

SDK = ROOT / "libs" / "common" / "src" / "machi_sdk"
_GENERATED = "_pb2_grpc"
# The SDK's rooms for channel adapters: what a service takes from them speaks on wires in its name.
_LENT = ("machi_sdk.conversation", "machi_sdk.deliveries")


def _speaking(service: Service) -> list[Source]:
    """The service's files, and those of the SDK that speak for it."""
    found = list(service.sources)
    for source in found:
        lent = (taken for module, name in imports(source.tree) for taken in _lent(module, name))
        found.extend(each for each in lent if each not in found)
    return found


def _lent(module: str, name: str) -> Iterator[Source]:
    if module in _LENT:  # a package's face: the room behind the name
        face = Source(SDK / module.rpartition(".")[2] / "__init__.py")
        module = next((room for room, shown in imports(face.tree) if shown == name), "")
    package, _, room = module.rpartition(".")
    if package in _LENT:
        yield Source(SDK / package.rpartition(".")[2] / f"{room}.py")


def _topics(source: Source, method: str, service: dict[str, str], place: int = 0) -> Iterator[str]:
    known = {**service, **constants([source])}
    for call in calls(source.tree, method):
        topic = next((word.value for word in call.keywords if word.arg == "topic"), None) or (
            call.args[place] if len(call.args) > place else None
        )
        if topic is None:
            continue
        name = literal(topic, known)
        yield name if name is not None else f"not a constant: {ast.unparse(topic)} in {source.place}"


def written(service: Service, topics: Sequence[str]) -> set[str]:
    """Topics the code emits or sends to, or lets webhooks' events in by."""
    speaking = _speaking(service)
    known = constants(speaking)
    found = {name for source in speaking for name in _topics(source, "emit", known)}
    entered = {name for source in service.sources for name in _topics(source, "Entrance", known, place=1)}
    sent = {name for source in service.sources for name in _topics(source, "send", known)}
    return found | entered | (sent & set(topics))


def read(service: Service) -> set[str]:
    """Topics the code consumes."""
    known = constants(service.sources)
    return {name for source in service.sources for name in _topics(source, "consume", known)}


def _rpc_names(source: Source, prefix: str, suffix: str) -> Iterator[str]:
    for module, name in imports(source.tree):
        if module.endswith(_GENERATED) and name.startswith(prefix) and name.endswith(suffix):
            package = module.rpartition(".")[0]
            yield f"{package}.{name.removeprefix(prefix).removesuffix(suffix)}"


def called(service: Service) -> set[str]:
    """Rpc services whose stubs the code imports."""
    found = {name for source in _speaking(service) for name in _rpc_names(source, "", "Stub")}
    return {name.removesuffix("Async") for name in found}  # the stub's typed name for asyncio


def served(service: Service) -> set[str]:
    """Rpc services the code registers."""
    return {name for source in service.sources for name in _rpc_names(source, "add_", "Servicer_to_server")}


def peers(service: Service) -> set[str]:
    """Pods the code opens channels to by name."""
    speaking = _speaking(service)
    known = constants(speaking)
    named = (literal(call.args[0], known) for source in speaking for call in calls(source.tree, "channel") if call.args)
    return {name for name in named if name is not None}


def first_texts(source: Source, method: str) -> list[str]:
    """First arguments that are plain text, of every call of a method."""
    return list(_topics(source, method, constants([source])))
