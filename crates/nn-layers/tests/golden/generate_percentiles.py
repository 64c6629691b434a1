"""Golden values of summaries, from NumPy.

    pip install -r requirements.txt
    python generate_percentiles.py

It writes percentiles.json beside itself: for some samples their mean, variance and percentiles by NumPy's defaults, in float64, of
values that are exact in float32.
"""

import json
from pathlib import Path

import numpy as np

PERCENTAGES = [0.0, 2.5, 15.0, 25.0, 50.0, 66.6, 85.0, 99.0, 100.0]


def main():
    rng = np.random.default_rng(3)
    samples = [
        np.round(rng.normal(size=n) * 64) / 64 for n in (1, 2, 5, 20, 21, 1000)
    ] + [np.maximum(np.round(rng.normal(size=101) * 4) / 4, 0.0), 1e6 + np.arange(7.0)]
    cases = [
        {
            "values": x.tolist(),
            "mean": float(np.mean(x)),
            "variance": float(np.var(x)),
            "percentiles": np.percentile(x, PERCENTAGES).tolist(),
        }
        for x in samples
    ]
    golden = {"numpy": np.__version__, "percentages": PERCENTAGES, "cases": cases}
    Path(__file__).with_name("percentiles.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
