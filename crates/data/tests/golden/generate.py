"""Golden values of preprocessing, from scikit-learn, and arrays written by NumPy.

    pip install -r requirements.txt
    python generate.py

It writes table.csv and preprocessing.json beside itself: for each pair of a fill rule and a scaling, the matrix that a
ColumnTransformer of SimpleImputer, StandardScaler or MinMaxScaler, and OneHotEncoder makes of the last rows of the table
when it is fitted on the first ones. And npy/*.npy and npy/arrays.npz: the same array [2, 3] as every type of element, byte order and memory
order that is read. And grey.jpg, 16 x 8 pixels, the left half 40 and the right half 220.
"""

import csv
import json
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

HERE = Path(__file__).parent
FITTED = 8  # rows
COLUMNS = ["area", "rooms", "city", "heating"]
ROWS = [
    [60.5, 2, "Bern", "gas"],
    [90.25, 3, "Oslo", None],
    [None, 3, "Bern", "gas"],
    [120.0, None, "Åbo", "wood"],
    [75.75, 2, None, "oil"],
    [1e6, 4, "Oslo", "gas"],
    [61.0, None, "Bern", "oil"],
    [88.0, 5, "Bern", "wood"],
    [None, 7, "Oslo", "coal"],
    [-3.0, None, None, "gas"],
    [100.0, 2, "Lima", None],
]
FILLS = {"mean": "mean", "median": "median", "most-frequent": "most_frequent"}
SCALINGS = {"standardise": StandardScaler, "min-max": MinMaxScaler}


def encode(fill, scaling):
    numbers = make_pipeline(SimpleImputer(strategy=FILLS[fill]), SCALINGS[scaling]())
    texts = make_pipeline(
        SimpleImputer(strategy="most_frequent", missing_values=None),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    )
    transformer = ColumnTransformer([("numbers", numbers, [0, 1]), ("texts", texts, [2, 3])])
    table = np.array(ROWS, dtype=object)
    table[:, :2] = table[:, :2].astype(float)
    transformer.fit(table[:FITTED])
    return transformer.transform(table[FITTED:]).astype(float).tolist()


def main():
    with open(HERE / "table.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *ROWS])
    cases = [
        {"fill": fill, "scaling": scaling, "rows": encode(fill, scaling)} for fill in FILLS for scaling in SCALINGS
    ]
    (HERE / "preprocessing.json").write_text(json.dumps({"fitted": FITTED, "cases": cases}, indent=1) + "\n")

    folder = HERE / "npy"
    folder.mkdir(exist_ok=True)
    array = np.array([[0, 1, 2], [3, 4, 100]])
    for kind in ["f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"]:
        for name, order in [("little", "<"), ("big", ">")]:
            np.save(folder / f"{kind}_{name}.npy", array.astype(order + kind))
        np.save(folder / f"{kind}_fortran.npy", np.asfortranarray(array.astype(kind)))
    np.save(folder / "half.npy", array.astype("f2"))
    np.savez_compressed(folder / "arrays.npz", x=array.astype("f4"), y=np.arange(3.0), scalar=np.float64(2.5))

    Image.fromarray(np.repeat([[40, 220]], 8, axis=1).repeat(8, axis=0).astype("u1")).save(HERE / "grey.jpg", quality=95)


if __name__ == "__main__":
    main()
