"""A policy over the decisions of a space: for strategies, and for shared weights that are trained in turns with it."""
