"""The smallest pod: events leave through its outbox and come back through its inbox, with one effect each."""

TENANT = "fukuoka"
# Events that share a transaction, on both sides, and the people whom they are about.
BATCH = 500
PEOPLE = 1000
