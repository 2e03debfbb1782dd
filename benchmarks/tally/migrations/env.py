from benchmarks.tally.tables import METADATA
from machi_sdk.migrating import run_env

run_env(METADATA, append_only=("written", "effects"))
