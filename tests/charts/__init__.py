"""The charts over a matrix of values: held against schemas of Kubernetes and of operators, and against manifests."""
