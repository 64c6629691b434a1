"""What the other checks share: the cases that the test has written to a folder, and the comparison with them."""

import json
import sys
from pathlib import Path

import numpy as np


def folder():
    return Path(sys.argv[1])


def written(name):
    return json.loads((folder() / name).read_text())


def compare(case, found, expected):
    """Fails where an element is off by more than 1e-5 of itself and 1e-6 of the largest: small sums of large numbers carry their rounding."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    assert found.shape == expected.shape, f"{case}: shapes {found.shape} and {expected.shape}"
    largest = np.abs(expected).max(initial=0)
    excess = np.abs(found - expected) - (1e-5 * np.abs(expected) + 1e-6 * largest)
    assert excess.max() <= 0, f"{case}: found {found}, expected {expected}"
