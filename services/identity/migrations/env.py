from machi_identity.adapters.tables import METADATA
from machi_sdk.migrating import run_env

run_env(METADATA, append_only=("consent_ledger", "accesses"))
