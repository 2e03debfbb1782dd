"""The city in Slack: desks, their cards, and the officers who work them."""
