"""Makes own-table.csv: how well small networks of scikit-learn predict the progress of diabetes.

    python examples/own_table.py > examples/own-table.csv

Each row is a network and its R² on patients that it was not trained with: 1 is perfect, 0 is as good as the mean, and less than
that is worse. `validation` is the mean over five folds of three quarters of the patients, `test` is of the last quarter.
"""

import sys
import warnings
from itertools import product

import pandas as pd
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import StandardScaler

CHOICES = {"layers": (1, 2, 3), "units": (4, 16, 64), "activation": ("relu", "tanh"), "decay": (1e-4, 1.0, 30.0)}


def main() -> None:
    """Train every network, and print the table."""
    warnings.simplefilter("ignore", ConvergenceWarning)  # they are stopped early on purpose
    x, x_test, y, y_test = train_test_split(*load_diabetes(return_X_y=True), test_size=0.25, random_state=0)
    scaler = StandardScaler().fit(x)
    x, x_test = scaler.transform(x), scaler.transform(x_test)
    rows = []
    for layers, units, activation, decay in product(*CHOICES.values()):
        network = MLPRegressor(
            hidden_layer_sizes=(units,) * layers, activation=activation, alpha=decay, max_iter=300, random_state=0
        )
        model = TransformedTargetRegressor(network, transformer=StandardScaler())
        validation = cross_val_score(model, x, y, cv=5, scoring="r2").mean()
        test = model.fit(x, y).score(x_test, y_test)
        trained = model.regressor_
        weights = sum(array.size for array in (*trained.coefs_, *trained.intercepts_))
        rows.append((layers, units, activation, decay, weights, round(validation, 4), round(test, 4)))
    pd.DataFrame(rows, columns=[*CHOICES, "weights", "validation", "test"]).to_csv(sys.stdout, index=False)


if __name__ == "__main__":
    main()
