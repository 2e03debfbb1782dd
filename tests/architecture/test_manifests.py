"""Manifests, the topics registry, and the code say the same."""

from importlib import import_module

import pytest
from google.protobuf import descriptor_pool

from machi_sdk.names import fold
from tests.architecture import wires
from tests.architecture.house import LANGUAGES, ROOT, Service, python_sources, read_yaml, services, topics

every_service = pytest.mark.parametrize("service", services(), ids=lambda service: service.name)
NAMES = tuple(topic.name for topic in topics())


def rpc_services() -> set[str]:
    """Every rpc service the protos define."""
    found = set[str]()
    for path in sorted((ROOT / "protos" / "machi").rglob("*.proto")):
        module = ".".join(path.relative_to(ROOT / "protos").with_suffix("").parts) + "_pb2"
        import_module(module)
        descriptor = descriptor_pool.Default().FindFileByName(str(path.relative_to(ROOT / "protos")))
        found.update(service.full_name for service in descriptor.services_by_name.values())
    return found


def test_producers_are_those_who_publish() -> None:
    told = {topic.name: set(topic.producers) for topic in topics()}
    done = {name: {each.name for each in services() if name in each.manifest.publishes} for name in NAMES}
    assert told == done


def test_consumers_are_those_who_consume() -> None:
    told = {topic.name: set(topic.consumers) for topic in topics() if not topic.open_to_all}
    done = {
        name: {each.name for each in services() if any(entry.topic == name for entry in each.manifest.consumes)}
        for name in told
    }
    assert told == done


def test_topics_open_to_all_carry_no_personal_field() -> None:
    """Nobody asks who reads them, so the class says that everybody may."""
    open_ones = [topic.name for topic in topics() if topic.open_to_all]
    assert open_ones
    registry = ROOT / "protos" / "topics"
    assert all(read_yaml(registry / f"{name}.yaml")["class"] == "facts" for name in open_ones)


def test_owners_exist_and_write_or_read_their_topic() -> None:
    names = {service.name for service in services()}
    for topic in topics():
        assert topic.producers | topic.consumers - {"*"} <= names, topic.name


@every_service
def test_topics_of_a_manifest_are_registered(service: Service) -> None:
    manifest = service.manifest
    assert {*manifest.publishes, *(entry.topic for entry in manifest.consumes)} <= set(NAMES)


@every_service
def test_code_writes_what_it_says(service: Service) -> None:
    assert wires.written(service, NAMES) == set(service.manifest.publishes)


@every_service
def test_code_reads_what_it_says(service: Service) -> None:
    assert wires.read(service) == {entry.topic for entry in service.manifest.consumes}


@every_service
def test_code_serves_what_it_says(service: Service) -> None:
    assert wires.served(service) == {entry.service for entry in service.manifest.serves}
    assert wires.served(service) <= rpc_services()


@every_service
def test_code_calls_what_it_says(service: Service) -> None:
    declared = {name for entry in service.manifest.calls for name in entry.services}
    assert wires.called(service) == declared
    pods = {entry.pod for entry in service.manifest.calls}
    assert wires.peers(service) <= pods
    assert pods - {"*"} <= wires.peers(service)


@every_service
def test_calls_reach_a_pod_that_serves_them(service: Service) -> None:
    for entry in service.manifest.calls:
        callees = [each for each in services() if entry.pod in (each.name, "*")]
        for name in entry.services:
            assert any(callee.manifest.answers(name) for callee in callees), f"nobody serves {name} as {entry.pod}"


@every_service
def test_operators_methods_exist(service: Service) -> None:
    rpc_services()
    for entry in service.manifest.serves:
        methods = set(descriptor_pool.Default().FindServiceByName(entry.service).methods_by_name)
        assert set(entry.operator_only) <= methods, entry.service


@every_service
def test_says_what_it_keeps_about_people(service: Service) -> None:
    assert service.manifest.personal_data
    assert all(entry.what and entry.why and entry.kept for entry in service.manifest.personal_data)


def test_commands_and_words_open_one_dialogue() -> None:
    owners: dict[str, set[str]] = {}
    for service in services():
        for entry in service.manifest.dialogues:
            for word in {word.casefold() for words in entry.keywords.values() for word in words}:
                owners.setdefault(word, set()).add(f"{service.name}/{entry.command}")
    assert not {word: places for word, places in owners.items() if len(places) > 1}


@every_service
def test_who_types_a_tiles_title_opens_its_dialogue(service: Service) -> None:
    tiles = [entry for entry in service.manifest.dialogues if entry.menu]
    typed = [(fold(title), entry) for entry in tiles for title in entry.titles.values()]
    assert not [title for title, entry in typed if title not in entry.opening_words]


def test_words_that_steer_a_dialogue_open_none() -> None:
    """Back, cancel, and skip mean the dialogue one is in; a keyword of the same spelling would take them away."""
    folder = ROOT / "libs" / "common" / "src" / "machi_sdk" / "dialogue" / "texts"
    steering = set[str]()
    for language in LANGUAGES:
        controls = read_yaml(folder / f"{language}.yaml")["controls"]
        assert isinstance(controls, dict)
        for name in ("back", "cancel", "skip"):
            steering.update(word.casefold() for word in controls[name]["words"].split("|"))
    opening = {
        word.casefold(): f"{service.name}/{entry.command}"
        for service in services()
        for entry in service.manifest.dialogues
        for words in entry.keywords.values()
        for word in words
    }
    assert not {word: opening[word] for word in steering & set(opening)}


def test_topics_named_in_code_are_registered() -> None:
    """A topic in a string that nobody registered would be created by nobody."""
    unknown = []
    for source in python_sources():
        if source.is_test:
            continue
        for call in ("emit", "consume"):
            unknown += [
                f"{source.place}: {name}"
                for name in wires.first_texts(source, call)
                if name.startswith("machi.") and name not in NAMES
            ]
    assert not unknown
