//! One vector of `f32` per instruction set, with the few operations that the matrix product needs.

use super::isa::Kernel;

/// A vector type and its instructions.
///
/// # Safety
/// The functions may be called only where the instructions are available, that is below [`super::dispatch`].
pub(crate) trait Simd: Copy {
    type Vector: Copy;
    /// Numbers in a vector.
    const LANES: usize;
    /// Rows of a register tile: `MAX_ROWS * 2` accumulators, two vectors of the right-hand side and one broadcast fit
    /// into the registers.
    const MAX_ROWS: usize;
    /// Whether `f32::mul_add` is one instruction (it is a slow library call where it is not).
    const FMA: bool;

    /// Runs a kernel in a function of its own, where inlining it would make many copies.
    unsafe fn apart<K: Kernel>(kernel: K) -> K::Output;

    unsafe fn zero() -> Self::Vector;
    unsafe fn splat(value: f32) -> Self::Vector;
    /// Reads `LANES` numbers from anywhere.
    unsafe fn load(from: *const f32) -> Self::Vector;
    /// Writes `LANES` numbers to anywhere.
    unsafe fn store(to: *mut f32, value: Self::Vector);
    /// `a * b + c`
    unsafe fn mul_add(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    unsafe fn add(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// Which lanes are not 0 (NaN is not): lane 0 in the lowest bit.
    unsafe fn not_zero(value: Self::Vector) -> u32;
    /// Writes the lanes that are set in `lanes`, in their order and without gaps. What follows them, up to a whole vector, is written too.
    #[inline(always)]
    unsafe fn compress(value: Self::Vector, lanes: u32, to: *mut f32) {
        let (mut numbers, mut next) = ([0.0; MAX_LANES], 0);
        // SAFETY: no vector is longer than these numbers; the caller vouches for the place of another.
        unsafe {
            Self::store(numbers.as_mut_ptr(), value);
            for (lane, &number) in numbers[..Self::LANES].iter().enumerate() {
                to.add(next).write(number);
                next += (lanes >> lane & 1) as usize;
            }
        }
    }
    /// Four numbers of each of `LANES` rows, turned: lane `i` of vector `j` is number `j` of row `i`.
    unsafe fn load_turned(row: impl Fn(usize) -> *const f32) -> [Self::Vector; 4];

    /// `to[j * to_stride + i] = from[i * from_stride + j]` for a square of `LANES` by `LANES`, which must not overlap.
    #[inline(always)]
    unsafe fn transpose(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        for col in (0..Self::LANES).step_by(4) {
            // SAFETY: the caller has the instructions and vouches for both squares.
            unsafe {
                let columns = Self::load_turned(
                    #[inline(always)]
                    |row| from.add(row * from_stride + col),
                );
                for (j, &column) in columns.iter().enumerate() {
                    Self::store(to.add((col + j) * to_stride), column);
                }
            }
        }
    }
}

/// Numbers in the widest vector.
pub(crate) const MAX_LANES: usize = 16;

/// Brings the cache line of an address near, if there is one; never waits, never fails.
#[inline(always)]
pub(crate) fn prefetch(at: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: nothing is read; any address will do.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(at.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// Eight lanes that the compiler maps to whatever the target has (SSE2, NEON, ...).
#[derive(Clone, Copy)]
pub(crate) struct Portable;

impl Simd for Portable {
    type Vector = [f32; 8];
    const LANES: usize = 8;
    const MAX_ROWS: usize = 4;
    const FMA: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));

    #[inline(never)]
    unsafe fn apart<K: Kernel>(kernel: K) -> K::Output {
        kernel.run::<Portable>()
    }
    #[inline(always)]
    unsafe fn zero() -> [f32; 8] {
        [0.0; 8]
    }
    #[inline(always)]
    unsafe fn splat(value: f32) -> [f32; 8] {
        [value; 8]
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> [f32; 8] {
        // SAFETY: the caller vouches for eight readable numbers; an unaligned read asks nothing more.
        unsafe { from.cast::<[f32; 8]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(to: *mut f32, value: [f32; 8]) {
        // SAFETY: the caller vouches for eight writable numbers.
        unsafe { to.cast::<[f32; 8]>().write_unaligned(value) }
    }
    #[inline(always)]
    unsafe fn mul_add(a: [f32; 8], b: [f32; 8], c: [f32; 8]) -> [f32; 8] {
        std::array::from_fn(|i| super::mul_add::<Self>(a[i], b[i], c[i]))
    }
    #[inline(always)]
    unsafe fn add(a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        std::array::from_fn(|i| a[i] + b[i])
    }
    #[inline(always)]
    unsafe fn not_zero(value: [f32; 8]) -> u32 {
        value.iter().rev().fold(0, |bits, &x| bits << 1 | u32::from(x != 0.0))
    }
    #[inline(always)]
    unsafe fn load_turned(row: impl Fn(usize) -> *const f32) -> [[f32; 8]; 4] {
        // SAFETY: the caller vouches for four readable numbers of every row.
        let rows: [[f32; 4]; 8] =
            std::array::from_fn(|i| unsafe { row(i).cast::<[f32; 4]>().read_unaligned() });
        std::array::from_fn(|j| std::array::from_fn(|i| rows[i][j]))
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Kernel, Simd};
    use crate::kernels::isa::{run_avx2, run_avx512};
    use std::arch::x86_64::*;

    // For `shuffle_ps`: the low halves of both, or the high ones, in every group of four numbers.
    const LOW: i32 = 0b01_00_01_00;
    const HIGH: i32 = 0b11_10_11_10;

    /// For each set of eight lanes, which they are in order.
    static COMPRESSED: [[u8; 8]; 256] = {
        let mut table = [[0; 8]; 256];
        let mut lanes = 0;
        while lanes < 256 {
            let (mut lane, mut next) = (0, 0);
            while lane < 8 {
                if lanes >> lane & 1 == 1 {
                    table[lanes][next] = lane as u8;
                    next += 1;
                }
                lane += 1;
            }
            lanes += 1;
        }
        table
    };

    /// Four numbers of row `i` and of row `i + 4`, side by side.
    ///
    /// # Safety
    /// The instructions are there, and the numbers can be read.
    #[inline(always)]
    unsafe fn pair(row: &impl Fn(usize) -> *const f32, i: usize) -> __m256 {
        // SAFETY: as the caller vouches.
        unsafe {
            let low = _mm256_castps128_ps256(_mm_loadu_ps(row(i)));
            _mm256_insertf128_ps::<1>(low, _mm_loadu_ps(row(i + 4)))
        }
    }

    /// Four numbers of rows `i`, `i + 4`, `i + 8` and `i + 12`, side by side.
    ///
    /// # Safety
    /// As for [`pair`].
    #[inline(always)]
    unsafe fn four(row: &impl Fn(usize) -> *const f32, i: usize) -> __m512 {
        // SAFETY: as the caller vouches.
        unsafe {
            let low = _mm512_castps128_ps512(_mm_loadu_ps(row(i)));
            let low = _mm512_insertf32x4::<1>(low, _mm_loadu_ps(row(i + 4)));
            let low = _mm512_insertf32x4::<2>(low, _mm_loadu_ps(row(i + 8)));
            _mm512_insertf32x4::<3>(low, _mm_loadu_ps(row(i + 12)))
        }
    }

    #[derive(Clone, Copy)]
    pub(crate) struct Avx2;

    // SAFETY (every block below): the caller has the instructions, and for loads and stores vouches for the memory.
    impl Simd for Avx2 {
        type Vector = __m256;
        const LANES: usize = 8;
        const MAX_ROWS: usize = 6;
        const FMA: bool = true;

        #[inline(always)]
        unsafe fn apart<K: Kernel>(kernel: K) -> K::Output {
            // SAFETY: see the top of the block.
            unsafe { run_avx2(kernel) }
        }
        #[inline(always)]
        unsafe fn zero() -> __m256 {
            // SAFETY: see the top of the block.
            unsafe { _mm256_setzero_ps() }
        }
        #[inline(always)]
        unsafe fn splat(value: f32) -> __m256 {
            // SAFETY: see the top of the block.
            unsafe { _mm256_set1_ps(value) }
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> __m256 {
            // SAFETY: see the top of the block.
            unsafe { _mm256_loadu_ps(from) }
        }
        #[inline(always)]
        unsafe fn store(to: *mut f32, value: __m256) {
            // SAFETY: see the top of the block.
            unsafe { _mm256_storeu_ps(to, value) }
        }
        #[inline(always)]
        unsafe fn mul_add(a: __m256, b: __m256, c: __m256) -> __m256 {
            // SAFETY: see the top of the block.
            unsafe { _mm256_fmadd_ps(a, b, c) }
        }
        #[inline(always)]
        unsafe fn add(a: __m256, b: __m256) -> __m256 {
            // SAFETY: see the top of the block.
            unsafe { _mm256_add_ps(a, b) }
        }
        #[inline(always)]
        unsafe fn not_zero(value: __m256) -> u32 {
            // SAFETY: see the top of the block.
            unsafe { _mm256_movemask_ps(_mm256_cmp_ps(value, _mm256_setzero_ps(), _CMP_NEQ_UQ)) as u32 }
        }
        #[inline(always)]
        unsafe fn compress(value: __m256, lanes: u32, to: *mut f32) {
            // SAFETY: see the top of the block.
            unsafe {
                let order = _mm_loadl_epi64(COMPRESSED[lanes as usize].as_ptr().cast());
                let order = _mm256_cvtepu8_epi32(order);
                _mm256_storeu_ps(to, _mm256_permutevar8x32_ps(value, order));
            }
        }
        #[inline(always)]
        unsafe fn load_turned(row: impl Fn(usize) -> *const f32) -> [__m256; 4] {
            // SAFETY: see the top of the block.
            unsafe {
                let (a, b, c, d) = (pair(&row, 0), pair(&row, 1), pair(&row, 2), pair(&row, 3));
                let (ab, ab_high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
                let (cd, cd_high) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
                [
                    _mm256_shuffle_ps::<LOW>(ab, cd),
                    _mm256_shuffle_ps::<HIGH>(ab, cd),
                    _mm256_shuffle_ps::<LOW>(ab_high, cd_high),
                    _mm256_shuffle_ps::<HIGH>(ab_high, cd_high),
                ]
            }
        }
    }

    #[derive(Clone, Copy)]
    pub(crate) struct Avx512;

    // SAFETY (every block below): as for AVX2.
    impl Simd for Avx512 {
        type Vector = __m512;
        const LANES: usize = 16;
        const MAX_ROWS: usize = 12;
        const FMA: bool = true;

        #[inline(always)]
        unsafe fn apart<K: Kernel>(kernel: K) -> K::Output {
            // SAFETY: see the top of the block.
            unsafe { run_avx512(kernel) }
        }
        #[inline(always)]
        unsafe fn zero() -> __m512 {
            // SAFETY: see the top of the block.
            unsafe { _mm512_setzero_ps() }
        }
        #[inline(always)]
        unsafe fn splat(value: f32) -> __m512 {
            // SAFETY: see the top of the block.
            unsafe { _mm512_set1_ps(value) }
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> __m512 {
            // SAFETY: see the top of the block.
            unsafe { _mm512_loadu_ps(from) }
        }
        #[inline(always)]
        unsafe fn store(to: *mut f32, value: __m512) {
            // SAFETY: see the top of the block.
            unsafe { _mm512_storeu_ps(to, value) }
        }
        #[inline(always)]
        unsafe fn mul_add(a: __m512, b: __m512, c: __m512) -> __m512 {
            // SAFETY: see the top of the block.
            unsafe { _mm512_fmadd_ps(a, b, c) }
        }
        #[inline(always)]
        unsafe fn add(a: __m512, b: __m512) -> __m512 {
            // SAFETY: see the top of the block.
            unsafe { _mm512_add_ps(a, b) }
        }
        #[inline(always)]
        unsafe fn not_zero(value: __m512) -> u32 {
            // SAFETY: see the top of the block.
            unsafe { u32::from(_mm512_cmp_ps_mask(value, _mm512_setzero_ps(), _CMP_NEQ_UQ)) }
        }
        #[inline(always)]
        unsafe fn compress(value: __m512, lanes: u32, to: *mut f32) {
            // SAFETY: see the top of the block. In a register, and written as a whole: straight to memory it takes far longer on some processors.
            unsafe { _mm512_storeu_ps(to, _mm512_maskz_compress_ps(lanes as u16, value)) }
        }
        #[inline(always)]
        unsafe fn load_turned(row: impl Fn(usize) -> *const f32) -> [__m512; 4] {
            // SAFETY: see the top of the block.
            unsafe {
                let (a, b, c, d) = (four(&row, 0), four(&row, 1), four(&row, 2), four(&row, 3));
                let (ab, ab_high) = (_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
                let (cd, cd_high) = (_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
                [
                    _mm512_shuffle_ps::<LOW>(ab, cd),
                    _mm512_shuffle_ps::<HIGH>(ab, cd),
                    _mm512_shuffle_ps::<LOW>(ab_high, cd_high),
                    _mm512_shuffle_ps::<HIGH>(ab_high, cd_high),
                ]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::isa::{Isa, Kernel, dispatch};

    /// What [`Simd::compress`] writes of some lanes, after what [`Simd::not_zero`] says of the numbers that these lanes have.
    struct Compress(u32);

    impl Kernel for Compress {
        type Output = (u32, [f32; MAX_LANES]);

        #[inline(always)]
        fn run<S: Simd>(self) -> Self::Output {
            let numbers: [f32; MAX_LANES] =
                std::array::from_fn(|lane| if self.0 >> lane & 1 == 1 { lane as f32 - 20.0 } else { -0.0 });
            let mut out = [f32::NAN; MAX_LANES];
            // SAFETY: below `dispatch`; no vector is longer than these numbers.
            unsafe {
                let value = S::load(numbers.as_ptr());
                let lanes = S::not_zero(value);
                S::compress(value, lanes, out.as_mut_ptr());
                (lanes, out)
            }
        }
    }

    #[test]
    fn the_lanes_that_are_set_come_first_in_their_order() {
        for isa in Isa::available() {
            for lanes in 0..1 << isa.lanes() {
                let expected: Vec<f32> = (0..isa.lanes())
                    .filter(|lane| lanes >> lane & 1 == 1)
                    .map(|lane| lane as f32 - 20.0)
                    .collect();
                let (found, out) = dispatch(isa, Compress(lanes));
                assert_eq!((found, &out[..expected.len()]), (lanes, &expected[..]), "{isa:?}");
                assert!(
                    out[isa.lanes()..].iter().all(|x| x.is_nan()),
                    "{isa:?} writes more than a vector: {out:?}"
                );
            }
        }
    }
}
