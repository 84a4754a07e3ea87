"""One set of tensors for all networks of a space."""
