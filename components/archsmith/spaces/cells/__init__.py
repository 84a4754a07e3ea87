"""Cells, normal and reduction, and the networks that stack them."""
