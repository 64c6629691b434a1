use serde::{Deserialize, Serialize};

/// Tells unusual examples from usual ones by a score, as a reconstruction error: what is above the threshold is unusual.
///
/// ```
/// use layerwise_autoencoders::AnomalyDetector;
/// let validation: Vec<f64> = (0..=100).map(f64::from).collect(); // scores of usual examples
/// let detector = AnomalyDetector::from_scores(&validation, 0.95);
/// assert_eq!(detector.threshold(), 95.0);
/// assert!(detector.is_anomaly(95.5) && !detector.is_anomaly(95.0));
/// ```
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct AnomalyDetector {
    threshold: f64,
}

impl AnomalyDetector {
    /// With a threshold below which the share `q` of these scores of usual examples lies ([`quantile`]). Take examples that the
    /// model was not trained on, as [`crate::ReconstructionError::per_example`].
    ///
    /// # Panics
    /// As [`quantile`].
    #[track_caller]
    pub fn from_scores(usual: &[f64], q: f64) -> Self {
        AnomalyDetector { threshold: quantile(usual, q) }
    }

    /// With this threshold.
    pub fn with_threshold(threshold: f64) -> Self {
        AnomalyDetector { threshold }
    }

    /// The largest score that is usual.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// Whether a score is above the threshold, or is no number.
    pub fn is_anomaly(&self, score: f64) -> bool {
        score > self.threshold || score.is_nan()
    }
}

/// The value at the place `q (n - 1)` of the sorted values, linear between two of them: NumPy's default.
///
/// # Panics
/// If there are no values, one is NaN, or `q` is not in [0, 1].
#[track_caller]
pub fn quantile(values: &[f64], q: f64) -> f64 {
    assert!((0.0..=1.0).contains(&q), "quantile: q is {q}, but must lie in [0, 1]");
    assert!(!values.is_empty(), "quantile: there are no values");
    check_scores("quantile", values);
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = q * (sorted.len() - 1) as f64;
    let (below, share) = (place.floor() as usize, place.fract());
    if share == 0.0 { sorted[below] } else { sorted[below] + share * (sorted[below + 1] - sorted[below]) }
}

/// The area under the receiver operating characteristic: the probability that a positive example has a larger score than a
/// negative one, ties counting half (Mann and Whitney 1947). Exact, in `n log n` steps. `None` if one of the two kinds is
/// missing.
///
/// # Panics
/// If there are not as many labels as scores, or a score is NaN.
///
/// ```
/// use layerwise_autoencoders::auroc;
/// assert_eq!(auroc(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true]), Some(0.75));
/// assert_eq!(auroc(&[0.1, 0.4], &[true, true]), None);
/// ```
#[track_caller]
pub fn auroc(scores: &[f64], is_positive: &[bool]) -> Option<f64> {
    let (n, labels) = (scores.len(), is_positive.len());
    assert!(n == labels, "auroc: {n} scores with {labels} labels");
    check_scores("auroc", scores);
    let mut pairs: Vec<(f64, bool)> = scores.iter().copied().zip(is_positive.iter().copied()).collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let positives = is_positive.iter().filter(|&&positive| positive).count() as u64;
    let negatives = n as u64 - positives;
    // Twice the number of pairs in the right order, a tie counting one: whole numbers.
    let (mut wins, mut negatives_below) = (0_u128, 0_u64);
    for ties in pairs.chunk_by(|a, b| a.0 == b.0) {
        let positive = ties.iter().filter(|(_, positive)| *positive).count() as u64;
        let negative = ties.len() as u64 - positive;
        wins += u128::from(positive) * u128::from(2 * negatives_below + negative);
        negatives_below += negative;
    }
    let pairs = 2.0 * positives as f64 * negatives as f64;
    (pairs > 0.0).then(|| wins as f64 / pairs)
}

#[track_caller]
fn check_scores(operation: &str, scores: &[f64]) {
    if let Some(i) = scores.iter().position(|score| score.is_nan()) {
        panic!("{operation}: value {i} is NaN");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_share_of_pairs_in_the_right_order() {
        // Few different scores, so that there are many ties.
        let scores: Vec<f64> = (0..200).map(|i| f64::from(i * 7919 % 23)).collect();
        let labels: Vec<bool> = (0..200).map(|i| i * 31 % 7 < 2).collect();
        let (mut wins, mut pairs) = (0.0, 0.0);
        for (i, _) in labels.iter().enumerate().filter(|(_, positive)| **positive) {
            for (j, _) in labels.iter().enumerate().filter(|(_, positive)| !**positive) {
                pairs += 1.0;
                wins += if scores[i] > scores[j] {
                    1.0
                } else if scores[i] == scores[j] {
                    0.5
                } else {
                    0.0
                };
            }
        }
        assert_eq!(auroc(&scores, &labels), Some(wins / pairs));
    }

    #[test]
    fn extremes() {
        assert_eq!(auroc(&[1.0, 2.0, 3.0], &[false, false, true]), Some(1.0));
        assert_eq!(auroc(&[1.0, 2.0, 3.0], &[true, false, false]), Some(0.0));
        assert_eq!(auroc(&[5.0; 4], &[true, false, false, true]), Some(0.5));
        assert_eq!(auroc(&[-0.0, 0.0], &[true, false]), Some(0.5));
        assert_eq!(auroc(&[f64::INFINITY, 1.0], &[true, false]), Some(1.0));
        assert_eq!(auroc(&[], &[]), None);
        assert_eq!(
            (quantile(&[3.0, 1.0], 0.0), quantile(&[3.0, 1.0], 1.0), quantile(&[3.0, 1.0], 0.25)),
            (1.0, 3.0, 1.5)
        );
        assert!(AnomalyDetector::with_threshold(1.0).is_anomaly(f64::NAN));
    }

    #[test]
    #[should_panic(expected = "auroc: value 1 is NaN")]
    fn a_score_is_a_number() {
        auroc(&[0.0, f64::NAN], &[true, false]);
    }

    #[test]
    #[should_panic(expected = "quantile: q is 1.5, but must lie in [0, 1]")]
    fn a_share_is_at_most_1() {
        quantile(&[0.0], 1.5);
    }
}
