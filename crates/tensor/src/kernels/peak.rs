//! How fast the machine multiplies and adds.

use std::hint::black_box;

use super::isa::{Isa, Kernel, dispatch};
use super::simd::Simd;

/// Multiply-adds of vectors that [`multiply_add`] does per round: enough independent ones to hide their latency.
const CHAINS: usize = 12;

/// Does nothing but multiply-adds on registers, `rounds` times.
pub(crate) fn multiply_add(rounds: usize) {
    dispatch(Isa::best(), MultiplyAdd { rounds });
}

/// The floating-point operations of [`multiply_add`].
pub(crate) fn multiply_add_flops(rounds: usize) -> f64 {
    (2 * Isa::best().lanes() * CHAINS * rounds) as f64
}

struct MultiplyAdd {
    rounds: usize,
}

impl Kernel for MultiplyAdd {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        // SAFETY: arithmetic on registers; `dispatch` has the instructions.
        unsafe {
            let (a, b) = (S::splat(black_box(0.999)), S::splat(black_box(0.001)));
            let mut sums = [S::zero(); CHAINS];
            for _ in 0..self.rounds {
                for sum in &mut sums {
                    *sum = S::mul_add(*sum, a, b);
                }
            }
            let mut out = [0.0_f32; 16];
            for sum in sums {
                S::store(out.as_mut_ptr(), sum);
                black_box(&mut out);
            }
        }
    }
}
