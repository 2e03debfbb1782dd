"""Asks Slack whether it knows the token."""

from machi_sdk.settings import SlackSettings
from machi_tools.diagnosis.asking import Platform
from machi_tools.diagnosis.findings import Look

# What Slack says of a token that will never do; anything else may pass.
_REFUSALS = {
    "account_inactive",
    "invalid_auth",
    "no_permission",
    "not_allowed_token_type",
    "not_authed",
    "token_expired",
    "token_revoked",
}


async def look_at_slack(tenant: str, settings: SlackSettings, platform: Platform) -> tuple[float | None, Look]:
    """How far Slack's clock is ahead, and what is wrong with the token or the workspace."""
    look = Look()
    heard = await platform.ask("auth.test", "POST")
    told, team = heard.text("error"), heard.text("team_id")
    if not heard.status:
        look.wrong(f"Slack at {settings.api_url} does not answer: {heard.trouble}", "check SLACK_API_URL")
    elif told in _REFUSALS:
        look.wrong(f"Slack refuses the token of {tenant}: {told}", "install the app again and set SLACK_BOT_TOKEN")
    elif heard.body.get("ok") is not True:
        look.note(f"Slack did not say whether the token of {tenant} is good ({told or heard.status})")
    elif team and team != settings.team_id:
        look.wrong(
            f"the Slack token of {tenant} is of workspace {team}", f"set SLACK_TEAM_ID, it is {settings.team_id}"
        )
    return heard.skew, look
