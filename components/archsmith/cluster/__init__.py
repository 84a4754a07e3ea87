"""What a Kubernetes cluster knows of searches: the custom resource and the rules of its admission."""
