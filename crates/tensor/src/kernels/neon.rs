//! The vectors of 64-bit ARM. Every such processor has these instructions, so nothing is detected.

use std::arch::aarch64::*;

use super::isa::Kernel;
use super::simd::Simd;

/// Two registers of four lanes each: as wide as AVX2, and its tile fits into the 32 registers (24 sums, 4 of the right-hand side, 1 broadcast).
#[derive(Clone, Copy)]
pub(crate) struct Neon;

// SAFETY (every block below): the instructions are there, and for loads and stores the caller vouches for the memory.
impl Simd for Neon {
    type Vector = [float32x4_t; 2];
    const LANES: usize = 8;
    const MAX_ROWS: usize = 6;
    const FMA: bool = true;

    #[inline(never)]
    unsafe fn apart<K: Kernel>(kernel: K) -> K::Output {
        kernel.run::<Neon>()
    }
    #[inline(always)]
    unsafe fn zero() -> Self::Vector {
        // SAFETY: see the top of the block.
        unsafe { [vdupq_n_f32(0.0); 2] }
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::Vector {
        // SAFETY: see the top of the block.
        unsafe { [vdupq_n_f32(value); 2] }
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self::Vector {
        // SAFETY: see the top of the block.
        unsafe { [vld1q_f32(from), vld1q_f32(from.add(4))] }
    }
    #[inline(always)]
    unsafe fn store(to: *mut f32, [low, high]: Self::Vector) {
        // SAFETY: see the top of the block.
        unsafe {
            vst1q_f32(to, low);
            vst1q_f32(to.add(4), high);
        }
    }
    #[inline(always)]
    unsafe fn mul_add(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        // SAFETY: see the top of the block.
        unsafe { [vfmaq_f32(c[0], a[0], b[0]), vfmaq_f32(c[1], a[1], b[1])] }
    }
    #[inline(always)]
    unsafe fn add(a: Self::Vector, b: Self::Vector) -> Self::Vector {
        // SAFETY: see the top of the block.
        unsafe { [vaddq_f32(a[0], b[0]), vaddq_f32(a[1], b[1])] }
    }
    #[inline(always)]
    unsafe fn not_zero(value: Self::Vector) -> u32 {
        // SAFETY: see the top of the block; the four bits are a local's.
        unsafe {
            let bits = vld1q_u32([1, 2, 4, 8].as_ptr());
            let [low, high] = [0, 1].map(|half| vaddvq_u32(vbicq_u32(bits, vceqzq_f32(value[half]))));
            low | high << 4
        }
    }
    #[inline(always)]
    unsafe fn load_turned(row: impl Fn(usize) -> *const f32) -> [Self::Vector; 4] {
        // SAFETY: see the top of the block.
        unsafe {
            let [low, high] = [turned(&row, 0), turned(&row, 4)];
            [0, 1, 2, 3].map(|j| [low[j], high[j]])
        }
    }
}

/// Four numbers of each of four rows, turned.
///
/// # Safety
/// The numbers can be read.
#[inline(always)]
unsafe fn turned(row: &impl Fn(usize) -> *const f32, first: usize) -> [float32x4_t; 4] {
    // SAFETY: as the caller vouches.
    unsafe {
        let [a, b, c, d] = [0, 1, 2, 3].map(|i| vld1q_f32(row(first + i)));
        let pairs = [vtrn1q_f32(a, b), vtrn2q_f32(a, b), vtrn1q_f32(c, d), vtrn2q_f32(c, d)];
        let [ab_even, ab_odd, cd_even, cd_odd] = pairs.map(|x| vreinterpretq_f64_f32(x));
        let columns = [
            vtrn1q_f64(ab_even, cd_even),
            vtrn1q_f64(ab_odd, cd_odd),
            vtrn2q_f64(ab_even, cd_even),
            vtrn2q_f64(ab_odd, cd_odd),
        ];
        columns.map(|x| vreinterpretq_f32_f64(x))
    }
}
