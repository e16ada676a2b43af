"""Everything that talks to Kafka without Faust: connections, topics, reading, writing, dead letters."""
