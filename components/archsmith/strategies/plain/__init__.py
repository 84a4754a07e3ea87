"""Strategies without a model: random, grid, local search."""
