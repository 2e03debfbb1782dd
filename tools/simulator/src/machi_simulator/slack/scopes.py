"""What the app may do, by the scopes it was installed with; those that concern conversations are kept."""

# As services/channel-slack/README.md asks for.
INSTALLED = (
    *("channels:history", "channels:join", "channels:manage", "channels:read", "chat:write", "commands"),
    *("files:read", "files:write", "groups:history", "groups:read", "im:history", "im:write"),
)
# What each type of conversations.list needs.
LISTING = {"public_channel": "channels:read", "private_channel": "groups:read", "im": "im:read", "mpim": "mpim:read"}
# What reading a kind of conversation needs, and being told of it.
READING = {"public_channel": "channels:history", "private_channel": "groups:history", "im": "im:history"}
