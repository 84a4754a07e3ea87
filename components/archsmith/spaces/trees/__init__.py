"""Cells that are trees of branches."""
