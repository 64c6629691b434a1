use std::fmt;

use layerwise_tensor::{Buffer, Shape, Tensor};

/// Parameters start at multiples of this many numbers (a cache line), so that kernels read them aligned.
const ALIGNMENT: usize = 16;

/// The parameters of a model: one flat buffer, and a name and a shape for each stretch of it.
///
/// Names are paths in the order of declaration (`encoder.0.weight`), as PyTorch prints them. The gaps between parameters hold
/// zeros. There is no interior mutability: a pass only reads, an optimizer's step is what writes.
///
/// ```
/// use layerwise_autograd::Params;
/// let mut params = Params::new();
/// let weight = params.root().child("encoder").parameter("weight", [2, 3], |values| values.fill(0.5));
/// assert_eq!(params.name(weight), "encoder.weight");
/// assert_eq!(params[weight], [0.5; 6]);
/// ```
#[derive(Clone, Default)]
pub struct Params {
    values: Buffer,
    layout: Layout,
}

/// The names and shapes of a [`Params`], and where each parameter lies in its flat buffer.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Layout {
    entries: Vec<Entry>,
}

#[derive(Clone, PartialEq, Debug)]
struct Entry {
    name: String,
    shape: Shape,
    offset: usize,
    trainable: bool,
}

/// Which parameter of a [`Params`]: what a layer holds instead of a tensor.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct ParamId(u32);

impl ParamId {
    /// The place in the order of declaration.
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl Layout {
    /// All parameters in the order of declaration.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = ParamId> + use<> {
        (0..self.entries.len() as u32).map(ParamId)
    }

    /// How many numbers all parameters have together.
    pub fn count(&self) -> usize {
        self.entries.iter().map(|entry| entry.shape.len()).sum()
    }

    /// The path of a parameter.
    pub fn name(&self, id: ParamId) -> &str {
        &self.entries[id.index()].name
    }

    /// The path of the layer that declared a parameter: `encoder.0` of `encoder.0.weight`, nothing of `weight`.
    pub fn scope(&self, id: ParamId) -> &str {
        self.name(id).rsplit_once('.').map_or("", |(scope, _)| scope)
    }

    /// The shape of a parameter.
    #[inline]
    pub fn shape(&self, id: ParamId) -> Shape {
        self.entries[id.index()].shape
    }

    /// Whether it is trained; the others are running statistics, which no gradient reaches and no update rule sees.
    #[inline]
    pub fn is_trainable(&self, id: ParamId) -> bool {
        self.entries[id.index()].trainable
    }

    /// Where a parameter lies in [`Params::flat`].
    #[inline]
    pub fn range(&self, id: ParamId) -> std::ops::Range<usize> {
        let entry = &self.entries[id.index()];
        entry.offset..entry.offset + entry.shape.len()
    }
}

impl Params {
    /// No parameters yet.
    pub fn new() -> Self {
        Params::default()
    }

    /// Where a model declares its parameters.
    pub fn root(&mut self) -> Scope<'_> {
        Scope { params: self, path: String::new() }
    }

    /// Names, shapes and places.
    #[inline]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// All parameters in the order of declaration.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = ParamId> + use<> {
        self.layout.ids()
    }

    /// The number of parameters (weights and biases, not numbers in them).
    pub fn len(&self) -> usize {
        self.layout.entries.len()
    }

    /// Whether nothing has been declared.
    pub fn is_empty(&self) -> bool {
        self.layout.entries.is_empty()
    }

    /// How many numbers all parameters have together.
    pub fn count(&self) -> usize {
        self.layout.count()
    }

    /// The path of a parameter.
    pub fn name(&self, id: ParamId) -> &str {
        self.layout.name(id)
    }

    /// The shape of a parameter.
    #[inline]
    pub fn shape(&self, id: ParamId) -> Shape {
        self.layout.shape(id)
    }

    /// The parameter with this path.
    pub fn id(&self, name: &str) -> Option<ParamId> {
        self.ids().find(|&id| self.name(id) == name)
    }

    /// A copy of the parameter with this path.
    pub fn get(&self, name: &str) -> Option<Tensor> {
        self.id(name).map(|id| Tensor::new(self.shape(id), self[id].to_vec()))
    }

    /// Overwrites the parameter with this path.
    ///
    /// # Panics
    /// If there is none, or the shapes differ.
    #[track_caller]
    pub fn set(&mut self, name: &str, value: &Tensor) {
        let Some(id) = self.id(name) else {
            panic!("no parameter {name:?}; the parameters are {}", self.names())
        };
        let shape = self.shape(id);
        assert!(
            shape == value.shape(),
            "parameter {name:?} has shape {shape}, the new value {}",
            value.shape()
        );
        self[id].copy_from_slice(value.as_slice());
    }

    fn names(&self) -> String {
        self.layout.entries.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// All parameters, with zeros in the gaps between them.
    pub fn flat(&self) -> &[f32] {
        &self.values
    }

    /// The layout, and all parameters for writing: for update rules. What is written into the gaps has no effect on any
    /// parameter.
    pub fn flat_mut(&mut self) -> (&Layout, &mut [f32]) {
        (&self.layout, &mut self.values)
    }
}

impl std::ops::Index<ParamId> for Params {
    type Output = [f32];
    #[inline]
    fn index(&self, id: ParamId) -> &[f32] {
        &self.values[self.layout.range(id)]
    }
}

impl std::ops::IndexMut<ParamId> for Params {
    fn index_mut(&mut self, id: ParamId) -> &mut [f32] {
        let range = self.layout.range(id);
        &mut self.values[range]
    }
}

impl fmt::Display for Params {
    /// A line per parameter: name, shape, count; then the total.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = &self.layout.entries;
        let widest = entries.iter().map(|entry| entry.name.len()).max().unwrap_or(0).max("total".len());
        for Entry { name, shape, .. } in entries {
            writeln!(f, "{name:widest$}  {:14} {:>10}", shape.to_string(), shape.len())?;
        }
        write!(f, "{:widest$}  {:14} {:>10}", "total", "", self.count())
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A place in the tree of names where parameters are declared.
pub struct Scope<'a> {
    params: &'a mut Params,
    path: String,
}

impl Scope<'_> {
    /// The place `name` below this one.
    pub fn child(&mut self, name: impl fmt::Display) -> Scope<'_> {
        let path = join(&self.path, &name);
        Scope { params: self.params, path }
    }

    /// The path of this place, empty for the root.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Declares a parameter. `fill` writes its initial values over zeros.
    ///
    /// # Panics
    /// If the name is taken.
    #[track_caller]
    pub fn parameter(
        &mut self,
        name: &str,
        shape: impl Into<Shape>,
        fill: impl FnOnce(&mut [f32]),
    ) -> ParamId {
        self.declare(name, shape.into(), true, fill)
    }

    /// Declares a running statistic: named and stored like a parameter, but not trained. Passes report what they have
    /// seen with [`crate::Pass::report_statistic`], and an optimizer's step stores it.
    ///
    /// # Panics
    /// If the name is taken.
    #[track_caller]
    pub fn statistic(
        &mut self,
        name: &str,
        shape: impl Into<Shape>,
        fill: impl FnOnce(&mut [f32]),
    ) -> ParamId {
        self.declare(name, shape.into(), false, fill)
    }

    #[track_caller]
    fn declare(
        &mut self,
        name: &str,
        shape: Shape,
        trainable: bool,
        fill: impl FnOnce(&mut [f32]),
    ) -> ParamId {
        let name = join(&self.path, &name);
        assert!(self.params.id(&name).is_none(), "a parameter {name:?} has been declared already");
        let offset = self.params.values.len();
        self.params.values.extend(shape.len().next_multiple_of(ALIGNMENT));
        self.params.layout.entries.push(Entry { name, shape, offset, trainable });
        let id = ParamId(self.params.layout.entries.len() as u32 - 1);
        fill(&mut self.params[id]);
        id
    }
}

fn join(path: &str, name: &dyn fmt::Display) -> String {
    if path.is_empty() { name.to_string() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Params {
        let mut params = Params::new();
        let mut root = params.root();
        root.child("a").child(0).parameter("weight", [3, 5], |w| w.fill(1.0));
        root.parameter("b", [2], |w| w.fill(2.0));
        params
    }

    #[test]
    fn names_are_paths_in_the_order_of_declaration() {
        let params = two();
        assert_eq!(params.ids().map(|id| params.name(id)).collect::<Vec<_>>(), ["a.0.weight", "b"]);
        assert_eq!((params.len(), params.count()), (2, 17));
        assert_eq!(params.get("b").unwrap().as_slice(), [2.0, 2.0]);
        assert!(params.get("c").is_none());
        assert_eq!(params.ids().map(|id| params.layout().scope(id)).collect::<Vec<_>>(), ["a.0", ""]);
    }

    #[test]
    fn parameters_start_at_cache_lines_with_zeros_between() {
        let params = two();
        let b = params.id("b").unwrap();
        assert_eq!(params.layout().range(b), 16..18);
        assert_eq!(params.flat()[15], 0.0);
        assert_eq!(params[b].as_ptr().align_offset(64), 0);
    }

    #[test]
    fn it_prints_as_a_table() {
        let lines = ["a.0.weight  [3, 5]                 15", "b           [2]                     2"];
        let total = "total                              17";
        assert_eq!(two().to_string(), format!("{}\n{}\n{total}", lines[0], lines[1]));
    }

    #[test]
    #[should_panic(expected = "a parameter \"b\" has been declared already")]
    fn a_name_is_declared_once() {
        two().root().parameter("b", [1], |_| ());
    }

    #[test]
    #[should_panic(expected = "parameter \"b\" has shape [2], the new value [3]")]
    fn a_new_value_has_the_same_shape() {
        two().set("b", &Tensor::zeros([3]));
    }

    #[test]
    #[should_panic(expected = "no parameter \"c\"; the parameters are a.0.weight, b")]
    fn an_unknown_name_lists_the_known_ones() {
        two().set("c", &Tensor::zeros([3]));
    }
}
