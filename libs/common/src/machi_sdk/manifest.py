"""The pod's passport: service.yaml, its schema, and its hash."""

import hashlib
import json
import re
import warnings
from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator, model_validator

from machi_sdk.errors import Invalid
from machi_sdk.names import fold
from machi_sdk.yaml_text import read_yaml

OPERATOR = "operator"  # whose token is no pod's
LONGEST_TITLE = 20  # LINE's limit for the labels of menus and quick replies; Slack's is 75

_Name = Field(
    description="Also the folder's, database's, and consumer groups' name.",
    pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
    max_length=40,
    json_schema_extra={"not": {"const": OPERATOR}},
)
_PerLanguage = dict[str, str]
_INSTALLED = "installed"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Serves(_Part):
    """An rpc service this pod answers."""

    service: str = Field(description="Its full name, such as `machi.reports.v1.ReportService`.")
    operator_only: tuple[str, ...] = Field(default=(), description="Methods that need the operator's credential.")


class Calls(_Part):
    """Services this pod may call."""

    pod: str = Field(description="The pod that answers; `*` stands for every installed pod that serves them.")
    services: tuple[str, ...] = Field(min_length=1, description="Full names.")


class Consumes(_Part):
    """A topic this pod reads."""

    topic: str = Field(description="Its name in the registry of topics.")
    group: str = Field(description="The consumer group, `<pod>.<handler>`.")


class DialogueEntry(_Part):
    """A conversation people can open, with its words in every language."""

    command: str = Field(description="Its name within the pod.")
    role: Literal["none", "greeting", "fallback", "language"] = Field(
        "none",
        description="What it is for every channel: what greets, what answers unknown words, what picks a language.",
    )
    menu: bool = Field(default=False, description="Whether it has a tile in the menus of channels.")
    order: int = Field(default=100, description="Its place in menus, low ones first.")
    icon: str = Field(default="", description="The tile's picture by name.")
    who: Literal["citizen", "staff"] = Field(default="citizen", description="Who may open it.")
    titles: _PerLanguage = Field(
        description=f"Its title by language, at most {LONGEST_TITLE} characters: a tile and a button bear it.",
        json_schema_extra={"additionalProperties": {"type": "string", "maxLength": LONGEST_TITLE}},
    )
    keywords: dict[str, tuple[str, ...]] = Field(default={}, description="Words that open it, by language.")
    hints: dict[str, tuple[str, ...]] = Field(
        default={}, description="Words that make it likely to be what somebody wants who used no keyword, by language."
    )
    argument: str = Field(
        default="",
        description="A regular expression: a keyword with such words behind it opens the dialogue, which is told both.",
    )

    phrase: str = Field(
        default="",
        description="A regular expression: who types just this, and is in no dialogue, opens this one.",
    )

    within: str = Field(
        default="",
        description="A regular expression, in lower case: who has this among other words, and answers no question with"
        " them, opens this one, which is told what matched.",
    )

    @cached_property
    def opening_words(self) -> frozenset[str]:
        """The keywords of all languages, as typed words are compared (`machi_sdk.names.fold`)."""
        return frozenset(fold(word) for words in self.keywords.values() for word in words)

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Keywords and hints of all languages, as typed words are compared."""
        return self.opening_words.union(fold(word) for words in self.hints.values() for word in words) - {""}

    @field_validator("titles")
    @classmethod
    def _short(cls, titles: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        long = [language for language, title in titles.items() if len(title) > LONGEST_TITLE]
        if long and info.context != _INSTALLED:
            found = f"{long[0]}: {titles[long[0]]!r} has {len(titles[long[0]])} characters"
            raise ValueError(f"{found}, at most {LONGEST_TITLE} are allowed")
        return titles

    @field_validator("argument", "phrase", "within")
    @classmethod
    def _readable(cls, argument: str, info: ValidationInfo) -> str:
        try:
            with warnings.catch_warnings(action="error"):  # what Python warns of means something else one day
                re.compile(argument)
                if info.context != _INSTALLED:
                    re.compile(f"x({argument})x")  # they become a part of larger ones
        except (re.error, OverflowError, RecursionError, Warning) as error:
            raise ValueError(f"no regular expression: {error}") from error
        return argument


class Purpose(_Part):
    """What personal data may be used for, with its versioned notice."""

    purpose: str = Field(description="Its name, beginning with the pod's.")
    version: int = Field(ge=1, description="Of the notice; a new text needs a new one, and is asked anew.")
    data: tuple[str, ...] = Field(description="What is used.")
    title: _PerLanguage = Field(description="By language.")
    benefit: _PerLanguage = Field(description="What the person gains, by language; shown first.")
    text: _PerLanguage = Field(description="What is done with it and how to end it, by language.")


class PersonalData(_Part):
    """What the pod keeps about people."""

    what: str = Field(description="What is kept.")
    why: str = Field(description="What for.")
    kept: str = Field(description="For how long.")


class Manifest(_Part):
    """service.yaml as checked; unknown keys are refused."""

    name: str = _Name
    version: str = Field(description="Of the pod.")
    owner: str = Field(description="Who answers for it.")
    summary: str = Field(default="", description="What it is, in a sentence.")
    serves: tuple[Serves, ...] = Field(default=(), description="What it answers.")
    calls: tuple[Calls, ...] = Field(default=(), description="What it may ask of others; they refuse the rest.")
    publishes: tuple[str, ...] = Field(default=(), description="Topics it writes.")
    consumes: tuple[Consumes, ...] = Field(default=(), description="Topics it reads.")
    dialogues: tuple[DialogueEntry, ...] = Field(default=(), description="What people can talk about with it.")
    purposes: tuple[Purpose, ...] = Field(default=(), description="What it asks people's consent for.")
    personal_data: tuple[PersonalData, ...] = Field(default=(), description="What it keeps about people.")
    slo: dict[str, str | float] = Field(default={}, description="What it promises, by name.")

    @field_validator("name")
    @classmethod
    def _a_pods_own(cls, name: str) -> str:
        if name == OPERATOR:
            raise ValueError(f"{name!r} would speak with the operator's token, choose another name")
        return name

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self.canonical_json.encode()  # half a character has no hash
        foreign = [entry.group for entry in self.consumes if not entry.group.startswith(f"{self.name}.")]
        if foreign:
            raise ValueError(f"group {foreign[0]!r} has to begin with {self.name + '.'!r}")
        for what, names in self._names():
            twice = [name for name, count in Counter(names).items() if count > 1]
            if twice:
                raise ValueError(f"{what} {twice[0]!r} is there twice")
        return self

    def _names(self) -> list[tuple[str, list[str]]]:
        return [
            ("dialogue", [entry.command for entry in self.dialogues]),
            ("service", [entry.service for entry in self.serves]),
            ("group", [entry.group for entry in self.consumes]),
            ("purpose", [f"{entry.purpose} {entry.version}" for entry in self.purposes]),
        ]

    @property
    def canonical_json(self) -> str:
        """The same text for the same meaning: sorted keys, no spaces, and nothing that is as by default."""
        content = self.model_dump(mode="json", exclude_defaults=True)
        return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON, hex."""
        return hashlib.sha256(self.canonical_json.encode()).hexdigest()

    def may_call(self, pod: str, service: str) -> bool:
        """Whether `calls` names the service of that pod."""
        return any(entry.pod in (pod, "*") and service in entry.services for entry in self.calls)

    def answers(self, service: str) -> Serves | None:
        """The `serves` entry of a service, or None."""
        return next((entry for entry in self.serves if entry.service == service), None)


def parse_manifest(text: str, *, known_only: bool = False) -> Manifest:
    """Read a service.yaml or canonical JSON; Invalid names the wrong place.

    `known_only` reads what is installed already: it passes over keys that only a newer release knows, and takes titles
    that an older one did not limit.
    """
    try:
        content = json.loads(text) if text.startswith("{") else read_yaml(text)
        if known_only:
            return Manifest.model_validate(content, extra="ignore", context=_INSTALLED)
        return Manifest.model_validate(content, extra="forbid")
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise Invalid("manifest-invalid", f"{place}: {first['msg']}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a date or number that is none, and nesting
        raise Invalid("manifest-not-yaml", str(error)) from error


def load_manifest(path: Path) -> Manifest:
    """Read the manifest at `path`; Invalid names the wrong place."""
    return parse_manifest(path.read_text(encoding="utf-8"))


def schema_text() -> str:
    """JSON Schema of service.yaml, as committed beside this file in manifest.schema.json."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Manifest.model_json_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
