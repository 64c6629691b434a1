//! Flushing denormal numbers to zero.

/// Makes this thread treat denormal inputs and results as zero, for the rest of its life.
///
/// Weights that decay towards zero end up as denormals, and one of them costs a floating-point unit over a hundred cycles.
/// Called by the worker threads of our own pools when they start; nobody else's thread is changed.
pub(crate) fn flush_denormals() {
    #[cfg(target_arch = "x86_64")]
    {
        const FLUSH_TO_ZERO: u32 = 1 << 15;
        const DENORMALS_ARE_ZERO: u32 = 1 << 6;
        let mut control = 0_u32;
        // SAFETY: the instructions read and write the control register through a pointer to a live local. The two bits only
        // change how denormals are rounded; no code on these threads relies on them.
        unsafe {
            std::arch::asm!("stmxcsr [{}]", in(reg) &mut control, options(nostack));
            control |= FLUSH_TO_ZERO | DENORMALS_ARE_ZERO;
            std::arch::asm!("ldmxcsr [{}]", in(reg) &control, options(nostack, readonly));
        }
    }
    #[cfg(target_arch = "aarch64")]
    {
        const FLUSH_TO_ZERO: u64 = 1 << 24;
        let mut control: u64;
        // SAFETY: as above, with the control register in a general-purpose register.
        unsafe {
            std::arch::asm!("mrs {}, fpcr", out(reg) control, options(nomem, nostack));
            control |= FLUSH_TO_ZERO;
            std::arch::asm!("msr fpcr, {}", in(reg) control, options(nomem, nostack));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    #[test]
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    fn only_the_thread_that_asks_flushes() {
        let halved = || black_box(f32::MIN_POSITIVE) * black_box(0.5);
        let there = std::thread::spawn(move || {
            super::flush_denormals();
            halved()
        });
        assert_eq!(there.join().unwrap(), 0.0);
        assert!(halved() > 0.0);
    }
}
