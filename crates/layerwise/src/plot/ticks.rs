//! The marks on an axis, at round numbers, and how those are written.

use super::axes::{Axis, Scale};

/// A mark on an axis.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Tick {
    /// Where, as a share of the axis.
    pub share: f64,
    /// The number beside it; empty at a mark between two that have one.
    pub label: String,
    /// Set smaller and higher behind the label.
    pub exponent: String,
}

impl Axis {
    /// Marks at round numbers, of which at most `most` have a label, or two if `most` is less.
    pub fn ticks(&self, most: usize) -> Vec<Tick> {
        let most = most.max(2);
        match self.scale {
            Scale::Linear => self.linear_ticks(most),
            Scale::Log => self.log_ticks(most),
        }
    }

    fn linear_ticks(&self, most: usize) -> Vec<Tick> {
        let step = Step::over(self.high - self.low, most, self.whole);
        let digits = step.digits(self.low.abs().max(self.high.abs()));
        let first = (self.low / step.size() - 1e-9).ceil() as i64;
        let last = (self.high / step.size() + 1e-9).floor() as i64;
        (first..=last).filter_map(|i| self.tick(step.times(i), digits)).collect()
    }

    fn log_ticks(&self, most: usize) -> Vec<Tick> {
        let decades: Vec<i32> = exponents(self.low.log10() - 1e-9, self.high.log10() + 1e-9);
        if decades.len() < 2 {
            return self.ticks_within_a_decade(most);
        }
        let plain = decades.iter().all(|exponent| (-3..=4).contains(exponent));
        let stride = decades.len().div_ceil(most) as i32;
        let between: &[i32] = if plain && 3 * decades.len() + 2 <= most { &[2, 5] } else { &[] };
        let label = |multiple: i32, exponent: i32| match multiple {
            1 if exponent.rem_euclid(stride) != 0 => (String::new(), String::new()),
            1 if !plain => ("10".to_owned(), minus(exponent.to_string())),
            _ if multiple == 1 || between.contains(&multiple) => (plainly(multiple, exponent), String::new()),
            _ => (String::new(), String::new()),
        };
        let multiples = if decades.len() <= 6 { 1..10 } else { 1..2 };
        let places = (decades[0] - 1..=decades[decades.len() - 1])
            .flat_map(|exponent| multiples.clone().map(move |multiple| (multiple, exponent)));
        let ticks = places.filter_map(|(multiple, exponent)| {
            let share = self.share(f64::from(multiple) * 10f64.powi(exponent))?;
            let (label, exponent) = label(multiple, exponent);
            (-1e-9..=1.0 + 1e-9).contains(&share).then(|| Tick {
                share: share.clamp(0.0, 1.0),
                label,
                exponent,
            })
        });
        ticks.collect()
    }

    /// Marks at 1, 2 and 5 times powers of ten if there are enough of them, otherwise at the round numbers of a linear axis.
    fn ticks_within_a_decade(&self, most: usize) -> Vec<Tick> {
        let values: Vec<(i32, i32)> = exponents(self.low.log10() - 1.0, self.high.log10())
            .into_iter()
            .flat_map(|exponent| [1, 2, 5].map(|multiple| (multiple, exponent)))
            .filter(|&(multiple, exponent)| {
                (self.low..=self.high).contains(&(f64::from(multiple) * 10f64.powi(exponent)))
            })
            .collect();
        if values.len() < 3 || values.len() > most {
            return Axis { whole: false, ..*self }.linear_ticks(most);
        }
        let digits = Step { multiple: 1, exponent: values[0].1 }.digits(self.high);
        let values =
            values.into_iter().map(|(multiple, exponent)| f64::from(multiple) * 10f64.powi(exponent));
        values.filter_map(|value| self.tick(value, digits)).collect()
    }

    fn tick(&self, value: f64, digits: Digits) -> Option<Tick> {
        let (label, exponent) = digits.write(value);
        Some(Tick { share: self.share(value)?.clamp(0.0, 1.0), label, exponent })
    }
}

/// The exponents of the powers of ten between two logarithms.
fn exponents(low: f64, high: f64) -> Vec<i32> {
    (low.ceil() as i32..=high.floor() as i32).collect()
}

/// The distance of the marks on a linear axis: 1, 2 or 5 times a power of ten.
#[derive(Clone, Copy)]
struct Step {
    multiple: i32,
    exponent: i32,
}

impl Step {
    /// The smallest with which at most `most` marks lie on a range.
    fn over(range: f64, most: usize, whole: bool) -> Step {
        let smallest = range / most as f64;
        let exponent = smallest.log10().floor() as i32;
        let steps = (exponent..=exponent + 1)
            .flat_map(|exponent| [1, 2, 5].map(|multiple| Step { multiple, exponent }))
            .filter(|step| !whole || step.exponent >= 0);
        let found = steps.into_iter().find(|step| step.size() >= smallest * (1.0 - 1e-9));
        found
            .unwrap_or(Step { multiple: 1, exponent: if whole { 0.max(exponent + 2) } else { exponent + 2 } })
    }

    fn size(self) -> f64 {
        self.times(1)
    }

    /// `i` steps, rounded once: dividing by a power of ten is exact where multiplying by its inverse is not.
    fn times(self, i: i64) -> f64 {
        let multiples = i as f64 * f64::from(self.multiple);
        if self.exponent < 0 {
            multiples / 10f64.powi(-self.exponent)
        } else {
            multiples * 10f64.powi(self.exponent)
        }
    }

    /// How to write the multiples of this step up to `largest`.
    fn digits(self, largest: f64) -> Digits {
        let power = largest.max(f64::MIN_POSITIVE).log10().floor() as i32;
        // Ten digits of one number are read more easily than nine decimals and a power.
        let plain = (-3..6).contains(&power) || ((6..15).contains(&power) && power - self.exponent > 4);
        let power = if plain { 0 } else { power };
        Digits { power, decimals: (power - self.exponent).clamp(0, 12) as usize }
    }
}

/// How numbers of one axis are written.
#[derive(Clone, Copy)]
struct Digits {
    /// The power of ten they are multiples of.
    power: i32,
    decimals: usize,
}

impl Digits {
    /// The number and the exponent behind it, if it needs one.
    fn write(self, value: f64) -> (String, String) {
        if value == 0.0 {
            return ("0".to_owned(), String::new());
        }
        // In two halves: 10^power alone may be too small for f64.
        let half = self.power / 2;
        let scaled = value / 10f64.powi(half) / 10f64.powi(self.power - half);
        let label = minus(format!("{scaled:.*}", self.decimals));
        if self.power == 0 { (label, String::new()) } else { (label + "×10", minus(self.power.to_string())) }
    }
}

/// A multiple of a power of ten with as many decimals as it needs.
fn plainly(multiple: i32, exponent: i32) -> String {
    let step = Step { multiple, exponent };
    format!("{:.*}", (-exponent).max(0) as usize, step.size())
}

/// The number with a minus sign instead of a hyphen.
pub(super) fn minus(number: String) -> String {
    number.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: Axis, most: usize) -> Vec<String> {
        let ticks = axis.ticks(most).into_iter().filter(|tick| !tick.label.is_empty());
        ticks
            .map(|tick| if tick.exponent.is_empty() { tick.label } else { tick.label + "^" + &tick.exponent })
            .collect()
    }

    #[test]
    fn linear_ticks_are_round_numbers() {
        let linear = |low, high, most| labels(Axis::exactly(Scale::Linear, low, high), most);
        assert_eq!(linear(0.0, 1.0, 6), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(linear(-0.3, 0.3, 4), ["−0.2", "0", "0.2"]);
        assert_eq!(linear(0.0, 18_750.0, 5), ["0", "5000", "10000", "15000"]);
        assert_eq!(linear(0.97, 0.985, 4), ["0.970", "0.975", "0.980", "0.985"]);
        assert_eq!(linear(0.0, 4e6, 3), ["0", "2×10^6", "4×10^6"]);
        assert_eq!(linear(0.0, 3e-5, 4), ["0", "1×10^−5", "2×10^−5", "3×10^−5"]);
        assert_eq!(linear(1e9, 1e9 + 10.0, 3), ["1000000000", "1000000005", "1000000010"]);
    }

    #[test]
    fn whole_numbers_are_marked_at_whole_numbers() {
        let epochs = |n: u32| labels(Axis::over(Scale::Linear, (1..=n).map(f64::from)), 8);
        assert_eq!(epochs(3), ["1", "2", "3"]);
        assert_eq!(epochs(10), ["2", "4", "6", "8", "10"]);
        let halves = Axis::over(Scale::Linear, [1.0, 1.5, 2.0].into_iter());
        assert_eq!(labels(halves, 3), ["1.0", "1.5", "2.0"]);
    }

    #[test]
    fn log_ticks_are_powers_of_ten() {
        let log = |low, high, most| labels(Axis::exactly(Scale::Log, low, high), most);
        assert_eq!(log(0.01, 100.0, 8), ["0.01", "0.1", "1", "10", "100"]);
        assert_eq!(log(2e-7, 3.0, 8), ["−6", "−5", "−4", "−3", "−2", "−1", "0"].map(|e| format!("10^{e}")));
        assert_eq!(log(1e-30, 1.0, 4), ["−24", "−16", "−8", "0"].map(|e| format!("10^{e}")));
        assert_eq!(log(1.0, 10.0, 6), ["1", "10"]);
        assert_eq!(log(0.03, 4.0, 9).join(" "), "0.05 0.1 0.2 0.5 1 2");
        assert_eq!(log(0.2, 0.9, 8).join(" "), "0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9");
        assert_eq!(log(1.5, 60.0, 8), ["2", "5", "10", "20", "50"]);
        let unlabelled =
            Axis::exactly(Scale::Log, 0.1, 10.0).ticks(8).iter().filter(|t| t.label.is_empty()).count();
        assert_eq!(unlabelled, 2 * 8, "2 to 9 in each of two decades");
    }

    #[test]
    fn ticks_lie_on_the_axis_in_order() {
        let ends = [-1e300, -7.3e5, -1.0, -1e-9, 0.0, 3e-308, 1e-9, 0.1, 1.0, 1.0001, 3.0, 1e7, 2e299, 1e300];
        for scale in [Scale::Linear, Scale::Log] {
            for low in ends {
                for high in ends {
                    let axis = Axis::over(scale, [low, high].into_iter());
                    for axis in [axis, axis.padded()] {
                        let (from, to) = axis.ends();
                        assert!(from < to && from.is_finite() && to.is_finite(), "{low} to {high}: {axis:?}");
                        for most in [1, 2, 5, 12] {
                            let ticks = axis.ticks(most);
                            assert!(
                                ticks.iter().all(|tick| (0.0..=1.0).contains(&tick.share)),
                                "{axis:?}: {ticks:?}"
                            );
                            assert!(ticks.is_sorted_by(|a, b| a.share < b.share), "{axis:?}: {ticks:?}");
                            let labelled = ticks.iter().filter(|tick| !tick.label.is_empty()).count();
                            assert!(
                                labelled >= 1 && labelled <= most.max(2) + 1,
                                "{axis:?}, {most}: {ticks:?}"
                            );
                            assert!(ticks.iter().all(|tick| !tick.label.contains("NaN")), "{ticks:?}");
                        }
                    }
                }
            }
        }
    }
}
