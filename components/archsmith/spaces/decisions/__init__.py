"""What a space is made of: decisions, active under others, and how they are counted and drawn."""

from archsmith.spaces.decisions.decisions import Decision, are_numbers

__all__ = ["Decision", "are_numbers"]
