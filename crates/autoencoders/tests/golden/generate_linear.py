"""Golden values of PCA, AUROC and quantiles, from scikit-learn and NumPy.

    pip install -r requirements.txt
    python generate_linear.py

It writes linear.json beside itself. PCA is `numpy.linalg.eigh` of `numpy.cov` in float64, with the sign that makes the
element of largest absolute value positive, checked against scikit-learn's `PCA` up to its choice of signs. Data are
exact in float32.
"""

import json
from pathlib import Path

import numpy as np
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score


def tensor(x):
    x = np.asarray(x)
    return {"shape": list(x.shape), "values": [float(f"{value:.14g}") for value in x.flatten().tolist()]}


def pca(rng, examples, features, components):
    mixing = rng.normal(size=(features, features)) * 0.8 ** np.arange(features)
    x = np.round((rng.normal(size=(examples, features)) @ mixing.T + rng.normal(size=features)) * 64) / 64
    values, vectors = np.linalg.eigh(np.cov(x, rowvar=False))
    order = np.argsort(values)[::-1]
    values, vectors = values[order], vectors[:, order].T
    vectors *= np.sign(np.take_along_axis(vectors, np.abs(vectors).argmax(1)[:, None], 1))
    kept = vectors[:components]
    codes = (x - x.mean(0)) @ kept.T
    back = codes @ kept + x.mean(0)
    theirs = PCA(components, svd_solver="full").fit(x)
    np.testing.assert_allclose(theirs.explained_variance_, values[:components], rtol=1e-10)
    np.testing.assert_allclose(np.abs((theirs.components_ * kept).sum(1)), 1, rtol=1e-10)
    return {
        "x": tensor(x),
        "mean": tensor(x.mean(0)),
        "components": tensor(kept),
        "variances": tensor(values[:components]),
        "ratios": tensor(theirs.explained_variance_ratio_),
        "codes": tensor(codes),
        "reconstruction": tensor(back),
        "per_example": tensor(((x - back) ** 2).sum(1)),
    }


def scores(rng, n, kinds):
    """With `kinds` different scores, so with ties if that is small."""
    values = np.round(rng.uniform(size=n) * kinds) / kinds
    labels = rng.uniform(size=n) < 0.2 + 0.5 * values
    quantiles = [0.0, 0.05, 0.5, 0.9, 0.95, 0.99, 1.0]
    return {
        "scores": values.tolist(),
        "labels": labels.tolist(),
        "auroc": roc_auc_score(labels, values),
        "quantiles": [[q, float(np.quantile(values, q))] for q in quantiles],
    }


def main():
    rng = np.random.default_rng(1)
    golden = {
        "pca": [pca(rng, 40, 7, 3), pca(rng, 12, 9, 9), pca(rng, 6, 10, 4)],
        "scores": [scores(rng, 50, 10), scores(rng, 200, 4), scores(rng, 100, 10**9)],
    }
    (Path(__file__).parent / "linear.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
