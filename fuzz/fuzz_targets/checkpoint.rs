//! A checkpoint of any bytes; then one whose checksums have been put right.
#![no_main]

use layerwise_optim::Checkpoint;
use libfuzzer_sys::fuzz_target;

const HEAD: usize = 40;

fuzz_target!(|bytes: &[u8]| {
    let _ = Checkpoint::from_bytes(bytes);
    if bytes.len() < HEAD {
        return;
    }
    let mut bytes = bytes.to_vec();
    let rest = bytes.len() - HEAD;
    // As long a header as the head says, if there is room for it.
    let asked = u64::from_le_bytes(bytes[12..20].try_into().expect("eight bytes"));
    let header = (asked as usize).min(rest);
    bytes[..8].copy_from_slice(b"\x89LWCK\r\n\x1a");
    bytes[8..12].copy_from_slice(&1_u32.to_le_bytes());
    bytes[12..20].copy_from_slice(&(header as u64).to_le_bytes());
    bytes[20..28].copy_from_slice(&((rest - header) as u64).to_le_bytes());
    let sums = [crc32fast::hash(&bytes[HEAD..HEAD + header]), crc32fast::hash(&bytes[HEAD + header..])];
    bytes[28..32].copy_from_slice(&sums[0].to_le_bytes());
    bytes[32..36].copy_from_slice(&sums[1].to_le_bytes());
    let sum = crc32fast::hash(&bytes[..36]);
    bytes[36..HEAD].copy_from_slice(&sum.to_le_bytes());
    if let Err(problem) = Checkpoint::from_bytes(&bytes) {
        let text = problem.to_string();
        assert!(text.starts_with("its header: "), "{text}");
    }
});
