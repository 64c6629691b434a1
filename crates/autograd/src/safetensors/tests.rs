use std::collections::BTreeMap;

use ::safetensors::tensor::TensorView;
use ::safetensors::{Dtype, serialize};

use super::save::to_bytes;
use super::*;
use crate::{Params, Shape};

/// A linear layer and a normalisation's count.
fn params() -> Params {
    let mut params = Params::new();
    let mut root = params.root();
    let mut linear = root.child(0);
    linear.parameter("weight", [2, 3], |w| w.copy_from_slice(&[0.1, -2.0, 3.0, f32::MIN_POSITIVE, 0.0, 7.5]));
    linear.parameter("bias", [2], |b| b.copy_from_slice(&[-0.0, 1e30]));
    root.child(1).statistic("num_batches_tracked", Shape::SCALAR, |count| count[0] = 12_345.0);
    params
}

fn bits(params: &Params) -> Vec<u32> {
    params.flat().iter().map(|x| x.to_bits()).collect()
}

/// The same layout with other values.
fn zeros() -> Params {
    let mut zeros = params();
    zeros.flat_mut().1.fill(0.0);
    zeros
}

fn file(tensors: &[(&str, Dtype, &[usize])]) -> StateDict {
    let bytes = [0; 1024];
    let views = tensors.iter().map(|(name, dtype, shape)| {
        let len = shape.iter().product::<usize>() * dtype.bitsize() / 8;
        (*name, TensorView::new(*dtype, shape.to_vec(), &bytes[..len]).unwrap())
    });
    StateDict::from_bytes(serialize(views, None).unwrap()).unwrap()
}

#[test]
fn values_and_metadata_come_back_bit_by_bit() {
    let metadata =
        BTreeMap::from([("a".to_owned(), "1".to_owned()), ("\"".to_owned(), "\u{e9}\n".to_owned())]);
    let file = StateDict::from_bytes(to_bytes(&params(), metadata.clone()).unwrap()).unwrap();
    assert_eq!(file.metadata(), &metadata);
    let mut loaded = zeros();
    file.load_into(&mut loaded).unwrap();
    assert_eq!(bits(&loaded), bits(&params()));
    assert_eq!(file.names(), ["0.bias", "0.weight", "1.num_batches_tracked"]);
    assert_eq!((file.shape("0.weight"), file.shape("2.weight")), (Some(&[2, 3][..]), None));
}

#[test]
fn the_same_model_gives_the_same_bytes() {
    let metadata = || ('a'..='h').rev().map(|key| (key.to_string(), "\"1\"".to_owned())).collect();
    let bytes = to_bytes(&params(), metadata()).unwrap();
    let expected = r#"{"__metadata__":{"a":"\"1\"","b":"\"1\"","c":"\"1\"","d":"\"1\"","e":"\"1\"","f":"\"1\"","g":"\"1\"","h":"\"1\""},"1.num"#;
    assert_eq!(String::from_utf8_lossy(&bytes[8..8 + expected.len()]), expected);
    assert_eq!(to_bytes(&params(), metadata()).unwrap(), bytes);
    let without = to_bytes(&params(), BTreeMap::new()).unwrap();
    assert!(without[8..].starts_with(br#"{"1.num"#));
}

#[test]
fn batches_are_counted_in_integers_and_older_files_in_floats() {
    let problem = |dtype| {
        let counts: &[(&str, Dtype, &[usize])] = &[("num_batches_tracked", dtype, &[])];
        let mut params = Params::new();
        params.root().statistic("num_batches_tracked", Shape::SCALAR, |_| ());
        file(counts).load_into(&mut params).err().map(|problem| problem.to_string())
    };
    assert_eq!([Dtype::I64, Dtype::F32].map(problem), [None, None]);
    assert_eq!(
        problem(Dtype::F64).unwrap(),
        r#"parameter "num_batches_tracked": expected I64 [], found F64 []"#
    );
    let written = to_bytes(&params(), BTreeMap::new()).unwrap();
    let header = String::from_utf8_lossy(&written);
    assert!(header.contains(r#""1.num_batches_tracked":{"dtype":"I64","shape":[],"#), "{header}");
}

#[test]
fn what_does_not_fit_is_named_and_changes_nothing() {
    let good: [(&str, Dtype, &[usize]); 3] = [
        ("0.weight", Dtype::F32, &[2, 3]),
        ("0.bias", Dtype::F32, &[2]),
        ("1.num_batches_tracked", Dtype::I64, &[]),
    ];
    let problem = |tensors: &[(&str, Dtype, &[usize])]| {
        let mut loaded = params();
        let problem = file(tensors).load_into(&mut loaded).unwrap_err();
        assert_eq!(bits(&loaded), bits(&params()), "{problem}");
        problem.to_string()
    };
    assert_eq!(problem(&good[..2]), r#"parameter "1.num_batches_tracked" is missing"#);
    let more = [&good[..], &[("2.bias", Dtype::F32, &[2])]].concat();
    assert_eq!(problem(&more), r#"parameter "2.bias" is not one of the model's"#);
    for (dtype, shape, text) in [
        (Dtype::F32, &[3, 2][..], "found F32 [3, 2]"),
        (Dtype::F32, &[6], "found F32 [6]"),
        (Dtype::F16, &[2, 3], "found F16 [2, 3]"),
        (Dtype::I64, &[2, 3], "found I64 [2, 3]"),
    ] {
        let mut other = good;
        (other[0].1, other[0].2) = (dtype, shape);
        assert_eq!(problem(&other), format!(r#"parameter "0.weight": expected F32 [2, 3], {text}"#));
    }
}

#[test]
fn loading_what_matches_says_what_does_not() {
    let mut loaded = params();
    let other = file(&[("0.bias", Dtype::F32, &[2]), ("z", Dtype::F64, &[1]), ("a", Dtype::F32, &[0])]);
    let unmatched = other.load_matching_into(&mut loaded).unwrap();
    assert_eq!(unmatched.missing, ["0.weight", "1.num_batches_tracked"]);
    assert_eq!(unmatched.unexpected, ["a", "z"]);
    assert_eq!(loaded.get("0.bias").unwrap().as_slice(), [0.0, 0.0]);
    assert_eq!(loaded.get("0.weight"), params().get("0.weight"));
    let problem = file(&[("0.bias", Dtype::F32, &[3])]).load_matching_into(&mut loaded).unwrap_err();
    assert_eq!(problem.to_string(), r#"parameter "0.bias": expected F32 [2], found F32 [3]"#);
}

#[test]
fn no_part_of_a_file_and_no_longer_one_is_a_file() {
    let whole = to_bytes(&params(), BTreeMap::from([("k".to_owned(), "v".to_owned())])).unwrap();
    for len in 0..whole.len() {
        let problem = StateDict::from_bytes(whole[..len].to_vec()).unwrap_err();
        assert!(problem.to_string().starts_with("it is no safetensors file: "), "{len}: {problem}");
    }
    let longer = [&whole[..], &[0]].concat();
    assert!(matches!(StateDict::from_bytes(longer), Err(LoadProblem::Format(_))));
}

#[test]
fn damaged_headers_are_errors_and_no_panics() {
    let whole = to_bytes(&params(), BTreeMap::from([("k".to_owned(), "v".to_owned())])).unwrap();
    let header = whole.len() - (6 + 2) * 4 - 8;
    for at in 0..header {
        for bit in 0..8 {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << bit;
            // Some are other files: a name or a text has changed.
            if let Ok(file) = StateDict::from_bytes(damaged) {
                let _ = file.load_matching_into(&mut zeros());
            }
        }
    }
}
