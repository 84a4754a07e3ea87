"""What is shown of a search: as a snapshot, live, on the terminal, in a gallery, to Python."""
