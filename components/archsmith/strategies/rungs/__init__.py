"""Strategies with rungs: many architectures are measured cheaply, and the best of them at more and more expense."""
