"""Training of weights that all architectures of a space share."""
