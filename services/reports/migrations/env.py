from machi_reports.adapters.tables import APPEND_ONLY, METADATA
from machi_sdk.migrating import run_env

run_env(METADATA, append_only=APPEND_ONLY)
