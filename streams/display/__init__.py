"""How records and alerts are shown to a person: one line each, masked, and safe for a terminal."""
