"""A strategy, an estimator and a stopper of one's own."""
