//! A table in memory: columns of numbers and of texts.

mod error;

use std::borrow::Cow;
use std::collections::HashMap;

pub use error::{TableError, TableProblem};

use crate::split;

/// The code of a missing text.
pub(crate) const NO_TEXT: u32 = u32::MAX;

/// Columns of equal length, read from a file or made in a program: at most 2^32 - 1 rows.
///
/// A number takes 8 bytes, a text 4 (and its characters once for all its occurrences), a row 4 for its place in the file.
///
/// ```
/// use layerwise_data::{Column, Table};
///
/// let table = Table::new("houses", vec![
///     Column::numbers("area", vec![60.0, f64::NAN, 90.0]), // NaN is missing
///     Column::texts("city", [Some("Bern"), Some("Oslo"), None]),
/// ])?;
/// assert_eq!((table.rows(), table.columns().len()), (3, 2));
/// let (training, validation) = table.random_split(0.67, 42);
/// assert_eq!((training.rows(), validation.rows()), (2, 1));
/// # Ok::<(), layerwise_data::TableError>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Table {
    name: String,
    columns: Vec<Column>,
    /// The line of each row in its file, from 1 on.
    lines: Vec<u32>,
}

/// A column with its name.
#[derive(Clone, PartialEq, Debug)]
pub struct Column {
    pub(crate) name: String,
    pub(crate) values: Values,
}

/// What a column holds.
#[derive(Clone, PartialEq, Debug)]
pub enum Values {
    /// Finite numbers; NaN where one is missing.
    Numbers(Vec<f64>),
    /// Texts: the different ones in the order in which they appear, and for each row the index of its own, or `u32::MAX` where
    /// it is missing.
    Texts {
        /// The different texts.
        names: Vec<String>,
        /// An index for each row.
        codes: Vec<u32>,
    },
}

impl Table {
    /// A table of these columns. `name` is what errors call it; the rows' places in errors are their numbers from 1 on.
    ///
    /// # Errors
    /// If two columns have one name, their lengths differ, or a number is infinite or beyond the range of `f32`.
    pub fn new(name: impl Into<String>, columns: Vec<Column>) -> Result<Self, TableError> {
        let name = name.into();
        let rows = columns.first().map_or(0, |column| column.values.len());
        let fail = |problem| TableError { file: name.clone(), problem };
        if let Some(column) = columns.iter().find(|column| column.values.len() != rows) {
            let (column, found) = (column.name.clone(), column.values.len());
            return Err(fail(TableProblem::Length { column, found, expected: rows }));
        }
        let Ok(last) = u32::try_from(rows) else { return Err(fail(TableProblem::TooManyRows)) };
        check_names(columns.iter().map(|column| column.name.as_str())).map_err(fail)?;
        for column in &columns {
            if let Values::Numbers(numbers) = &column.values
                && let Some(row) = numbers.iter().position(|x| x.abs() > f64::from(f32::MAX))
            {
                let (line, column) = (row as u64 + 1, column.name.clone());
                let found = numbers[row].to_string();
                return Err(fail(TableProblem::NotFinite { line, column, found }));
            }
        }
        Ok(Table { name, columns, lines: (1..=last).collect() })
    }

    /// What a reader has put together: equal lengths and different names.
    #[cfg(feature = "csv")]
    pub(crate) fn from_parts(name: String, columns: Vec<Column>, lines: Vec<u32>) -> Self {
        Table { name, columns, lines }
    }

    /// What errors call it: its file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.lines.len()
    }

    /// The columns in their order, without those that were ignored.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column of this name.
    ///
    /// # Errors
    /// If there is none; the error lists those there are.
    pub fn column(&self, name: &str) -> Result<&Column, TableError> {
        self.columns.iter().find(|column| column.name == name).ok_or_else(|| {
            self.error(no_column(name, self.columns.iter().map(|column| column.name.as_str())))
        })
    }

    /// The line of a row in its file, from 1 on.
    pub(crate) fn line(&self, row: usize) -> u64 {
        u64::from(self.lines[row])
    }

    pub(crate) fn error(&self, problem: TableProblem) -> TableError {
        TableError { file: self.name.clone(), problem }
    }

    /// The table of these rows, in this order; a row may repeat.
    ///
    /// # Panics
    /// If one is not below [`Table::rows`].
    #[track_caller]
    #[must_use]
    pub fn select(&self, rows: &[u32]) -> Self {
        if let Some(row) = rows.iter().find(|&&row| row as usize >= self.rows()) {
            panic!("Table::select: row {row}, but the table has {} rows", self.rows());
        }
        let column = |column: &Column| {
            let values = match &column.values {
                Values::Numbers(numbers) => Values::Numbers(pick(numbers, rows)),
                Values::Texts { names, codes } => {
                    Values::Texts { names: names.clone(), codes: pick(codes, rows) }
                }
            };
            Column { name: column.name.clone(), values }
        };
        Table {
            name: self.name.clone(),
            columns: self.columns.iter().map(column).collect(),
            lines: pick(&self.lines, rows),
        }
    }

    /// Divides the rows at random with the proportions of a column's values kept: of the rows of each value (or without one), `fraction`,
    /// rounded up. So the first part has every class there is. Both parts keep the order; the same seed gives the same parts.
    ///
    /// # Errors
    /// If there is no such column.
    ///
    /// # Panics
    /// If `fraction` is not from 0 to 1.
    #[track_caller]
    pub fn stratified_split(
        &self,
        column: &str,
        fraction: f64,
        seed: u64,
    ) -> Result<(Self, Self), TableError> {
        let values = &self.column(column)?.values;
        let (first, second) = split::stratified(self.rows(), fraction, seed, |row| values.key(row));
        Ok((self.select(&first), self.select(&second)))
    }

    /// Divides the rows at random: `fraction` of them, and the others ([`layerwise_tensor::data::split_rows`], which draws the others). Both parts keep
    /// the order; the same seed gives the same parts.
    ///
    /// # Panics
    /// If `fraction` is not from 0 to 1.
    #[track_caller]
    pub fn random_split(&self, fraction: f64, seed: u64) -> (Self, Self) {
        assert!((0.0..=1.0).contains(&fraction), "random_split: fraction {fraction} is not from 0 to 1");
        let (first, second) = layerwise_tensor::data::split_rows(self.rows(), 1.0 - fraction, seed);
        (self.select(&first), self.select(&second))
    }
}

fn pick<T: Copy>(values: &[T], rows: &[u32]) -> Vec<T> {
    rows.iter().map(|&row| values[row as usize]).collect()
}

/// Whether all names differ.
pub(crate) fn check_names<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), TableProblem> {
    let mut places = HashMap::new();
    for (place, name) in names.enumerate() {
        if let Some(first) = places.insert(name, place + 1) {
            let name = name.to_owned();
            return Err(TableProblem::DuplicateColumn { name, first, second: place + 1 });
        }
    }
    Ok(())
}

pub(crate) fn no_column<'a>(name: &str, columns: impl Iterator<Item = &'a str>) -> TableProblem {
    TableProblem::NoColumn { name: name.to_owned(), columns: columns.map(str::to_owned).collect() }
}

impl Column {
    /// A column of numbers; NaN where one is missing.
    pub fn numbers(name: impl Into<String>, numbers: Vec<f64>) -> Self {
        Column { name: name.into(), values: Values::Numbers(numbers) }
    }

    /// A column of texts; `None` where one is missing.
    pub fn texts<'a>(name: impl Into<String>, texts: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        let mut interner = Interner::default();
        let codes = texts.into_iter().map(|text| text.map_or(NO_TEXT, |text| interner.code(text))).collect();
        Column { name: name.into(), values: Values::Texts { names: interner.names, codes } }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it holds.
    pub fn values(&self) -> &Values {
        &self.values
    }
}

impl Values {
    /// The number of rows.
    pub fn len(&self) -> usize {
        match self {
            Values::Numbers(numbers) => numbers.len(),
            Values::Texts { codes, .. } => codes.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What is equal for equal values.
    fn key(&self, row: usize) -> u64 {
        match self {
            Values::Numbers(numbers) => numbers[row].to_bits(),
            Values::Texts { codes, .. } => u64::from(codes[row]),
        }
    }

    /// Whether the value of a row is missing.
    pub(crate) fn is_missing(&self, row: usize) -> bool {
        match self {
            Values::Numbers(numbers) => numbers[row].is_nan(),
            Values::Texts { codes, .. } => codes[row] == NO_TEXT,
        }
    }

    /// The value of a row as text, nothing where it is missing.
    pub(crate) fn text(&self, row: usize) -> Cow<'_, str> {
        match self {
            Values::Numbers(numbers) if numbers[row].is_nan() => Cow::Borrowed(""),
            Values::Numbers(numbers) => Cow::Owned(numbers[row].to_string()),
            Values::Texts { names, codes } => {
                Cow::Borrowed(names.get(codes[row] as usize).map_or("", String::as_str))
            }
        }
    }
}

/// At most forty characters of a text that came from outside, for an error.
pub(crate) fn shorten(text: &str) -> String {
    const MOST: usize = 40;
    if text.chars().nth(MOST).is_none() {
        return text.to_owned();
    }
    text.chars().take(MOST).chain("..".chars()).collect()
}

/// Gives each different text a number.
#[derive(Default, Debug)]
pub(crate) struct Interner {
    places: HashMap<String, u32>,
    pub names: Vec<String>,
}

impl Interner {
    pub fn code(&mut self, text: &str) -> u32 {
        if let Some(&code) = self.places.get(text) {
            return code;
        }
        let code = self.names.len() as u32;
        self.names.push(text.to_owned());
        self.places.insert(text.to_owned(), code);
        code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let columns = vec![
            Column::numbers("x", vec![1.0, f64::NAN, 3.0]),
            Column::texts("city", [Some("Bern"), None, Some("Bern")]),
        ];
        Table::new("t", columns).unwrap()
    }

    #[test]
    fn rows_are_taken_in_any_order() {
        let part = table().select(&[2, 0, 2]);
        assert_eq!(part.columns()[0], Column::numbers("x", vec![3.0, 1.0, 3.0]));
        assert_eq!(
            (part.rows(), part.line(0), part.column("city").unwrap().values().text(1)),
            (3, 3, "Bern".into())
        );
        assert_eq!(table().columns()[1].values().text(1), "");
    }

    #[test]
    fn what_is_no_table_is_refused() {
        let text = |columns| Table::new("t", columns).unwrap_err().to_string();
        let x = |name| Column::numbers(name, vec![1.0]);
        assert_eq!(text(vec![x("a"), x("b"), x("a")]), "t: columns 1 and 3 are both named 'a'");
        assert_eq!(
            text(vec![x("a"), Column::numbers("b", vec![])]),
            "t: column 'b' has 0 rows, expected 1 as in the first column"
        );
        assert_eq!(
            text(vec![Column::numbers("a", vec![0.0, -1e39])]),
            format!("t: line 2, column 'a': found '{}', expected a finite number (up to 3.4e38)", -1e39_f64)
        );
        assert_eq!(table().column("y").unwrap_err().to_string(), "t: no column 'y'; the columns are x, city");
    }

    #[test]
    #[should_panic(expected = "Table::select: row 3, but the table has 3 rows")]
    fn a_row_that_is_not_there_is_refused() {
        let _ = table().select(&[0, 3]);
    }
}
