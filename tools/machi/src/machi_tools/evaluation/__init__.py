"""One-node Kafka and PostgreSQL in images of their own: to try Machi out, never for a municipality's data."""
