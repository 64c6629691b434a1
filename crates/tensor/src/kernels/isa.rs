//! Which instructions this machine has, and running a kernel compiled for them.

use std::ffi::OsStr;
use std::sync::OnceLock;

#[cfg(target_arch = "aarch64")]
use super::neon::Neon;
#[cfg(target_arch = "x86_64")]
use super::simd::{Avx2, Avx512};
use super::simd::{Portable, Simd};

/// An instruction set that this machine has. A value is the proof: only detection makes one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Isa(Level);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Level {
    Portable,
    #[cfg(target_arch = "aarch64")]
    Neon,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// The environment variable that names the instruction set to use.
const VARIABLE: &str = "LAYERWISE_ISA";

impl Isa {
    /// The widest instruction set of this machine, or the one that [`VARIABLE`] named at the first call.
    ///
    /// # Panics
    /// If it names something else than one of this machine.
    #[inline]
    pub(crate) fn best() -> Isa {
        #[cfg(test)]
        if let Some(forced) = FORCED.get() {
            return forced;
        }
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| {
            Isa::choose(std::env::var_os(VARIABLE).as_deref()).unwrap_or_else(|error| panic!("{error}"))
        })
    }

    /// The instruction set of that key. Without one (an empty one counts as none), the widest.
    fn choose(key: Option<&OsStr>) -> Result<Isa, String> {
        let available = Isa::available();
        match key.filter(|key| !key.is_empty()) {
            None => Ok(*available.last().expect("the portable code runs everywhere")),
            Some(key) => available.iter().copied().find(|isa| key == isa.key()).ok_or_else(|| {
                let keys = available.iter().map(|isa| isa.key()).collect::<Vec<_>>().join(", ");
                format!("{VARIABLE} is {key:?}, and the instruction sets of this machine are: {keys}")
            }),
        }
    }

    /// Every instruction set of this machine, the narrowest first.
    pub(crate) fn available() -> Vec<Isa> {
        #[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), allow(unused_mut))]
        let mut found = vec![Isa(Level::Portable)];
        #[cfg(target_arch = "aarch64")]
        found.push(Isa(Level::Neon));
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("popcnt")
            {
                found.push(Isa(Level::Avx2));
                if is_x86_feature_detected!("avx512f") {
                    found.push(Isa(Level::Avx512));
                }
            }
        }
        found
    }

    /// The instruction set with the narrower vectors where `lanes` of them would leave half of the wide ones empty. Who has AVX-512
    /// has AVX2.
    #[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables))]
    #[inline]
    pub(crate) fn narrowed(self, lanes: usize) -> Isa {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 if lanes <= Avx2::LANES => Isa(Level::Avx2),
            _ => self,
        }
    }

    /// [`Simd::LANES`]
    #[inline]
    pub(crate) fn lanes(self) -> usize {
        self.constants().0
    }

    /// [`Simd::MAX_ROWS`]
    pub(crate) fn max_rows(self) -> usize {
        self.constants().1
    }

    #[inline]
    fn constants(self) -> (usize, usize) {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => (Avx512::LANES, Avx512::MAX_ROWS),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => (Avx2::LANES, Avx2::MAX_ROWS),
            #[cfg(target_arch = "aarch64")]
            Level::Neon => (Neon::LANES, Neon::MAX_ROWS),
            Level::Portable => (Portable::LANES, Portable::MAX_ROWS),
        }
    }

    /// What [`VARIABLE`] calls it.
    pub(crate) fn key(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "avx2",
            #[cfg(target_arch = "aarch64")]
            Level::Neon => "neon",
            Level::Portable => "portable",
        }
    }

    /// The name a report prints.
    pub(crate) fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => "AVX-512",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "AVX2 + FMA",
            #[cfg(target_arch = "aarch64")]
            Level::Neon => "NEON",
            Level::Portable => "portable",
        }
    }
}

#[cfg(test)]
thread_local! {
    static FORCED: std::cell::Cell<Option<Isa>> = const { std::cell::Cell::new(None) };
}

/// Runs `body` once with each instruction set of this machine in the place of the best one. It holds for what is computed on this
/// thread: for work that is too small to be spread, and for any outside of a pool of several threads.
#[cfg(test)]
pub(crate) fn on_each(mut body: impl FnMut(Isa)) {
    for isa in Isa::available() {
        FORCED.set(Some(isa));
        body(isa);
    }
    FORCED.set(None);
}

/// A loop that is compiled once per instruction set. `run` must be `#[inline(always)]`, as must everything hot it calls:
/// only what is inlined into [`dispatch`]'s functions is compiled with their instructions.
pub(crate) trait Kernel {
    type Output;
    fn run<S: Simd>(self) -> Self::Output;
}

/// Runs `kernel` with the instructions of `isa`.
#[inline]
pub(crate) fn dispatch<K: Kernel>(isa: Isa, kernel: K) -> K::Output {
    match isa.0 {
        // SAFETY: an `Isa` is made only after its instructions were detected.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { run_avx512(kernel) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { run_avx2(kernel) },
        #[cfg(target_arch = "aarch64")]
        Level::Neon => kernel.run::<Neon>(),
        Level::Portable => kernel.run::<Portable>(),
    }
}

// Called from outside they could not be inlined anyway; `Simd::apart` calls them from inside.
#[cfg(target_arch = "x86_64")]
#[inline(never)]
#[target_feature(enable = "avx512f,avx2,fma,popcnt")]
pub(super) fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx512>()
}

#[cfg(target_arch = "x86_64")]
#[inline(never)]
#[target_feature(enable = "avx2,fma,popcnt")]
pub(super) fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx2>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_chosen_by_its_key_and_the_widest_without_one() {
        let choose = |key: &str| Isa::choose(Some(OsStr::new(key)));
        let available = Isa::available();
        for &isa in &available {
            assert_eq!(choose(isa.key()), Ok(isa));
        }
        assert_eq!(
            (Isa::choose(None), choose("")),
            (Ok(available[available.len() - 1]), choose(available[available.len() - 1].key()))
        );
        for wrong in ["AVX2", "avx1024", " "] {
            let error = choose(wrong).unwrap_err();
            let start =
                format!("LAYERWISE_ISA is {wrong:?}, and the instruction sets of this machine are: portable");
            assert!(error.starts_with(&start), "{error}");
        }
    }
}
