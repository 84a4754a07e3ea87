"""Strategies whose networks begin with the weights of others: hill climbing, LEMONADE, EAS, path-level."""
