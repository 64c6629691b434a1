//! Files of PyTorch's, and what its networks compute; `golden/generate_pytorch.py` makes them.
#![cfg(feature = "safetensors")]

mod common;

use std::collections::BTreeMap;

use layerwise_interchange::safetensors::StateDict;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    /// Hexadecimal.
    file: String,
    #[serde(flatten)]
    rows: common::Rows,
}

#[test]
fn pytorchs_parameters_give_pytorchs_outputs() {
    let golden: BTreeMap<String, Golden> = serde_json::from_str(include_str!("golden/pytorch.json")).unwrap();
    let mut networks = common::networks();
    assert!(golden.keys().eq(networks.keys()), "cases.json and the networks here");
    for (name, Golden { file, rows }) in golden {
        let (params, model) = networks.get_mut(&name).unwrap();
        let digits = file.as_bytes().chunks(2).map(|digits| str::from_utf8(digits).unwrap());
        let bytes = digits.map(|digits| u8::from_str_radix(digits, 16).unwrap()).collect();
        StateDict::from_bytes(bytes).unwrap().load_into(params).unwrap();
        rows.check(&name, params, model);
    }
}
