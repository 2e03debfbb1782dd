"""An operator uninstalls a pod."""

from machi_identity.ports import City
from machi_sdk.clock import Clock


async def uninstall_pod(pod: str, city: City, clock: Clock) -> bool:
    """Take the pod's authority and notices away; False when it was not installed."""
    return await city.pods.uninstall(pod, clock.now())
