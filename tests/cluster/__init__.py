"""`make verify-cluster`: the city on a real Kubernetes, through everything that happens to a release, under load."""
