//! Dividing a set in two, by chance but repeatably.

use crate::{ImageSet, rng};

impl ImageSet {
    /// Divides the set at random: `fraction` of the images (rounded to a whole number), and the others.
    ///
    /// Both parts keep the set's order. The same seed gives the same parts, now and in later releases.
    ///
    /// ```
    /// # use layerwise_mnist_data::Mnist;
    /// let (train, validation) = Mnist::embedded().train.random_split(0.9, 42);
    /// assert_eq!((train.len(), validation.len()), (54_000, 6_000));
    /// ```
    ///
    /// # Panics
    ///
    /// If `fraction` is not from 0 to 1.
    #[track_caller]
    pub fn random_split(&self, fraction: f64, seed: u64) -> (Self, Self) {
        self.random_split_at(part("random_split", self.len(), fraction), seed)
    }

    /// [`random_split`](Self::random_split) by count: `n` images, and the others.
    ///
    /// # Panics
    ///
    /// If the set has fewer than `n` images.
    #[track_caller]
    pub fn random_split_at(&self, n: usize, seed: u64) -> (Self, Self) {
        self.check_count("random_split_at", n);
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        rng::shuffle(&mut rng::stream(seed), &mut order);
        self.parts(&order[..n])
    }

    /// Divides the set at random with the classes' proportions kept in both parts.
    ///
    /// The first part has `fraction` of the images (rounded to a whole number). Each class gives `fraction` of its own,
    /// rounded up or down: up for the classes with the largest remainders, until the sum is right.
    ///
    /// Both parts keep the set's order. The same seed gives the same parts, now and in later releases.
    ///
    /// # Panics
    ///
    /// If `fraction` is not from 0 to 1.
    #[track_caller]
    pub fn stratified_split(&self, fraction: f64, seed: u64) -> (Self, Self) {
        self.parts(&self.stratified(part("stratified_split", self.len(), fraction), seed))
    }

    /// `n` images at random with the classes' proportions kept; see [`stratified_split`](Self::stratified_split).
    ///
    /// # Panics
    ///
    /// If the set has fewer than `n` images.
    #[track_caller]
    pub fn stratified_take(&self, n: usize, seed: u64) -> Self {
        self.check_count("stratified_take", n);
        self.parts(&self.stratified(n, seed)).0
    }

    #[track_caller]
    fn check_count(&self, operation: &str, n: usize) {
        assert!(n <= self.len(), "ImageSet::{operation}: {n} images of a set of {}", self.len());
    }

    /// `n` rows, each class in proportion, in no particular order.
    fn stratified(&self, n: usize, seed: u64) -> Vec<u32> {
        let mut rng = rng::stream(seed);
        let mut classes = vec![Vec::new(); self.classes()];
        for (row, &label) in (0..).zip(&self.labels()) {
            classes[usize::from(label)].push(row);
        }
        let quotas = apportion(&self.class_counts(), n);
        let mut chosen = Vec::with_capacity(n);
        for (rows, quota) in classes.iter_mut().zip(quotas) {
            rng::shuffle(&mut rng, rows);
            chosen.extend_from_slice(&rows[..quota]);
        }
        chosen
    }

    /// The set of the rows in `chosen` and the set of the others.
    fn parts(&self, chosen: &[u32]) -> (Self, Self) {
        let mut is_chosen = vec![false; self.len()];
        for &row in chosen {
            is_chosen[row as usize] = true;
        }
        let (first, second): (Vec<usize>, Vec<usize>) = (0..self.len()).partition(|&row| is_chosen[row]);
        (self.subset(&first), self.subset(&second))
    }
}

#[track_caller]
fn part(operation: &str, n: usize, fraction: f64) -> usize {
    assert!((0.0..=1.0).contains(&fraction), "ImageSet::{operation}: fraction {fraction} is not from 0 to 1");
    (fraction * n as f64).round() as usize
}

/// Shares `n` among `counts` in proportion, by largest remainders (ties to the lower class). In integers: exact.
fn apportion(counts: &[usize], n: usize) -> Vec<usize> {
    let total = counts.iter().sum::<usize>().max(1) as u128;
    let exact = |class: usize| counts[class] as u128 * n as u128;
    let mut quotas: Vec<usize> = (0..counts.len()).map(|class| (exact(class) / total) as usize).collect();
    let mut by_remainder: Vec<usize> = (0..counts.len()).collect();
    by_remainder.sort_by_key(|&class| std::cmp::Reverse(exact(class) % total));
    let missing = n - quotas.iter().sum::<usize>();
    for &class in &by_remainder[..missing] {
        quotas[class] += 1;
    }
    quotas
}

#[cfg(test)]
mod tests {
    use super::apportion;

    #[test]
    fn remainders_decide_and_the_sum_is_right() {
        assert_eq!(apportion(&[10, 10, 10], 10), [4, 3, 3]);
        assert_eq!(apportion(&[1, 2, 7], 5), [1, 1, 3]);
        assert_eq!(apportion(&[0, 5], 5), [0, 5]);
        assert_eq!(apportion(&[], 0), [0; 0]);
        assert_eq!(apportion(&[3, 0], 0), [0, 0]);
    }
}
