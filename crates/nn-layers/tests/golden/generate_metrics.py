"""Golden values of the metrics of classifiers, from scikit-learn.

    pip install -r requirements.txt
    python generate_metrics.py

It writes metrics.json beside itself: for some logits and labels the confusion matrix, accuracy, accuracy among the k largest, and
precision, recall and F1 of every class and on average. One case has a class that occurs without being predicted, one that is
predicted without occurring, and one that does neither.
"""

import json
from pathlib import Path

import numpy as np
import sklearn
from sklearn import metrics

CLASSES = 6


def scores(labels, predicted, average):
    found = metrics.precision_recall_fscore_support(
        labels, predicted, labels=range(CLASSES), average=average, zero_division=0.0
    )
    return np.stack([np.asarray(of, dtype=float) for of in found[:3]], axis=-1).tolist()


def case(rng, n, strength, occurring, predictable):
    labels = rng.choice(occurring, size=n)
    logits = np.round(rng.normal(size=(n, CLASSES)) * 64) / 64 + np.arange(CLASSES) / 1024  # no ties
    logits[np.arange(n), labels] += strength
    logits[:, [c for c in range(CLASSES) if c not in predictable]] -= 100
    predicted = logits.argmax(axis=1)
    ks = range(1, CLASSES)
    return {
        "labels": labels.tolist(),
        "logits": logits.flatten().tolist(),
        "confusion": metrics.confusion_matrix(labels, predicted, labels=range(CLASSES)).flatten().tolist(),
        "accuracy": metrics.accuracy_score(labels, predicted),
        "top_k": [metrics.top_k_accuracy_score(labels, logits, k=k, labels=range(CLASSES)) for k in ks],
        "per_class": scores(labels, predicted, None),
        "macro": scores(labels, predicted, "macro"),
        "weighted": scores(labels, predicted, "weighted"),
    }


def main():
    rng = np.random.default_rng(4)
    everything = list(range(CLASSES))
    cases = [
        case(rng, 600, 1.5, everything, everything),
        case(rng, 40, 1.0, [0, 1, 2], [1, 2, 3, 4]),
        case(rng, 7, 0.0, everything, everything),
    ]
    golden = {"sklearn": sklearn.__version__, "classes": CLASSES, "cases": cases}
    Path(__file__).with_name("metrics.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
