"""The machine, as what runs on it sees it: its container, its environment, its files, the processes that are started."""
