use std::ops::{Deref, DerefMut};

/// Floats in a cache line, the unit that [`Buffer`] aligns to.
pub(crate) const LINE: usize = 16;

/// Reusable memory for `f32`s that starts at a cache line.
///
/// It grows and never shrinks: [`Buffer::resize`] to a length it has had before does not allocate. New elements are 0, kept
/// ones hold whatever was written last.
#[derive(Default, Debug)]
pub struct Buffer {
    storage: Vec<f32>,
    start: usize,
    len: usize,
}

impl Buffer {
    /// Room for `len` zeros.
    pub fn zeros(len: usize) -> Self {
        let mut buffer = Buffer::default();
        buffer.resize(len);
        buffer
    }

    /// Makes the length `len`. The contents are unspecified (but initialised) afterwards.
    #[inline]
    pub fn resize(&mut self, len: usize) {
        if self.start + len > self.storage.len() {
            // A new allocation rather than a growing one: there is nothing to copy.
            self.storage = vec![0.0; len + LINE - 1];
            let to_line = self.storage.as_ptr().align_offset(LINE * size_of::<f32>());
            self.start = if to_line < LINE { to_line } else { 0 };
        }
        self.len = len;
    }

    /// Appends `len` zeros and keeps what is there.
    pub fn extend(&mut self, len: usize) {
        let mut longer = Buffer::zeros(self.len + len);
        longer[..self.len].copy_from_slice(self);
        *self = longer;
    }
}

impl Deref for Buffer {
    type Target = [f32];
    #[inline]
    fn deref(&self) -> &[f32] {
        &self.storage[self.start..self.start + self.len]
    }
}

impl DerefMut for Buffer {
    #[inline]
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.storage[self.start..self.start + self.len]
    }
}

impl Clone for Buffer {
    fn clone(&self) -> Self {
        // Not the derived one: the copy's allocation starts elsewhere relative to a cache line.
        let mut copy = Buffer::zeros(self.len);
        copy.copy_from_slice(self);
        copy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_starts_at_a_cache_line_and_keeps_its_memory() {
        let mut buffer = Buffer::zeros(100);
        let at = buffer.as_ptr();
        assert_eq!(at.align_offset(64), 0);
        for len in [100, 7, 0, 99, 100] {
            buffer.resize(len);
            assert_eq!((buffer.len(), buffer.as_ptr()), (len, at));
        }
        buffer.resize(1000);
        assert_eq!((buffer.len(), buffer.as_ptr().align_offset(64)), (1000, 0));
        assert_eq!(buffer.clone().as_ptr().align_offset(64), 0);
    }
}
