//! What models read from data sets: checked, in batches, on all threads.

use layerwise_autograd::{Params, Tape, Var};
use layerwise_tensor::data::{Classified, Labels, Source, Unlabelled};
use layerwise_tensor::{Shape, Tensor, threads};

use crate::DataError;

/// Examples that are read at a time: enough to keep the processors busy, few enough to stay in their caches.
const BATCH: usize = 500;

/// A batch as a matrix `[batch, features]`, whatever the shape of its examples.
pub(crate) struct Flat<'a, S: ?Sized>(pub &'a S);

impl<S: Source + ?Sized> Source for Flat<'_, S> {
    fn shape(&self) -> Shape {
        let shape = self.0.shape();
        let examples = shape.dims().first().copied().unwrap_or(1);
        let features = shape.dims().iter().skip(1).product();
        Shape::from([examples, features])
    }

    fn write_to(&self, out: &mut [f32]) {
        self.0.write_to(out);
    }
}

/// What the elements of a data set have to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Range {
    /// Any finite number.
    Finite,
    /// A target of binary cross-entropy.
    Probabilities,
}

/// Refuses data that a model of `width` inputs cannot be trained on. Reads all of it once.
pub(crate) fn check<D: Unlabelled>(data: &D, width: usize, range: Range) -> Result<(), DataError> {
    read(data, Some(width), range, |_, _| ())
}

/// Calls `body` with the width and the elements of every batch. Without an expected width it is that of the first batch.
pub(crate) fn read<D: Unlabelled>(
    data: &D,
    mut width: Option<usize>,
    range: Range,
    mut body: impl FnMut(usize, &[f32]),
) -> Result<(), DataError> {
    let mut values = Vec::new();
    for_each_batch(data, |first, source| {
        let width = *width.get_or_insert(Flat(source).shape().last());
        values.resize(check_width(source, width)?.len(), 0.0);
        source.write_to(&mut values);
        check_elements(&values, width, first, range)?;
        body(width, &values);
        Ok(())
    })
}

fn check_width(source: &dyn Source, expected: usize) -> Result<Shape, DataError> {
    let shape = Flat(source).shape();
    let found = shape.last();
    if found == expected { Ok(shape) } else { Err(DataError::Width { expected, found }) }
}

fn check_elements(values: &[f32], width: usize, first: usize, range: Range) -> Result<(), DataError> {
    let allowed = |x: f32| match range {
        Range::Finite => x.is_finite(),
        Range::Probabilities => (0.0..=1.0).contains(&x),
    };
    let Some(at) = values.iter().position(|&x| !allowed(x)) else { return Ok(()) };
    let (example, feature, found) = (first + at / width, at % width, values[at]);
    Err(match found.is_finite() {
        true => DataError::NoProbability { example, feature, found },
        false => DataError::NotFinite { example, feature, found },
    })
}

/// Calls `body` with every batch of inputs and the number of its first example.
fn for_each_batch<D: Unlabelled>(
    data: &D,
    mut body: impl FnMut(usize, &dyn Source) -> Result<(), DataError>,
) -> Result<(), DataError> {
    if data.is_empty() {
        return Err(DataError::Empty);
    }
    let rows: Vec<u32> = (0..data.len() as u32).collect();
    for rows in rows.chunks(BATCH) {
        let batch = data.batch(rows);
        body(rows[0] as usize, D::inputs(&batch))?;
    }
    Ok(())
}

/// Calls `body` with every batch of inputs `[batch, width]` in an evaluation pass, on our worker threads.
pub(crate) fn evaluate<D: Unlabelled + Sync>(
    params: &Params,
    data: &D,
    width: usize,
    mut body: impl FnMut(Var<'_>) + Send,
) -> Result<(), DataError> {
    threads::run(|| {
        let mut tape = Tape::new();
        for_each_batch(data, |first, source| {
            check_width(source, width)?;
            let pass = tape.eval(params);
            let x = pass.input(&Flat(source));
            x.with_value(|x| check_elements(x, width, first, Range::Finite))?;
            body(x);
            Ok(())
        })
    })
}

/// `f` of every example, `[examples, outputs]`.
pub(crate) fn map<D: Unlabelled + Sync>(
    params: &Params,
    data: &D,
    [width, outputs]: [usize; 2],
    f: impl for<'p> Fn(Var<'p>) -> Var<'p> + Sync,
) -> Result<Tensor, DataError> {
    let mut values = Vec::with_capacity(data.len() * outputs);
    evaluate(params, data, width, |x| f(x).with_value(|y| values.extend_from_slice(y)))?;
    Ok(Tensor::new([data.len(), outputs], values))
}

/// The class of every example.
pub(crate) fn labels<D: Classified>(data: &D) -> Vec<u32> {
    let rows: Vec<u32> = (0..data.len() as u32).collect();
    let mut labels = Vec::with_capacity(rows.len());
    for rows in rows.chunks(BATCH) {
        let batch = data.batch(rows);
        let found: &dyn Labels = D::inputs_and_labels(&batch).1;
        labels.extend((0..found.len()).map(|i| u32::try_from(found.get(i)).unwrap_or(u32::MAX)));
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_any_shape_are_rows() {
        assert_eq!(Flat(&Tensor::zeros([5, 2, 3])).shape(), Shape::from([5, 6]));
        assert_eq!(Flat(&Tensor::zeros([5])).shape(), Shape::from([5, 1]));
    }

    #[test]
    fn what_is_wrong_is_named_by_its_place() {
        let mut x = Tensor::full([1100, 3], 0.5);
        assert_eq!(check(&x, 3, Range::Probabilities), Ok(()));
        x.as_mut_slice()[3 * 1001 + 2] = 1.5;
        assert_eq!(check(&x, 3, Range::Finite), Ok(()));
        let text = |error: DataError| error.to_string();
        assert_eq!(
            text(check(&x, 3, Range::Probabilities).unwrap_err()),
            "feature 2 of example 1001 is 1.5; binary cross-entropy takes values between 0 and 1"
        );
        x.as_mut_slice()[3 * 700 + 1] = f32::NAN;
        let expected = "feature 1 of example 700 is NaN, which is no finite number";
        assert_eq!(text(check(&x, 3, Range::Probabilities).unwrap_err()), expected);
        assert_eq!(text(map(&Params::new(), &x, [3, 3], |x| x).unwrap_err()), expected);
        let expected = "the examples have 3 features, the model takes 4";
        assert_eq!(text(check(&x, 4, Range::Finite).unwrap_err()), expected);
        assert_eq!(text(map(&Params::new(), &x, [4, 4], |x| x).unwrap_err()), expected);
        let none = Tensor::zeros([0, 3]);
        assert_eq!(text(check(&none, 3, Range::Finite).unwrap_err()), "the data set has no examples");
    }
}
