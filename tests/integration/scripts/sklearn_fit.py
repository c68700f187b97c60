"""Cross-validate a classifier of scikit-learn, reproducibly."""

from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score

import scitex_session as stx


@stx.session(seed=13)
def main(trees: int = 20, folds: int = 3, jobs: int = 1):
    seed = rngg.get_sklearn_random_state("data")
    x, y = make_classification(200, n_features=8, random_state=seed)
    model = RandomForestClassifier(trees, random_state=rngg.get_sklearn_random_state("forest"))
    scores = cross_val_score(model, x, y, cv=folds, n_jobs=jobs)
    print(" ".join(f"{score:.3f}" for score in scores))
    model.fit(x, y)
    stx.io.save(model, "model.joblib")
    return {"mean": scores.mean(), "scores": scores}


if __name__ == "__main__":
    main()
