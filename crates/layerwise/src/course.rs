//! The sections of the course, as a list.

use crate::mlp;
use crate::recipe::Recipe;

/// A section of the course.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// The name of its module, its example and its chapter.
    pub name: &'static str,
    /// What it is about, in a few words.
    pub title: &'static str,
    /// The network it trains, and how.
    pub recipe: fn() -> Recipe,
}

/// All sections, in the order of the course.
pub const SECTIONS: &[Section] =
    &[Section { name: "mlp", title: "A multi-layer perceptron with sigmoid", recipe: mlp::recipe }];
