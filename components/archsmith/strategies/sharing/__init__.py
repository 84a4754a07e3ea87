"""Strategies that share weights: their settings, and what they propose once the weights are trained."""
