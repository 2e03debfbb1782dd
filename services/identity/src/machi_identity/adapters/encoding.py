"""Domain words and their codes on the wire."""

from machi.consent.v1.consent_service_pb2 import ConsentStatus
from machi_identity.domain.consent import Status

STATUS_CODES: dict[Status, ConsentStatus.ValueType] = {
    Status.UNKNOWN: ConsentStatus.CONSENT_STATUS_UNKNOWN,
    Status.GIVEN: ConsentStatus.CONSENT_STATUS_GIVEN,
    Status.REFUSED: ConsentStatus.CONSENT_STATUS_REFUSED,
    Status.WITHDRAWN: ConsentStatus.CONSENT_STATUS_WITHDRAWN,
}
