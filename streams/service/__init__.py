"""What every long-running service needs: logs, threads whose failure counts, locks, metrics pages."""
