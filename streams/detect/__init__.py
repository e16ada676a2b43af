"""Detection: from facts about a subject to episodes, and from episodes to alerts. Pure functions only.

Nothing here reads a clock, a stream, the environment or a random number; that is what makes replay,
backtest, recovery and the live worker give the same answer.
"""
