"""The language of a user's own space: blocks of layers, written in YAML, whose settings refer to decisions."""
