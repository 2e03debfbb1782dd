"""Identity as other pods meet it: real gRPC, real tokens, real PostgreSQL."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import grpc
import pytest

from machi.consent.v1 import consent_service_pb2 as consent
from machi.consent.v1.consent_service_pb2_grpc import ConsentServiceStub
from machi.identity.v1 import identity_service_pb2 as identity
from machi.identity.v1 import staff_service_pb2 as staff
from machi.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from machi.identity.v1.staff_service_pb2_grpc import StaffServiceStub
from machi.pods.v1 import pod_registry_service_pb2 as pods
from machi.pods.v1.pod_registry_service_pb2_grpc import PodRegistryServiceStub
from machi_sdk.errors import Conflict, Denied, Invalid, Missing, Unavailable
from machi_sdk.language import known
from machi_sdk.manifest import parse_manifest
from machi_sdk.rpc import for_tenant

if TYPE_CHECKING:
    from machi.consent.v1.consent_service_pb2_grpc import ConsentServiceAsyncStub
    from machi.identity.v1.identity_service_pb2_grpc import IdentityServiceAsyncStub
    from machi.identity.v1.staff_service_pb2_grpc import StaffServiceAsyncStub
    from machi.pods.v1.pod_registry_service_pb2_grpc import PodRegistryServiceAsyncStub

pytestmark = pytest.mark.integration
ChannelOf = Callable[[str], grpc.aio.Channel]
MANIFEST = (Path(__file__).parent / "reports.yaml").read_text(encoding="utf-8")
PURPOSE = "reports.case-updates"


class CallOptions(TypedDict):
    timeout: float
    metadata: tuple[tuple[str, str], ...]


HERE: CallOptions = {"timeout": 60.0, "metadata": for_tenant("fukuoka")}
THERE: CallOptions = {"timeout": 60.0, "metadata": for_tenant("sapporo")}


@dataclass
class Callers:
    """Everybody who calls identity here."""

    line: "IdentityServiceAsyncStub"
    slack: "IdentityServiceAsyncStub"
    slack_staff: "StaffServiceAsyncStub"
    reports: "IdentityServiceAsyncStub"
    consent: "ConsentServiceAsyncStub"
    registry: "PodRegistryServiceAsyncStub"
    directory: "StaffServiceAsyncStub"


@pytest.fixture
async def callers(channel_of: ChannelOf) -> Callers:
    return Callers(
        IdentityServiceStub(channel_of("channel-line")),
        IdentityServiceStub(channel_of("channel-slack")),
        StaffServiceStub(channel_of("channel-slack")),
        IdentityServiceStub(channel_of("reports")),
        ConsentServiceStub(channel_of("reports")),
        PodRegistryServiceStub(channel_of("operator")),
        StaffServiceStub(channel_of("operator")),
    )


@pytest.fixture
async def citizen(callers: Callers) -> str:
    await callers.registry.InstallPod(pods.InstallPodRequest(manifest_yaml=MANIFEST), **HERE)
    return (await callers.line.Resolve(identity.ResolveRequest(channel="line", address="U1"), **HERE)).citizen_id


def decision(citizen: str, status: consent.ConsentStatus.ValueType, event: str) -> consent.DecideRequest:
    return consent.DecideRequest(
        event_id=event, citizen_id=citizen, purpose=PURPOSE, notice_version=1, status=status, channel="line"
    )


def release(
    citizen: str, basis: identity.ReleaseBasis.ValueType = identity.RELEASE_BASIS_CONSENT
) -> identity.ReleaseAddressRequest:
    return identity.ReleaseAddressRequest(
        citizen_id=citizen, channel="line", basis=basis, purpose=PURPOSE, reference_id="delivery-1"
    )


async def test_a_person_is_resolved_and_contacted(callers: Callers, citizen: str) -> None:
    request = identity.ResolveRequest(channel="line", address="U1")
    found = await callers.line.Resolve(request, **HERE)
    assert (found.citizen_id, found.language, found.language_chosen, found.reachable) == (citizen, "ja", False, True)
    contact = await callers.reports.GetContact(identity.GetContactRequest(citizen_id=citizen), **HERE)
    assert (contact.language, contact.channel) == ("ja", "line")
    blocked = identity.SetReachableRequest(channel="line", address="U1", reachable=False, event_id="e")
    await callers.line.SetReachable(blocked, **HERE)
    assert (await callers.reports.GetContact(identity.GetContactRequest(citizen_id=citizen), **HERE)).channel == ""
    assert not (await callers.line.Resolve(request, **HERE)).reachable
    late = identity.SetReachableRequest(channel="line", address="U1", reachable=True, event_id="f")
    late.occurred_at.FromJsonString("2026-01-01T00:00:00Z")
    await callers.line.SetReachable(late, **HERE)
    assert not (await callers.line.Resolve(request, **HERE)).reachable


async def test_who_is_only_looked_up_is_not_made(callers: Callers) -> None:
    request = identity.ResolveRequest(channel="line", address="U-new", known_only=True)
    with pytest.raises(Missing):
        await callers.line.Resolve(request, **HERE)
    made = await callers.line.Resolve(identity.ResolveRequest(channel="line", address="U-new"), **HERE)
    assert (await callers.line.Resolve(request, **HERE)).citizen_id == made.citizen_id


async def test_the_tenants_language_is_spoken_until_the_person_chose(callers: Callers) -> None:
    request = staff.PutTenantRequest(
        tenant_id="fukuoka", names={"ja": "福岡市"}, default_language="zh-Hant", time_zone="Asia/Tokyo"
    )
    await callers.directory.PutTenant(request, **HERE)
    found = await callers.line.Resolve(identity.ResolveRequest(channel="line", address="U1"), **HERE)
    assert (found.language, found.language_chosen) == ("zh-Hant", False)


async def test_a_channel_learns_what_the_tenant_offers(callers: Callers) -> None:
    with pytest.raises(Missing):
        await callers.line.GetTenant(identity.GetTenantRequest(), **HERE)
    request = staff.PutTenantRequest(
        tenant_id="fukuoka", names={"ja": "福岡市"}, default_language="ja", time_zone="Asia/Tokyo"
    )
    await callers.directory.PutTenant(request, **HERE)
    told = await callers.line.GetTenant(identity.GetTenantRequest(), **HERE)
    assert list(told.languages) == list(known())
    request.languages.extend(["en", "ja"])
    await callers.directory.PutTenant(request, **HERE)
    told = await callers.line.GetTenant(identity.GetTenantRequest(), **HERE)
    assert (list(told.languages), told.default_language) == (["en", "ja"], "ja")
    assert (dict(told.names), told.time_zone) == ({"ja": "福岡市"}, "Asia/Tokyo")


async def test_addresses_are_the_own_adapters_business(callers: Callers, citizen: str) -> None:
    await callers.consent.Decide(decision(citizen, consent.CONSENT_STATUS_GIVEN, "e1"), **HERE)
    for stranger in (callers.slack, callers.reports):
        with pytest.raises(Denied):
            await stranger.Resolve(identity.ResolveRequest(channel="line", address="U1"), **HERE)
        with pytest.raises(Denied):
            await stranger.ReleaseAddress(release(citizen), **HERE)
        with pytest.raises(Denied):
            await stranger.SetReachable(identity.SetReachableRequest(channel="line", address="U1"), **HERE)


async def test_an_address_leaves_under_consent_and_stays_after_withdrawal(callers: Callers, citizen: str) -> None:
    refused = await callers.line.ReleaseAddress(release(citizen), **HERE)
    assert (refused.verdict, refused.address) == (identity.RELEASE_VERDICT_NO_CONSENT, "")
    await callers.consent.Decide(decision(citizen, consent.CONSENT_STATUS_GIVEN, "e1"), **HERE)
    given = await callers.line.ReleaseAddress(release(citizen), **HERE)
    assert (given.verdict, given.address) == (identity.RELEASE_VERDICT_RELEASED, "U1")
    await callers.consent.Decide(decision(citizen, consent.CONSENT_STATUS_WITHDRAWN, "e2"), **HERE)
    withdrawn = await callers.line.ReleaseAddress(release(citizen), **HERE)
    assert (withdrawn.verdict, withdrawn.address) == (identity.RELEASE_VERDICT_NO_CONSENT, "")
    answer = await callers.line.ReleaseAddress(release(citizen, identity.RELEASE_BASIS_ANSWER), **HERE)
    assert (answer.verdict, answer.address) == (identity.RELEASE_VERDICT_RELEASED, "U1")
    with pytest.raises(Invalid):
        await callers.line.ReleaseAddress(release(citizen, identity.RELEASE_BASIS_UNSPECIFIED), **HERE)


async def test_the_focus_is_compared_and_set(callers: Callers, citizen: str) -> None:
    request = identity.SetFocusRequest(citizen_id=citizen, expected_version=0, pod="reports", session_id="s1")
    assert (await callers.line.SetFocus(request, **HERE)).focus.version == 1
    assert (await callers.line.SetFocus(request, **HERE)).focus.version == 1
    other = identity.SetFocusRequest(citizen_id=citizen, expected_version=0, pod="tourism", session_id="s2")
    with pytest.raises(Conflict):
        await callers.slack.SetFocus(other, **HERE)
    found = await callers.line.Resolve(identity.ResolveRequest(channel="line", address="U1"), **HERE)
    assert (found.focus.pod, found.focus.session_id, found.focus.version) == ("reports", "s1", 1)


async def test_a_decision_is_answered_once_and_checked(callers: Callers, citizen: str) -> None:
    given = decision(citizen, consent.CONSENT_STATUS_GIVEN, "e1")
    first = await callers.consent.Decide(given, **HERE)
    assert await callers.consent.Decide(given, **HERE) == first
    found = await callers.consent.Check(consent.CheckRequest(citizen_id=citizen, purpose=PURPOSE), **HERE)
    assert (found.status, found.notice_version, found.decided_at) == (
        consent.CONSENT_STATUS_GIVEN,
        1,
        first.decided_at,
    )
    many = consent.CheckManyRequest(citizen_ids=["nobody", citizen], purpose=PURPOSE)
    assert list((await callers.consent.CheckMany(many, **HERE)).statuses) == [
        consent.CONSENT_STATUS_UNKNOWN,
        consent.CONSENT_STATUS_GIVEN,
    ]
    too_many = consent.CheckManyRequest(citizen_ids=["c"] * 501, purpose=PURPOSE)
    with pytest.raises(Invalid):
        await callers.consent.CheckMany(too_many, **HERE)


async def test_decisions_about_the_wrong_notice_are_refused(callers: Callers, citizen: str) -> None:
    wrong = decision(citizen, consent.CONSENT_STATUS_GIVEN, "e1")
    wrong.notice_version = 7
    with pytest.raises(Conflict):
        await callers.consent.Decide(wrong, **HERE)
    wrong.purpose = "reports.nothing"
    with pytest.raises(Missing):
        await callers.consent.Decide(wrong, **HERE)


async def test_no_pod_says_yes_or_no_to_anothers_purpose(callers: Callers, citizen: str, channel_of: ChannelOf) -> None:
    stranger = ConsentServiceStub(channel_of("tourism"))

    async def stands() -> consent.ConsentStatus.ValueType:
        request = consent.CheckRequest(citizen_id=citizen, purpose=PURPOSE)
        return (await callers.consent.Check(request, **HERE)).status

    for status in (consent.CONSENT_STATUS_GIVEN, consent.CONSENT_STATUS_REFUSED):
        with pytest.raises(Denied, match="its own purposes"):
            await stranger.Decide(decision(citizen, status, "e1"), **HERE)
    assert await stands() == consent.CONSENT_STATUS_UNKNOWN
    await callers.consent.Decide(decision(citizen, consent.CONSENT_STATUS_GIVEN, "e1"), **HERE)
    await stranger.Decide(decision(citizen, consent.CONSENT_STATUS_WITHDRAWN, "e2"), **HERE)
    assert await stands() == consent.CONSENT_STATUS_WITHDRAWN


async def test_the_notice_speaks_the_persons_language(callers: Callers, citizen: str) -> None:
    request = consent.GetNoticeRequest(purpose=PURPOSE, language="en")
    english = await callers.consent.GetNotice(request, **HERE)
    assert (english.version, english.title) == (1, "Updates about your case")
    for language, title in (("ko", "Updates about your case"), ("tlh", "通報の進み具合")):
        request.language = language
        assert (await callers.consent.GetNotice(request, **HERE)).title == title
    request.purpose = "reports.nothing"
    with pytest.raises(Missing):
        await callers.consent.GetNotice(request, **HERE)
    assert citizen


async def test_another_tenants_citizen_is_not_found(callers: Callers, citizen: str) -> None:
    with pytest.raises(Missing):
        await callers.reports.GetContact(identity.GetContactRequest(citizen_id=citizen), **THERE)
    with pytest.raises(Missing):
        await callers.line.ReleaseAddress(release(citizen), **THERE)
    with pytest.raises(Missing):
        await callers.consent.Check(consent.CheckRequest(citizen_id=citizen, purpose=PURPOSE), **THERE)
    with pytest.raises(Missing):
        await callers.consent.Decide(decision(citizen, consent.CONSENT_STATUS_GIVEN, "e1"), **THERE)
    focus = identity.SetFocusRequest(citizen_id=citizen, pod="reports", session_id="s")
    with pytest.raises(Missing):
        await callers.line.SetFocus(focus, **THERE)


async def test_the_registry_starts_empty_and_takes_an_operators_manifest(callers: Callers) -> None:
    request = pods.InstallPodRequest(manifest_yaml=MANIFEST)
    assert list((await callers.registry.ListPods(pods.ListPodsRequest(), **HERE)).pods) == []
    first = await callers.registry.InstallPod(request, **HERE)
    assert (first.pod, first.manifest_hash, first.changed) == ("reports", parse_manifest(MANIFEST).hash, True)
    assert not (await callers.registry.InstallPod(request, **HERE)).changed
    installed = (await callers.registry.ListPods(pods.ListPodsRequest(), **HERE)).pods
    assert [parse_manifest(pod.manifest_json).hash for pod in installed] == [first.manifest_hash]
    wrong = pods.InstallPodRequest(manifest_yaml=MANIFEST.replace("version: 1", "version: none"))
    with pytest.raises(Invalid, match=r"purposes\.0\.version"):
        await callers.registry.InstallPod(wrong, **HERE)
    assert (await callers.registry.UninstallPod(pods.UninstallPodRequest(pod="reports"), **HERE)).changed
    assert not (await callers.registry.UninstallPod(pods.UninstallPodRequest(pod="reports"), **HERE)).changed


async def test_only_the_operator_installs_and_seeds(channel_of: ChannelOf) -> None:
    registry, directory = PodRegistryServiceStub(channel_of("reports")), StaffServiceStub(channel_of("channel-slack"))
    with pytest.raises(Unavailable, match="may not call"):
        await registry.InstallPod(pods.InstallPodRequest(manifest_yaml=MANIFEST), **HERE)
    with pytest.raises(Unavailable, match="may not call"):
        await directory.PutDesk(staff.PutDeskRequest(), **HERE)


DESK = staff.Desk(
    desk_id="road-chuo", name="road-chuo", titles={"ja": "中央区 道路課"}, phone="092-000-0000", language="ja"
)
OFFICER = staff.Staff(
    staff_id="roads-1", display_name="道路担当 1", roles=["officer"], desk_ids=["road-chuo"], slack_address="T1/U1"
)


async def test_staff_are_known_and_strangers_are_not(callers: Callers) -> None:
    for _ in range(2):
        await callers.directory.PutDesk(staff.PutDeskRequest(desk=DESK), **HERE)
        await callers.directory.PutStaff(staff.PutStaffRequest(staff=OFFICER), **HERE)
    assert list((await callers.directory.ListDesks(staff.ListDesksRequest(), **HERE)).desks) == [DESK]
    assert list((await callers.directory.ListStaff(staff.ListStaffRequest(), **HERE)).staff) == [OFFICER]
    resolve = staff.ResolveStaffRequest(channel="slack", address="T1/U1")
    assert (await callers.slack_staff.ResolveStaff(resolve, **HERE)).staff == OFFICER
    for address in ("T1/U9", "", "U1"):
        with pytest.raises(Missing):
            await callers.slack_staff.ResolveStaff(staff.ResolveStaffRequest(channel="slack", address=address), **HERE)
    with pytest.raises(Missing):
        await callers.slack_staff.ResolveStaff(resolve, **THERE)


async def test_who_left_is_a_stranger(callers: Callers) -> None:
    stays = staff.Staff(staff_id="roads-2", display_name="道路担当 2", roles=["lead"], desk_ids=["road-chuo"])
    for here in (HERE, THERE):
        await callers.directory.PutDesk(staff.PutDeskRequest(desk=DESK), **here)
        for one in (OFFICER, stays):
            await callers.directory.PutStaff(staff.PutStaffRequest(staff=one), **here)
    gone = staff.RemoveStaffRequest(staff_ids=["roads-1", "nobody"])
    assert list((await callers.directory.RemoveStaff(gone, **HERE)).unknown_ids) == ["nobody"]
    assert list((await callers.directory.ListStaff(staff.ListStaffRequest(), **HERE)).staff) == [stays]
    resolve = staff.ResolveStaffRequest(channel="slack", address="T1/U1")
    with pytest.raises(Missing):
        await callers.slack_staff.ResolveStaff(resolve, **HERE)
    assert (await callers.slack_staff.ResolveStaff(resolve, **THERE)).staff == OFFICER, "of another municipality"
    assert list((await callers.directory.RemoveStaff(gone, **HERE)).unknown_ids) == ["roads-1", "nobody"]
    with pytest.raises(Unavailable, match="may not call"):
        await callers.slack_staff.RemoveStaff(gone, **THERE)


async def test_tenants_are_listed_each_with_its_own_and_to_the_operator_only(callers: Callers) -> None:
    row = {"tenant_id": "fukuoka", "default_language": "ja", "time_zone": "Asia/Tokyo"}
    request = staff.PutTenantRequest(**row, names={"ja": "福岡市"}, languages=["ja", "en"])
    await callers.directory.PutTenant(request, **HERE)
    await callers.directory.PutDesk(staff.PutDeskRequest(desk=DESK), **HERE)
    await callers.directory.PutStaff(staff.PutStaffRequest(staff=OFFICER), **HERE)
    put = staff.Tenant(**row, names={"ja": "福岡市"}, languages=["ja", "en"], desks=1, staff=1)
    found = await callers.directory.ListTenants(staff.ListTenantsRequest(), **HERE)
    assert list(found.tenants) == [put, staff.Tenant(tenant_id="sapporo")]
    with pytest.raises(Unavailable, match="may not call"):
        await callers.slack_staff.ListTenants(staff.ListTenantsRequest(), **HERE)


async def test_wrong_directory_entries_are_refused(callers: Callers) -> None:
    with pytest.raises(Invalid, match="desk_ids"):
        await callers.directory.PutStaff(staff.PutStaffRequest(staff=OFFICER), **HERE)
    await callers.directory.PutDesk(staff.PutDeskRequest(desk=DESK), **HERE)
    same_name = staff.Desk(desk_id="other", name=DESK.name, titles=DESK.titles)
    with pytest.raises(Conflict):
        await callers.directory.PutDesk(staff.PutDeskRequest(desk=same_name), **HERE)
    await callers.directory.PutStaff(staff.PutStaffRequest(staff=OFFICER), **HERE)
    double = staff.Staff(staff_id="kato", display_name="加藤", slack_address="T1/U1")
    with pytest.raises(Conflict):
        await callers.directory.PutStaff(staff.PutStaffRequest(staff=double), **HERE)
    elsewhere = staff.PutTenantRequest(
        tenant_id="sapporo", names={"ja": "札幌市"}, default_language="ja", time_zone="Asia/Tokyo"
    )
    with pytest.raises(Invalid):
        await callers.directory.PutTenant(elsewhere, **HERE)
