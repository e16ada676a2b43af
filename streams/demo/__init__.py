"""The demo: every service on this machine, a story played to them, and the alerts as they come."""
