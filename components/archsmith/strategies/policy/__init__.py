"""Reinforcement learning: a controller and the ways to train it."""
