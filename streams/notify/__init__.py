"""Alerts to people: routes, channels and an outbox that survives crashes. See docs/notify.md."""
