"""What pods tried in vain, as their gauge `machi_waiting` says, and what helps."""

import contextlib
from collections import Counter

from prometheus_client.parser import text_string_to_metric_families

from machi_tools.diagnosis.findings import Look
from machi_tools.diagnosis.slack import INSTALL, REFUSALS
from machi_tools.stack.readiness import Answer

GAUGE = "machi_waiting"
SLACK = "slack-"
_INVITE = (
    "make the channel public, or invite the app into it; a private one takes the scopes groups:history and groups:read"
)
_RELEASE = "`machi pods install`, or end the upgrade"
_STORE = "the object store takes no photo: OBJECT_STORE_URL, its keys and bucket (AWS_…); reports' log says why"
CURES = {
    "slack-is-archived": "unarchive the channel, or rename the desk's and invite the app",
    "slack-channel-not-found": _INVITE,
    "slack-not-in-channel": _INVITE,
    "slack-channel-name-taken": f"the channel is archived or private: unarchive it, or {_INVITE}",
    **dict.fromkeys((f"{SLACK}{word.replace('_', '-')}" for word in (*REFUSALS, "missing_scope")), INSTALL),
    "slack-messages-tab-disabled": "in the Slack app's settings under App Home turn the Messages tab on, with writing",
    "desk-unknown": "identity knows no such desk: put it, or name another in the catalogue (`machi city put`)",
    "channel-off": "the tenant's file of channel settings is refused: `machi doctor` says why",
    "channel-not-here": "if it stays: the tenant's file is not there, or came later than the pod: start the pod again",
    **dict.fromkeys(("slack-uncertain", "slack-upload-failed"), "Slack answers badly; it is tried again by itself"),
    "slack-limited": "Slack wants a rest; it is tried again by itself",
    "monthly-limit": "LINE takes no more pushes this month: raise the account's plan; replies still arrive",
    **dict.fromkeys(("caller-not-declared", "not-served", "tenant-unknown"), _RELEASE),
    **dict.fromkeys(("photo-not-written", "photo-store-rests"), _STORE),
    "token-refused": "the pods' keys are being changed, or a clock is wrong: `machi doctor` says which",
}
_REFUSED = "the workspace's rules forbid it: ask one of its administrators to allow it; docs/runbooks/waiting.md"
_OTHERWISE = "it is tried again by itself; docs/runbooks/waiting.md"


def look_at_waiting(metrics: Answer) -> Look:
    """One line per what and reason."""
    look = Look()
    for (what, reason), count in sorted(_waiting(metrics).items()):
        said = f"Slack says {reason.removeprefix(SLACK).replace('-', '_')}" if reason.startswith(SLACK) else reason
        look.wrong(f"{what} wait ({count:.0f}): {said}", cure_of(reason))
    return look


def cure_of(reason: str) -> str:
    """What helps; what Slack refuses without a row of its own goes by its administrators."""
    return CURES.get(reason, _REFUSED if reason.startswith(SLACK) else _OTHERWISE)


def _waiting(metrics: Answer) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    with contextlib.suppress(ValueError):
        families = list(text_string_to_metric_families(metrics.words)) if metrics.good else []
        for sample in (sample for family in families if family.name == GAUGE for sample in family.samples):
            found[sample.labels["what"], sample.labels["reason"]] += int(sample.value)
    return +found
