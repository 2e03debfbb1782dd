"""Asks Slack whether it knows the token, and what the token may do."""

from machi_sdk.settings import SlackSettings
from machi_tools.diagnosis.asking import Platform
from machi_tools.diagnosis.findings import Look

INSTALL = "install the app again with the scopes in services/channel-slack/README.md, and set SLACK_BOT_TOKEN"
# What Slack says of a token that will never do; anything else may pass.
REFUSALS = {
    "account_inactive",
    "invalid_auth",
    "no_permission",
    "not_allowed_token_type",
    "not_authed",
    "token_expired",
    "token_revoked",
}
# As services/channel-slack/README.md asks for.
NEEDED = frozenset(
    {
        *("channels:history", "channels:join", "channels:manage", "channels:read", "chat:write", "commands"),
        *("files:read", "files:write", "im:history", "im:write"),
    }
)
# Needed where a desk's channel is private; apps that were installed before Machi asked for them go on without.
NEEDED_IN_PRIVATE = frozenset({"groups:history", "groups:read"})


async def look_at_slack(tenant: str, settings: SlackSettings, platform: Platform) -> tuple[float | None, Look]:
    """How far Slack's clock is ahead, and what is wrong with the token or the workspace."""
    look = Look()
    heard = await platform.ask("auth.test", "POST")
    told, team = heard.text("error"), heard.text("team_id")
    if not heard.status:
        look.wrong(f"Slack at {settings.api_url} does not answer: {heard.trouble}", "check SLACK_API_URL")
    elif told in REFUSALS:
        look.wrong(f"Slack refuses the token of {tenant}: {told}", "install the app again and set SLACK_BOT_TOKEN")
    elif heard.body.get("ok") is not True:
        look.note(f"Slack did not say whether the token of {tenant} is good ({told or heard.status})")
    elif team and team != settings.team_id:
        look.wrong(
            f"the Slack token of {tenant} is of workspace {team}", f"set SLACK_TEAM_ID, it is {settings.team_id}"
        )
    elif heard.scopes is not None:
        _look_at_scopes(tenant, heard.scopes, look)
    return heard.skew, look


def _look_at_scopes(tenant: str, scopes: frozenset[str], look: Look) -> None:
    if lacking := NEEDED - scopes:
        look.wrong(f"the Slack app of {tenant} lacks scopes: {', '.join(sorted(lacking))}", INSTALL)
    if lacking := NEEDED_IN_PRIVATE - scopes:
        words = f"the Slack app of {tenant} is blind to private channels, and what officers write there reaches nobody"
        look.note(f"{words}; it lacks {', '.join(sorted(lacking))}: {INSTALL}")
