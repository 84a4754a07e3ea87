"""The KFP pipelines."""
