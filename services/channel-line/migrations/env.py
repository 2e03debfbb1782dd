from machi_channel_line.adapters.tables import METADATA
from machi_sdk.migrating import run_env

run_env(METADATA)
