//! Ranges of numbers along an axis.

/// How numbers are spread over an axis.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Scale {
    /// Evenly.
    #[default]
    Linear,
    /// By their logarithm, so only positive numbers have a place.
    Log,
}

/// Numbers beyond this are left out like infinite ones: differences between smaller ones stay finite.
const LARGEST: f64 = 1e300;
/// Numbers below this have no place on a logarithmic axis, as if they were 0.
const SMALLEST: f64 = 1e-300;
/// Ranges narrower than this, relative to their ends, are those of a constant: f64 does not tell marks on them apart.
const NARROWEST: f64 = 1e-9;
/// The free space at either end of an axis, as a share of the range.
const PADDING: f64 = 0.04;

/// A range of numbers along an axis. Both ends are finite, the lower is below the upper, and on a logarithmic axis above 0.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Axis {
    pub(super) scale: Scale,
    pub(super) low: f64,
    pub(super) high: f64,
    /// Whether marks stand at whole numbers only.
    pub(super) whole: bool,
}

impl Scale {
    /// Whether a number has a place on such an axis.
    pub fn shows(self, value: f64) -> bool {
        value.abs() <= LARGEST && (self == Scale::Linear || value >= SMALLEST)
    }

    fn place(self, value: f64) -> f64 {
        if self == Scale::Log { value.log10() } else { value }
    }

    fn value_at(self, place: f64) -> f64 {
        if self == Scale::Log { 10f64.powf(place) } else { place }
    }
}

impl Axis {
    /// From the smallest to the largest number that has a place. Without any, from 0 to 1, or from 1 to 10.
    pub fn over(scale: Scale, values: impl Iterator<Item = f64>) -> Self {
        let (mut any, mut whole) = (false, true);
        let (low, high) =
            values.filter(|&value| scale.shows(value)).fold((f64::MAX, f64::MIN), |(low, high), value| {
                any = true;
                whole &= value.fract() == 0.0;
                (low.min(value), high.max(value))
            });
        let (low, high) = match scale {
            _ if high - low > NARROWEST * low.abs().max(high.abs()) => (low, high),
            Scale::Linear if low > high => (0.0, 1.0),
            Scale::Log if low > high => (1.0, 10.0),
            Scale::Linear if low.abs() < f64::MIN_POSITIVE => (-1.0, 1.0),
            Scale::Linear => (low - 0.5 * low.abs(), low + 0.5 * low.abs()),
            Scale::Log => ((low / 10.0).max(SMALLEST), (low * 10.0).min(LARGEST)),
        };
        Axis { scale, low, high, whole: false }.with_whole(whole && any)
    }

    /// Between two ends.
    ///
    /// # Panics
    /// If one of them has no place on such an axis, or `low` is not below `high`.
    #[track_caller]
    pub fn exactly(scale: Scale, low: f64, high: f64) -> Self {
        let positive = if scale == Scale::Log { " positive" } else { "" };
        assert!(
            scale.shows(low) && scale.shows(high) && high - low > NARROWEST * low.abs().max(high.abs()),
            "the range of an axis runs from a{positive} number to a larger one, found {low} to {high}"
        );
        Axis { scale, low, high, whole: false }
    }

    /// Marks at whole numbers only, if the axis is long enough for two.
    fn with_whole(self, whole: bool) -> Self {
        Axis { whole: whole && self.scale == Scale::Linear && self.high - self.low >= 1.0, ..self }
    }

    /// The same axis with marks between whole numbers too.
    pub fn anywhere(self) -> Self {
        Axis { whole: false, ..self }
    }

    /// The same axis with some space at either end; a range that does not reach below 0 still does not.
    pub fn padded(self) -> Self {
        let (low, high) = (self.scale.place(self.low), self.scale.place(self.high));
        let space = PADDING * (high - low);
        let mut padded_low = self.scale.value_at(low - space);
        if self.scale == Scale::Linear && self.low >= 0.0 {
            padded_low = padded_low.max(0.0);
        }
        let padded_high = self.scale.value_at(high + space);
        Axis { low: padded_low.max(self.lowest()), high: padded_high.min(LARGEST), ..self }
    }

    fn lowest(&self) -> f64 {
        if self.scale == Scale::Log { f64::MIN_POSITIVE } else { -LARGEST }
    }

    /// The same axis, reaching to 0 at least.
    pub fn with_zero(self) -> Self {
        Axis { low: self.low.min(0.0), high: self.high.max(0.0), ..self }
    }

    /// The ends of the range.
    pub fn ends(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// The place of a number as a share of the axis, 0 at the lower end and 1 at the upper. `None` for a number that has no place. Far
    /// outside the range it stops growing, so that a picture has coordinates of sensible size.
    pub fn share(&self, value: f64) -> Option<f64> {
        let (low, high) = (self.scale.place(self.low), self.scale.place(self.high));
        self.scale.shows(value).then(|| ((self.scale.place(value) - low) / (high - low)).clamp(-20.0, 20.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_without_extent_get_some() {
        let over = |scale, values: &[f64]| Axis::over(scale, values.iter().copied()).ends();
        assert_eq!(over(Scale::Linear, &[]), (0.0, 1.0));
        assert_eq!(over(Scale::Linear, &[f64::NAN, f64::INFINITY]), (0.0, 1.0));
        assert_eq!(over(Scale::Linear, &[0.0, 0.0]), (-1.0, 1.0));
        assert_eq!(over(Scale::Linear, &[-4.0]), (-6.0, -2.0));
        assert_eq!(over(Scale::Log, &[-1.0, 0.0]), (1.0, 10.0));
        assert_eq!(over(Scale::Log, &[5.0, -1.0]), (0.5, 50.0));
    }

    #[test]
    fn shares_follow_the_scale() {
        let log = Axis::exactly(Scale::Log, 0.01, 100.0);
        assert_eq!(log.share(1.0), Some(0.5));
        assert_eq!((log.share(0.0), log.share(-1.0), log.share(f64::NAN)), (None, None, None));
        let linear = Axis::exactly(Scale::Linear, -1.0, 3.0);
        assert_eq!(
            (linear.share(0.0), linear.share(f64::INFINITY), linear.share(1e200)),
            (Some(0.25), None, Some(20.0))
        );
    }

    #[test]
    #[should_panic(expected = "runs from a positive number to a larger one, found 0 to 1")]
    fn a_logarithmic_range_is_positive() {
        Axis::exactly(Scale::Log, 0.0, 1.0);
    }
}
