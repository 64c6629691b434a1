use std::fmt;
use std::ops::{Add, Div, Mul, Neg, Sub};

use ndarray::{Array, ArrayD, ArrayViewD, ArrayViewMutD, Dimension, IxDyn};

use crate::{Accum, Mat, Shape, elementwise, matmul, reduce, softmax};

/// An n-dimensional array of `f32`, row-major and contiguous.
///
/// It is a thin layer over an [`ndarray::ArrayD`]: arrays come in ([`From`]) and go out ([`Tensor::view`],
/// [`Tensor::into_array`]) without a copy; only an array in another layout is copied on its way in.
///
/// Operators are element-wise with NumPy's broadcasting and panic, with both shapes, where shapes do not go together.
///
/// ```
/// use layerwise_tensor::Tensor;
/// let x = Tensor::from([[1.0, 2.0], [3.0, 4.0]]);
/// assert_eq!(x, Tensor::from(ndarray::array![[1.0, 2.0], [3.0, 4.0]]));
/// let row = Tensor::from([10.0, 20.0]);
/// assert_eq!((&x + &row).as_slice(), [11.0, 22.0, 13.0, 24.0]);
/// assert_eq!(x.matmul(&x).as_slice(), [7.0, 10.0, 15.0, 22.0]);
/// assert_eq!(x.mean_axis(0).as_slice(), [2.0, 3.0]);
/// ```
#[derive(Clone, PartialEq)]
pub struct Tensor {
    /// Always in standard layout.
    array: ArrayD<f32>,
}

impl Tensor {
    /// The tensor of this shape with these elements, row by row.
    ///
    /// # Panics
    /// If there are not as many elements as the shape has.
    #[track_caller]
    pub fn new(shape: impl Into<Shape>, elements: Vec<f32>) -> Self {
        let shape = shape.into();
        let found = elements.len();
        match ArrayD::from_shape_vec(IxDyn(shape.dims()), elements) {
            Ok(array) => Tensor { array },
            Err(_) => panic!("a tensor of shape {shape} has {} elements, found {found}", shape.len()),
        }
    }

    /// All zeros.
    pub fn zeros(shape: impl Into<Shape>) -> Self {
        Tensor::full(shape, 0.0)
    }

    /// The same value everywhere.
    pub fn full(shape: impl Into<Shape>, value: f32) -> Self {
        Tensor { array: ArrayD::from_elem(IxDyn(shape.into().dims()), value) }
    }

    /// The values of `f` at 0, 1, 2, .. in row-major order.
    pub fn from_fn(shape: impl Into<Shape>, f: impl FnMut(usize) -> f32) -> Self {
        let shape = shape.into();
        Tensor::new(shape, (0..shape.len()).map(f).collect())
    }

    /// The extents.
    pub fn shape(&self) -> Shape {
        Shape::new(self.array.shape())
    }

    /// The elements in row-major order.
    pub fn as_slice(&self) -> &[f32] {
        self.array.as_slice().expect("a tensor is in standard layout")
    }

    /// The elements in row-major order.
    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        self.array.as_slice_mut().expect("a tensor is in standard layout")
    }

    /// The tensor as an array, borrowed.
    pub fn view(&self) -> ArrayViewD<'_, f32> {
        self.array.view()
    }

    /// The tensor as an array, borrowed mutably.
    pub fn view_mut(&mut self) -> ArrayViewMutD<'_, f32> {
        self.array.view_mut()
    }

    /// The tensor as an array.
    pub fn into_array(self) -> ArrayD<f32> {
        self.array
    }

    /// The only element.
    ///
    /// # Panics
    /// If there is not exactly one.
    #[track_caller]
    pub fn item(&self) -> f32 {
        assert!(
            self.array.len() == 1,
            "item of a tensor of shape {}, which has {} elements",
            self.shape(),
            self.array.len()
        );
        self.as_slice()[0]
    }

    /// The same elements under another shape.
    ///
    /// # Panics
    /// If it has another number of elements.
    #[track_caller]
    pub fn reshape(self, shape: impl Into<Shape>) -> Self {
        let (from, to) = (self.shape(), shape.into());
        assert!(
            from.len() == to.len(),
            "reshape: a tensor of shape {from} has {} elements, shape {to} has {}",
            from.len(),
            to.len()
        );
        let array =
            self.array.into_shape_with_order(IxDyn(to.dims())).expect("the number of elements is the same");
        Tensor { array }
    }

    /// `f` of every element.
    pub fn map(&self, f: impl Fn(f32) -> f32) -> Self {
        Tensor { array: self.array.map(|&x| f(x)) }
    }

    /// `f` of every pair of elements, with broadcasting.
    ///
    /// # Panics
    /// If the shapes do not go together.
    #[track_caller]
    pub fn zip(&self, other: &Tensor, f: impl Fn(f32, f32) -> f32) -> Self {
        let mut out = Tensor::zeros(elementwise::common_shape("zip", self.shape(), other.shape()));
        let operands = [(self.as_slice(), self.shape()), (other.as_slice(), other.shape())];
        elementwise::zip(operands[0], operands[1], out.as_mut_slice(), Accum::Replace, f);
        out
    }

    /// The product of two matrices, `[m, k] x [k, n] = [m, n]`. Transposed operands: [`crate::matmul`].
    ///
    /// # Panics
    /// If one is no matrix, or the inner extents differ.
    #[track_caller]
    pub fn matmul(&self, other: &Tensor) -> Self {
        let (a, b) = (self.matrix(), other.matrix());
        assert!(a.cols() == b.rows(), "matmul: {a:?} x {b:?}: the inner extents differ");
        let mut out = Tensor::zeros([a.rows(), b.cols()]);
        matmul(a, b, out.as_mut_slice(), Accum::Replace);
        out
    }

    #[track_caller]
    fn matrix(&self) -> Mat<'_> {
        match *self.shape().dims() {
            [rows, cols] => Mat::new(self.as_slice(), rows, cols),
            _ => panic!("matmul: a tensor of shape {} is no matrix", self.shape()),
        }
    }

    /// The sum of all elements, accumulated in f64.
    pub fn sum(&self) -> f32 {
        reduce::sum(self.as_slice()) as f32
    }

    /// The mean of all elements, accumulated in f64; NaN of nothing.
    pub fn mean(&self) -> f32 {
        (reduce::sum(self.as_slice()) / self.array.len() as f64) as f32
    }

    /// The largest element; `None` of nothing.
    pub fn max(&self) -> Option<f32> {
        reduce::max(self.as_slice()).map(|(_, max)| max)
    }

    /// The sums along a dimension, which the result does not have.
    ///
    /// # Panics
    /// If there is no such dimension.
    #[track_caller]
    pub fn sum_axis(&self, axis: usize) -> Self {
        let mut out = Tensor::zeros(self.shape().without_axis(axis));
        reduce::sum_axis(self.as_slice(), self.shape(), axis, out.as_mut_slice(), Accum::Replace);
        out
    }

    /// The means along a dimension, which the result does not have.
    ///
    /// # Panics
    /// If there is no such dimension.
    #[track_caller]
    pub fn mean_axis(&self, axis: usize) -> Self {
        let extent = self.shape().split_at_axis(axis).1 as f32;
        self.sum_axis(axis).map(|sum| sum / extent)
    }

    /// The largest elements along a dimension, which the result does not have.
    ///
    /// # Panics
    /// If there is no such dimension, or it is empty.
    #[track_caller]
    pub fn max_axis(&self, axis: usize) -> Self {
        let mut out = Tensor::zeros(self.shape().without_axis(axis));
        reduce::max_axis(self.as_slice(), self.shape(), axis, out.as_mut_slice(), |_, _| ());
        out
    }

    /// Softmax over the last dimension.
    pub fn softmax(mut self) -> Self {
        let cols = self.shape().last();
        softmax::softmax(self.as_mut_slice(), cols);
        self
    }

    /// The logarithm of softmax over the last dimension.
    pub fn log_softmax(mut self) -> Self {
        let cols = self.shape().last();
        softmax::log_softmax(self.as_mut_slice(), cols);
        self
    }
}

impl<D: Dimension> From<Array<f32, D>> for Tensor {
    /// Without a copy if the array is in standard layout.
    ///
    /// # Panics
    /// If it has more than [`crate::MAX_RANK`] dimensions.
    #[track_caller]
    fn from(array: Array<f32, D>) -> Self {
        let array = array.into_dyn();
        Shape::new(array.shape()); // refuses too many dimensions here rather than later
        let array = if array.is_standard_layout() { array } else { array.as_standard_layout().into_owned() };
        Tensor { array }
    }
}

impl<const ROWS: usize, const COLS: usize> From<[[f32; COLS]; ROWS]> for Tensor {
    fn from(rows: [[f32; COLS]; ROWS]) -> Self {
        Tensor::new([ROWS, COLS], rows.as_flattened().to_vec())
    }
}

impl<const N: usize> From<[f32; N]> for Tensor {
    fn from(elements: [f32; N]) -> Self {
        Tensor::new([N], elements.to_vec())
    }
}

impl From<f32> for Tensor {
    fn from(value: f32) -> Self {
        Tensor::full(Shape::SCALAR, value)
    }
}

impl Add for &Tensor {
    type Output = Tensor;
    #[track_caller]
    fn add(self, other: &Tensor) -> Tensor {
        self.zip(other, |a, b| a + b)
    }
}

impl Sub for &Tensor {
    type Output = Tensor;
    #[track_caller]
    fn sub(self, other: &Tensor) -> Tensor {
        self.zip(other, |a, b| a - b)
    }
}

impl Mul for &Tensor {
    type Output = Tensor;
    #[track_caller]
    fn mul(self, other: &Tensor) -> Tensor {
        self.zip(other, |a, b| a * b)
    }
}

impl Div for &Tensor {
    type Output = Tensor;
    #[track_caller]
    fn div(self, other: &Tensor) -> Tensor {
        self.zip(other, |a, b| a / b)
    }
}

impl Mul<f32> for &Tensor {
    type Output = Tensor;
    fn mul(self, number: f32) -> Tensor {
        self.map(|x| x * number)
    }
}

impl Add<f32> for &Tensor {
    type Output = Tensor;
    fn add(self, number: f32) -> Tensor {
        self.map(|x| x + number)
    }
}

impl Neg for &Tensor {
    type Output = Tensor;
    fn neg(self) -> Tensor {
        self.map(|x| -x)
    }
}

impl fmt::Display for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.array, f)
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tensor {} {}", self.shape(), self.array)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    #[test]
    fn arrays_come_in_and_go_out_without_a_copy() {
        let array = Array2::<f32>::zeros((3, 4));
        let at = array.as_ptr();
        let tensor = Tensor::from(array);
        assert_eq!((tensor.as_slice().as_ptr(), tensor.view().as_ptr()), (at, at));
        assert_eq!(tensor.into_array().as_ptr(), at);
    }

    #[test]
    fn an_array_in_another_layout_is_read_in_row_major_order() {
        let tensor = Tensor::from(array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]].reversed_axes());
        assert_eq!(
            (tensor.shape(), tensor.as_slice()),
            (Shape::from([3, 2]), &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0][..])
        );
    }

    #[test]
    fn reductions_and_softmax() {
        let x = Tensor::new([2, 3], vec![1.0, 5.0, 3.0, 4.0, 2.0, 9.0]);
        assert_eq!((x.sum(), x.mean(), x.max()), (24.0, 4.0, Some(9.0)));
        assert_eq!(x.sum_axis(0).as_slice(), [5.0, 7.0, 12.0]);
        assert_eq!(x.mean_axis(1).as_slice(), [3.0, 5.0]);
        assert_eq!(x.max_axis(1).as_slice(), [5.0, 9.0]);
        let (y, log) = (x.clone().softmax(), x.log_softmax());
        assert!((y.sum() - 2.0).abs() < 1e-6);
        assert!((&y.map(f32::ln) - &log).map(f32::abs).max().unwrap() < 1e-6);
    }

    #[test]
    fn operators_broadcast() {
        let (column, row) = (Tensor::new([2, 1], vec![1.0, 2.0]), Tensor::from([3.0, 4.0]));
        assert_eq!((&column - &row).as_slice(), [-2.0, -3.0, -1.0, -2.0]);
        assert_eq!((&column * &row).as_slice(), [3.0, 4.0, 6.0, 8.0]);
        assert_eq!((&row / &Tensor::from(2.0)).as_slice(), [1.5, 2.0]);
        assert_eq!((-&row).as_slice(), [-3.0, -4.0]);
        assert_eq!((&(&row * 2.0) + 1.0).as_slice(), [7.0, 9.0]);
    }

    #[test]
    #[should_panic(expected = "zip: shapes [2] and [3] do not broadcast")]
    fn operators_name_both_shapes() {
        let _ = &Tensor::zeros([2]) + &Tensor::zeros([3]);
    }

    #[test]
    #[should_panic(expected = "a tensor of shape [2, 3] has 6 elements, found 5")]
    fn elements_are_counted() {
        Tensor::new([2, 3], vec![0.0; 5]);
    }

    #[test]
    #[should_panic(expected = "reshape: a tensor of shape [2, 3] has 6 elements, shape [4] has 4")]
    fn reshape_keeps_the_number_of_elements() {
        let _ = Tensor::zeros([2, 3]).reshape([4]);
    }

    #[test]
    #[should_panic(expected = "matmul: [2, 3] x [2, 3]: the inner extents differ")]
    fn a_product_names_both_shapes() {
        let _ = Tensor::zeros([2, 3]).matmul(&Tensor::zeros([2, 3]));
    }
}
