//! Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 4.3.

/// How many blocks a bulk loop computes at once: one 256-bit vector of 32-bit words.
pub(crate) const LANES: usize = 8;

/// The multipliers of the paper's table 2.
const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
/// What the key grows by in every round: the golden ratio and the square root of 3, less 1.
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: u32 = 10;

/// `N` consecutive blocks, the first of them `block`: `result[word][i]` is a word (0 to 3) of block `block + i`.
///
/// The seed is Philox's key; the block is the low half of its counter and the stream the high half.
#[inline(always)]
pub(crate) fn philox_blocks<const N: usize>(seed: u64, stream: u64, block: u64) -> [[u32; N]; 4] {
    let [mut a, mut b, mut c, mut d] = [[0; N]; 4];
    // One whole block per turn is what LLVM turns into a vector of blocks.
    for i in 0..N {
        let block = block.wrapping_add(i as u64);
        let counter = [block as u32, (block >> 32) as u32, stream as u32, (stream >> 32) as u32];
        [a[i], b[i], c[i], d[i]] = philox(counter, [seed as u32, (seed >> 32) as u32]);
    }
    [a, b, c, d]
}

/// The bijection itself: 128 bits of counter to 128 random bits, chosen by the key.
#[inline(always)]
fn philox([mut a, mut b, mut c, mut d]: [u32; 4], [mut left, mut right]: [u32; 2]) -> [u32; 4] {
    for _ in 0..ROUNDS {
        let first = u64::from(MULTIPLIERS[0]) * u64::from(a);
        let second = u64::from(MULTIPLIERS[1]) * u64::from(c);
        (a, b) = ((second >> 32) as u32 ^ b ^ left, second as u32);
        (c, d) = ((first >> 32) as u32 ^ d ^ right, first as u32);
        left = left.wrapping_add(WEYL[0]);
        right = right.wrapping_add(WEYL[1]);
    }
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines `philox4x32 10` of `kat_vectors` in the Random123 library: counter, key, result.
    const KNOWN_ANSWERS: [([u32; 4], [u32; 2], [u32; 4]); 3] = [
        ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
        ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
        (
            [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
            [0xa409_3822, 0x299f_31d0],
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
        ),
    ];

    #[test]
    fn known_answers() {
        for (counter, key, answer) in KNOWN_ANSWERS {
            assert_eq!(philox(counter, key), answer);
        }
    }

    #[test]
    fn seed_stream_and_block_are_key_and_counter() {
        let [_, _, ([c0, c1, c2, c3], [k0, k1], answer)] = KNOWN_ANSWERS;
        let join = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        let words = philox_blocks(join(k0, k1), join(c2, c3), join(c0, c1));
        assert_eq!(words, answer.map(|word| [word]));
    }

    #[test]
    fn eight_at_once_are_eight_one_by_one() {
        for first in [0, u64::from(u32::MAX) - 3, u64::MAX - 3] {
            let many = philox_blocks::<LANES>(7, 9, first);
            for i in 0..LANES {
                let one = philox_blocks(7, 9, first.wrapping_add(i as u64));
                assert_eq!(many.map(|word| [word[i]]), one);
            }
        }
    }
}
