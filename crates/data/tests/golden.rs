//! Values of scikit-learn and files of NumPy; `golden/generate.py` makes both.

#![cfg(all(feature = "csv", feature = "npy"))]
#![allow(clippy::unwrap_used)] // the exception for tests does not reach their helpers

use std::path::PathBuf;

use layerwise_data::{CsvConfig, Fill, FillText, Preprocessing, PreprocessingConfig, Scaling, Table, npy};
use layerwise_tensor::Tensor;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    fitted: u32,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    fill: Fill,
    scaling: Scaling,
    rows: Vec<Vec<f64>>,
}

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

#[test]
fn preprocessing_is_that_of_scikit_learn() {
    let text = std::fs::read_to_string(golden("preprocessing.json")).unwrap();
    let Golden { fitted, cases } = serde_json::from_str(&text).unwrap();
    let table = Table::open(golden("table.csv"), &CsvConfig::default()).unwrap();
    let rows: Vec<u32> = (0..table.rows() as u32).collect();
    let (first, rest) = rows.split_at(fitted as usize);
    assert_eq!(cases.len(), 6);
    for Case { fill, scaling, rows } in cases {
        let fill_text = FillText::MostFrequent;
        let config = PreprocessingConfig { fill, fill_text, scaling, ..Default::default() };
        let preprocessing = Preprocessing::fit(&table.select(first), &config).unwrap();
        let found = preprocessing.apply(&table.select(rest)).unwrap().inputs;
        let expected = rows.concat();
        assert_eq!(found.as_slice().len(), expected.len());
        for (&found, expected) in found.as_slice().iter().zip(expected) {
            let error = (f64::from(found) - expected).abs();
            assert!(error <= 1e-5 * expected.abs(), "{fill:?}, {scaling:?}: {found}, expected {expected}");
        }
    }
}

#[test]
fn arrays_of_every_type_and_order_are_read() {
    let expected = Tensor::from([[0.0, 1.0, 2.0], [3.0, 4.0, 100.0]]);
    let booleans = expected.map(|x| if x == 0.0 { 0.0 } else { 1.0 });
    for kind in ["f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"] {
        for order in ["little", "big", "fortran"] {
            let found = npy::open(golden(&format!("npy/{kind}_{order}.npy"))).unwrap();
            assert_eq!(&found, if kind == "b1" { &booleans } else { &expected }, "{kind} {order}");
        }
    }
    let error = npy::open(golden("npy/half.npy")).unwrap_err().to_string();
    assert!(error.ends_with("elements of type <f2, expected floats of 32 or 64 bits, integers or booleans"));
    let arrays = npy::open_npz(golden("npy/arrays.npz")).unwrap();
    let scalar = Tensor::from(2.5);
    let all =
        [("x".into(), expected), ("y".into(), Tensor::from([0.0, 1.0, 2.0])), ("scalar".into(), scalar)];
    assert_eq!(arrays, all);
}
