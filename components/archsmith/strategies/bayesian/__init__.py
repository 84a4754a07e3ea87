"""Bayesian optimisation, and what its surrogates are made of."""
