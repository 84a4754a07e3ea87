"""The steps of the pipeline: what a pod, or a task of a local run, does."""
