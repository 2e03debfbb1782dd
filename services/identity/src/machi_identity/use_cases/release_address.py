"""May this address leave now?"""

from dataclasses import replace

from machi_identity.domain.release import Basis, Release, ReleaseQuestion, Verdict, judge, owns_channel
from machi_identity.ports import City
from machi_sdk.clock import Clock
from machi_sdk.errors import Denied, Invalid, Missing
from machi_sdk.ids import new_id


async def release_address(question: ReleaseQuestion, city: City, clock: Clock) -> Release:
    """Give the address out if the law of the moment allows it; either way one access line joins the transaction."""
    if not owns_channel(question.caller, question.channel):
        raise Denied("not-your-channel", "only the channel's own adapter may ask for its addresses")
    if not question.reference_id:
        raise Invalid("reference-missing", "name the delivery, or the event that is answered")
    if question.basis is Basis.CONSENT and not question.purpose:
        raise Invalid("purpose-missing", "name the purpose the consent was given for")
    facts = await city.accesses.facts(question)
    if facts is None:
        raise Missing("citizen-unknown")
    now = clock.now()
    verdict = judge(question.basis, facts, now)
    await city.accesses.log(new_id(), replace(question, citizen_id=facts.citizen_id), verdict, now)
    return Release(verdict, facts.address if verdict is Verdict.RELEASED else "", facts.focus)
