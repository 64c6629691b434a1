use super::EventError;
use super::proto::Histogram;

const BUCKETS: usize = 30;

/// Counts of finite values between the smallest and the largest.
pub(super) fn histogram(tag: &str, values: &[f32]) -> Result<Histogram, EventError> {
    if let Some(index) = values.iter().position(|x| !x.is_finite()) {
        return Err(EventError::NotFinite { tag: tag.to_owned(), index, found: values[index] });
    }
    let mut range = values.iter().map(|&x| f64::from(x));
    let Some(first) = range.next() else { return Err(EventError::Empty { tag: tag.to_owned() }) };
    let (min, max) = range.fold((first, first), |(min, max), x| (min.min(x), max.max(x)));

    let width = (max - min) / BUCKETS as f64;
    let mut bucket = vec![0.0; if width > 0.0 { BUCKETS } else { 1 }];
    let (mut sum, mut sum_squares) = (0.0, 0.0);
    for x in values.iter().map(|&x| f64::from(x)) {
        sum += x;
        sum_squares += x * x;
        // The largest value belongs to the last bucket, and 0 / 0 to the only one.
        let place = ((x - min) / width) as usize;
        let last = bucket.len() - 1;
        bucket[place.min(last)] += 1.0;
    }
    let mut bucket_limit: Vec<f64> = (1..=bucket.len()).map(|i| min + width * i as f64).collect();
    // Exactly, whatever the rounding.
    bucket_limit[bucket.len() - 1] = max;
    Ok(Histogram { min, max, num: values.len() as f64, sum, sum_squares, bucket_limit, bucket })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_counted_once() {
        let values: Vec<f32> = (0..1000).map(|i| (i as f32 * 0.7).sin() * 3.0 - 1.0).collect();
        let histogram = histogram("h", &values).unwrap();
        assert_eq!(histogram.bucket.iter().sum::<f64>(), 1000.0);
        let mut from = f64::NEG_INFINITY;
        for (i, (&to, &count)) in histogram.bucket_limit.iter().zip(&histogram.bucket).enumerate() {
            let is_last = i == 29;
            let inside = |x: &&f32| f64::from(**x) >= from && (f64::from(**x) < to || is_last);
            assert_eq!(values.iter().filter(inside).count() as f64, count, "bucket {i}");
            from = to;
        }
        assert_eq!(histogram.bucket_limit[29], histogram.max);
    }

    #[test]
    fn equal_values_share_one_bucket() {
        let histogram = histogram("h", &[0.5; 4]).unwrap();
        assert_eq!((histogram.bucket, histogram.bucket_limit), (vec![4.0], vec![0.5]));
        assert_eq!((histogram.sum, histogram.sum_squares), (2.0, 1.0));
    }
}
