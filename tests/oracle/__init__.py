"""Independent oracles: each detector's table of episodes, computed in SQL over complete events."""
