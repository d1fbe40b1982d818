"""Print the table of docs/data.md: what simple models reach on the churn table.

python docs/data/churn_baselines.py
"""

from collections.abc import Iterable

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from initbench.parts.datasets.loading import load_dataset
from initbench.parts.datasets.places import data_folders

MODELS = {
    'always "stayed"': DummyClassifier(),
    "logistic regression": make_pipeline(StandardScaler(), LogisticRegression()),
    "gradient boosting (scikit-learn's defaults)": GradientBoostingClassifier(random_state=0),
}


def rows(names: Iterable[str]) -> list[str]:
    """Cross-validate models on all 10,000 rows; a row of the table each."""
    data = load_dataset("churn", {}, data_folders(None))
    x, y = np.concatenate([data.x_train, data.x_test]), np.concatenate([data.y_train, data.y_test])
    lines = []
    for name in names:
        folds = StratifiedKFold(5, shuffle=True, random_state=0)
        found = cross_validate(MODELS[name], x, y, cv=folds, scoring=("accuracy", "roc_auc"))
        lines.append(f"| {name} | {found['test_accuracy'].mean():.3f} | {found['test_roc_auc'].mean():.3f} |")
    return lines


if __name__ == "__main__":
    print("| five-fold cross-validation | accuracy | ROC AUC |\n| --- | --- | --- |", *rows(MODELS), sep="\n")
