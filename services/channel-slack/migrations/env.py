from machi_channel_slack.adapters.tables import METADATA
from machi_sdk.migrating import run_env

run_env(METADATA)
