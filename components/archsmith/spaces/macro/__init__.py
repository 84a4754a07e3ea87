"""Networks of several branches, and cells within them."""
