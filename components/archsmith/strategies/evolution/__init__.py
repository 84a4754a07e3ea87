"""Strategies that breed: ageing evolution, tournaments, NSGA-II."""
