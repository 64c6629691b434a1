use layerwise_tensor::Tensor;
use layerwise_tensor::data::Unlabelled;
use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};

use crate::data::{self, Range};
use crate::eigen::{self, Eigen};
use crate::{DataError, ReconstructionError};

/// Principal component analysis, exact and in f64: the best that an autoencoder with linear layers can do (Baldi and Hornik
/// 1989), and so the baseline for all others.
///
/// Components are eigenvectors of the covariance matrix, orthonormal, in the order of the variance along them. Each has the sign
/// that makes its element of largest absolute value (the first of equals) positive.
///
/// ```
/// use layerwise_autoencoders::Pca;
/// use layerwise_tensor::Tensor;
///
/// // Points on the line (1, 2) + t (3, 4).
/// let x = Tensor::from_fn([5, 2], |i| if i % 2 == 0 { 1.0 + 3.0 * (i / 2) as f32 } else { 2.0 + 4.0 * (i / 2) as f32 });
/// let pca = Pca::fit(&x, 1).unwrap();
/// assert!((pca.components()[[0, 0]] - 0.6).abs() < 1e-12 && (pca.components()[[0, 1]] - 0.8).abs() < 1e-12);
/// assert!((pca.explained_variance_ratio()[0] - 1.0).abs() < 1e-12);
/// let error = pca.reconstruction_error(&x).unwrap();
/// assert!(error.per_pixel_mse < 1e-12);
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Pca {
    mean: Array1<f64>,
    /// `[components, features]`
    components: Array2<f64>,
    variances: Vec<f64>,
    total_variance: f64,
}

/// Columns of the covariance matrix that are computed at a time; only blocks on and above the diagonal are.
const BLOCK: usize = 128;

impl Pca {
    /// The first `components` of the data. Reads it twice; `f^2` numbers for `f` features are held in memory.
    ///
    /// # Errors
    /// If there is no data, or an element is not finite.
    ///
    /// # Panics
    /// If `components` is 0, or larger than the number of features.
    #[track_caller]
    pub fn fit<D: Unlabelled>(data: &D, components: usize) -> Result<Self, DataError> {
        let mean = mean(data)?;
        let features = mean.len();
        assert!(
            (1..=features).contains(&components),
            "pca: the number of components is {components}, but must lie in 1..={features}, the number of features"
        );
        let covariance = covariance(data, &mean)?;
        let total_variance = covariance.diag().sum();
        let Eigen { values, mut vectors } =
            eigen::symmetric(covariance.into_raw_vec_and_offset().0, features);
        vectors.truncate(components * features);
        vectors.chunks_exact_mut(features).for_each(fix_sign);
        let components =
            Array2::from_shape_vec((components, features), vectors).expect("whole rows were kept");
        // Rounding may leave a variance of nothing below zero.
        let variances = values.iter().take(components.nrows()).map(|&value| value.max(0.0)).collect();
        Ok(Pca { mean, components, variances, total_variance })
    }

    /// The mean of the data, `[features]`.
    pub fn mean(&self) -> ArrayView1<'_, f64> {
        self.mean.view()
    }

    /// The components, `[components, features]`.
    pub fn components(&self) -> ArrayView2<'_, f64> {
        self.components.view()
    }

    /// The variance along each component, with the divisor `n - 1`.
    pub fn explained_variance(&self) -> &[f64] {
        &self.variances
    }

    /// The share of each component in the variance of the data; NaN if that is 0.
    pub fn explained_variance_ratio(&self) -> Vec<f64> {
        self.variances.iter().map(|variance| variance / self.total_variance).collect()
    }

    /// The coordinates of all examples along the components, `[examples, components]`.
    ///
    /// # Errors
    /// If there is no data, it has another width, or an element is not finite.
    pub fn transform<D: Unlabelled>(&self, data: &D) -> Result<Tensor, DataError> {
        let mut codes = Vec::with_capacity(data.len() * self.components.nrows());
        data::read(data, Some(self.mean.len()), Range::Finite, |_, x| {
            codes.extend(self.codes(x).iter().map(|&x| x as f32));
        })?;
        Ok(Tensor::new([data.len(), self.components.nrows()], codes))
    }

    /// The examples that coordinates `[examples, components]` stand for, `[examples, features]`.
    ///
    /// # Errors
    /// If there is no data, it has another width, or an element is not finite.
    pub fn inverse_transform<D: Unlabelled>(&self, codes: &D) -> Result<Tensor, DataError> {
        let mut examples = Vec::with_capacity(codes.len() * self.mean.len());
        data::read(codes, Some(self.components.nrows()), Range::Finite, |width, codes| {
            examples.extend(self.examples(&matrix(codes, width)).iter().map(|&x| x as f32));
        })?;
        Ok(Tensor::new([codes.len(), self.mean.len()], examples))
    }

    /// How far the projections onto the components are from the examples.
    ///
    /// # Errors
    /// If there is no data, it has another width, or an element is not finite.
    pub fn reconstruction_error<D: Unlabelled>(&self, data: &D) -> Result<ReconstructionError, DataError> {
        let mut per_example = Vec::with_capacity(data.len());
        data::read(data, Some(self.mean.len()), Range::Finite, |width, x| {
            let errors = self.examples(&self.codes(x)) - matrix(x, width);
            per_example.extend(errors.axis_iter(Axis(0)).map(|row| row.iter().map(|e| e * e).sum::<f64>()));
        })?;
        Ok(ReconstructionError::new(per_example, self.mean.len()))
    }

    fn codes(&self, x: &[f32]) -> Array2<f64> {
        (matrix(x, self.mean.len()) - &self.mean).dot(&self.components.t())
    }

    fn examples(&self, codes: &Array2<f64>) -> Array2<f64> {
        codes.dot(&self.components) + &self.mean
    }
}

fn matrix(x: &[f32], width: usize) -> Array2<f64> {
    let values = x.iter().map(|&x| f64::from(x)).collect();
    Array2::from_shape_vec((x.len() / width.max(1), width), values).expect("whole rows are read")
}

fn mean<D: Unlabelled>(data: &D) -> Result<Array1<f64>, DataError> {
    let mut sums = Array1::zeros(0);
    data::read(data, None, Range::Finite, |width, x| {
        if sums.is_empty() {
            sums = Array1::zeros(width);
        }
        sums += &matrix(x, width).sum_axis(Axis(0));
    })?;
    Ok(sums / data.len() as f64)
}

/// `sum (x - mean)(x - mean)^T / (n - 1)`
fn covariance<D: Unlabelled>(data: &D, mean: &Array1<f64>) -> Result<Array2<f64>, DataError> {
    let features = mean.len();
    let mut sums = Array2::zeros((features, features));
    let blocks: Vec<_> =
        (0..features).step_by(BLOCK).map(|start| start..features.min(start + BLOCK)).collect();
    data::read(data, Some(features), Range::Finite, |width, x| {
        let centred = matrix(x, width) - mean;
        for (i, rows) in blocks.iter().enumerate() {
            for columns in &blocks[i..] {
                let left = centred.slice(s![.., rows.clone()]);
                let right = centred.slice(s![.., columns.clone()]);
                let mut block = sums.slice_mut(s![rows.clone(), columns.clone()]);
                general_mat_mul(1.0, &left.t(), &right, 1.0, &mut block);
            }
        }
    })?;
    let divisor = (data.len() as f64 - 1.0).max(1.0);
    for i in 0..features {
        for j in i..features {
            let covariance = sums[[i, j]] / divisor;
            sums[[i, j]] = covariance;
            sums[[j, i]] = covariance;
        }
    }
    Ok(sums)
}

/// Makes the element of largest absolute value positive.
fn fix_sign(vector: &mut [f64]) {
    let largest = vector.iter().fold(0.0, |best: f64, &x| if x.abs() > best.abs() { x } else { best });
    if largest < 0.0 {
        vector.iter_mut().for_each(|x| *x = -*x);
    }
}
