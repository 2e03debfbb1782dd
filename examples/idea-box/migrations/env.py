from machi_idea_box.tables import METADATA
from machi_sdk.migrating import run_env

run_env(METADATA)
