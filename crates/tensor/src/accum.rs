/// What a kernel does with the place it writes to.
///
/// The first contribution to a gradient replaces whatever was there, the following ones are added: nothing is ever filled
/// with zeros beforehand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Accum {
    /// `out = result`; what `out` held is not read.
    Replace,
    /// `out = out + result`
    Add,
}

impl Accum {
    /// Writes one result.
    #[inline(always)]
    pub fn apply(self, out: &mut f32, result: f32) {
        *out = match self {
            Accum::Replace => result,
            Accum::Add => *out + result,
        };
    }
}
