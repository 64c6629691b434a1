//! Files that are damaged, cut, or say what cannot be.

use proptest::prelude::*;

use super::*;
use crate::trainer::Ended;
use crate::{Lookahead, LookaheadConfig, Optimizer, Sgd, SgdConfig};

/// A small file, and what it was made of.
fn file() -> (Vec<u8>, Params) {
    let mut params = Params::new();
    params
        .root()
        .child("a")
        .parameter("weight", [2, 3], |w| w.copy_from_slice(&[1.0, -0.0, 3.5, 1e-42, 0.1, -7.0]));
    params.root().statistic("mean", [1], |mean| mean[0] = 0.25);
    let inner = Sgd::new(&params, SgdConfig::with_momentum(0.1, 0.9));
    let opt = Lookahead::new(&params, inner, LookaheadConfig::default());
    let history = History { ended: Ended::Stopped, ..History::default() };
    let position = Position { steps_in_epoch: 2, step: 2, ..Position::default() };
    let settings = [("seed".to_owned(), Value::from(u64::MAX))].into();
    let run = SavedRun { settings, config: Value::Null, position, history, is_over: false };
    let state = CallbackState { kind: "k".into(), text: "t".into(), numbers: vec![1.5, f32::MAX] };
    (encode(run, &params, opt.state(), &[state]), params)
}

#[test]
fn what_is_written_comes_back() {
    let (bytes, mut params) = file();
    let checkpoint = Checkpoint::from_bytes(&bytes).unwrap();
    assert_eq!((checkpoint.step(), &checkpoint.history().ended), (2, &Ended::Stopped));
    assert_eq!(checkpoint.optimizer().rule, "Lookahead(Sgd)");
    assert_eq!(checkpoint.callbacks[0].numbers, [1.5, f32::MAX]);
    assert_eq!(checkpoint.run.settings["seed"], u64::MAX);
    let bits = |params: &Params| params.flat().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    let before = bits(&params);
    params.flat_mut().1.fill(0.0);
    checkpoint.load_params(&mut params).unwrap();
    assert_eq!(bits(&params), before);
}

#[test]
fn a_file_cut_at_any_byte_is_refused() {
    let (bytes, _) = file();
    for len in 0..bytes.len() {
        let problem = Checkpoint::from_bytes(&bytes[..len]).unwrap_err();
        let expected = if len < 40 { 40 } else { bytes.len() as u64 };
        assert_eq!(problem, Problem::Length { expected, found: len as u64 });
        assert!(problem.is_damage());
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(matches!(Checkpoint::from_bytes(&longer).unwrap_err(), Problem::Length { .. }));
}

#[test]
fn every_flipped_bit_is_found() {
    let (mut bytes, _) = file();
    let header = u64::from_le_bytes(bytes[12..20].try_into().unwrap()) as usize;
    for at in 0..bytes.len() {
        for bit in 0..8 {
            bytes[at] ^= 1 << bit;
            let problem = Checkpoint::from_bytes(&bytes).unwrap_err();
            assert!(problem.is_damage(), "byte {at}: {problem}");
            let expected = match at {
                0..8 => "its first bytes are",
                8..40 => "its head is damaged",
                at if at < 40 + header => "its header is damaged",
                _ => "its numbers is damaged",
            };
            let expected = expected.replace("numbers is", "numbers are");
            assert!(problem.to_string().contains(&expected), "byte {at}: {problem}");
            bytes[at] ^= 1 << bit;
        }
    }
    Checkpoint::from_bytes(&bytes).unwrap();
}

/// The file with another head, whose checksum is right.
fn with_head(bytes: &[u8], at: usize, field: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at..at + field.len()].copy_from_slice(field);
    let sum = crc32fast::hash(&bytes[..36]);
    bytes[36..40].copy_from_slice(&sum.to_le_bytes());
    bytes
}

#[test]
fn a_later_version_is_told_from_a_damaged_one() {
    let later = with_head(&file().0, 8, &7_u32.to_le_bytes());
    let problem = Checkpoint::from_bytes(&later).unwrap_err();
    assert_eq!(problem, Problem::Newer { found: 7, known: 1 });
    assert_eq!(problem.to_string(), "it has version 7 of the format, the latest one known here is 1");
    assert!(!problem.is_damage());
}

#[test]
fn lengths_are_not_believed() {
    let (bytes, _) = file();
    for at in [12, 20] {
        for length in [0, u64::MAX, u64::MAX - 40, 1 << 40] {
            let problem = Checkpoint::from_bytes(&with_head(&bytes, at, &length.to_le_bytes())).unwrap_err();
            assert!(matches!(problem, Problem::Length { .. }), "{problem}");
        }
    }
}

/// A whole file with another header.
fn with_header(change: impl FnOnce(&mut Value)) -> Problem {
    let (bytes, _) = file();
    let (header, numbers) = container::decode(&bytes).unwrap();
    let mut header = serde_json::from_slice(header).unwrap();
    change(&mut header);
    let numbers: Vec<f32> = numbers.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    let bytes = container::encode(&serde_json::to_vec(&header).unwrap(), &[&numbers]);
    Checkpoint::from_bytes(&bytes).unwrap_err()
}

#[test]
fn a_header_has_to_fit_together() {
    for (pointer, value, text) in [
        ("/arrays/0", 7.into(), "its header: arrays of 22 numbers in 84 bytes"),
        ("/arrays/0", u64::MAX.into(), "its header: arrays of too many numbers in 84 bytes"),
        ("/arrays/0", (1_u64 << 62).into(), "its header: arrays of 4611686018427387919 numbers in 84 bytes"),
        ("/arrays", Value::Array(vec![]), "its header: 0 arrays for 5 places"),
        ("/parameters/0/shape/0", 3.into(), "its header: 6 numbers for a.weight of shape [3, 3]"),
        (
            "/parameters/0/shape/0",
            u64::MAX.into(),
            "its header: 6 numbers for a.weight of shape [18446744073709551615, 3]",
        ),
        ("/run/position/epoch", 0.into(), "its header: epoch 0 after 0, 2 steps in the epoch of 2 in all"),
        (
            "/run/position/epoch",
            u64::MAX.into(),
            "its header: epoch 18446744073709551615 after 0, 2 steps in the epoch of 2 in all",
        ),
        (
            "/run/position/steps_in_epoch",
            3.into(),
            "its header: epoch 1 after 0, 3 steps in the epoch of 2 in all",
        ),
    ] {
        let problem = with_header(|header| *header.pointer_mut(pointer).expect("it is there") = value);
        assert_eq!(problem.to_string(), text);
    }
    let problem = with_header(|header| *header = Value::Null);
    assert!(problem.to_string().starts_with("its header: invalid type: null"), "{problem}");
}

proptest! {
    #[test]
    fn any_bytes_are_refused_in_words(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        Checkpoint::from_bytes(&bytes).unwrap_err().to_string();
    }

    /// Behind right checksums, where the parser itself has to see what is wrong.
    #[test]
    fn any_header_is_read_or_refused(at in 0..800_usize, with in any::<u8>(), insert in any::<bool>()) {
        let (bytes, _) = file();
        let (header, numbers) = container::decode(&bytes).unwrap();
        let mut header = header.to_vec();
        let at = at % header.len();
        if insert { header.insert(at, with) } else { header[at] = with }
        let numbers: Vec<f32> = numbers.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        // Whatever it is, it does not panic.
        let _ = Checkpoint::from_bytes(&container::encode(&header, &[&numbers]));
    }
}
