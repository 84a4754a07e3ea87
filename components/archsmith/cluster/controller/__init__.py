"""The controller: it runs the searches of a namespace, as objects of Kubernetes that people apply."""
