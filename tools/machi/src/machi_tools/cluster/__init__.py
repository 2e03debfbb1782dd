"""What a Helm release needs done inside the cluster: secrets made once, whom to trust, topics, databases, manifests."""
