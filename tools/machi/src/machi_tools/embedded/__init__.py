"""Real PostgreSQL and real Apache Kafka on one machine, for the stack and for tests."""
