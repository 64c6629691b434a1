//! The only room with `unsafe` in it: instruction sets, the matrix product and the vectorised functions.
//!
//! Everything here works on slices and raw strides; shapes are checked by the callers in the modules above, and
//! checked again here where a wrong one would touch memory that is not ours.
#![allow(unsafe_code)]

mod denormals;
mod gemm;
mod isa;
mod math;
#[cfg(target_arch = "aarch64")]
mod neon;
mod peak;
mod simd;
#[cfg(test)]
mod twins;

pub(crate) use denormals::flush_denormals;
pub(crate) use gemm::{Epilogue, NoEpilogue, Operand, Output, gemm, gemm_in_parts, has_parts};
pub(crate) use isa::{Isa, Kernel, dispatch};
pub(crate) use math::{exp, ln_1p, mul_add, sigmoid, tanh};
pub(crate) use peak::{multiply_add, multiply_add_flops};
pub(crate) use simd::Simd;
