//! Tables from CSV files.

mod rows;

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::table::{Column, Interner, NO_TEXT, Table, TableError, TableProblem, Values, no_column, shorten};
use rows::Rows;

/// How a CSV file is written, and what its columns are.
///
/// Fields may be quoted (with `""` for a quote inside), lines end with LF or CRLF, a byte order mark is skipped, empty lines are skipped,
/// and white space around a field does not count.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CsvConfig {
    /// What separates fields: one ASCII character. Defaults to a comma.
    pub delimiter: char,
    /// Whether the first line has the columns' names. Without it they are `1`, `2` and so on. Defaults to true.
    pub header: bool,
    /// The texts that stand for a missing value, beside NaN in any spelling. Defaults to nothing at all, `NA`, `N/A`, `null` and `?`.
    pub missing: Vec<String>,
    /// Columns of numbers, whatever they look like.
    pub numeric: Vec<String>,
    /// Columns of categories, whatever they look like.
    pub categorical: Vec<String>,
    /// Columns that are not read.
    pub ignore: Vec<String>,
}

impl Default for CsvConfig {
    fn default() -> Self {
        CsvConfig {
            delimiter: ',',
            header: true,
            missing: ["", "NA", "N/A", "null", "?"].map(str::to_owned).into(),
            numeric: Vec::new(),
            categorical: Vec::new(),
            ignore: Vec::new(),
        }
    }
}

/// What a column is read as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Number,
    Text,
}

/// A column that is read: its place in the file, its name, its kind.
type Wish = (usize, String, Kind);

/// Reads a file row by row into tables of so many rows: memory for one of them and a buffer, whatever the file's size. Made by
/// [`Preprocessing::reader`](crate::Preprocessing::reader).
pub struct Reader {
    rows: Rows<'static>,
    wishes: Vec<Wish>,
    name: String,
}

impl Table {
    /// Reads a CSV file with its columns' kinds found out: a column is numeric if all of its values are numbers, and categorical if none is.
    /// One that has both has to be stated, as a wrong character in a number should not make a category of it.
    ///
    /// The file is read twice, row by row; only the values are kept ([`Table`] says how much that is).
    ///
    /// # Errors
    /// If the file cannot be read, is empty, or a row, a column or a value is not as it should be.
    pub fn open(path: impl AsRef<Path>, config: &CsvConfig) -> Result<Self, TableError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        read(|| open(path), &name, config)
    }

    /// [`Table::open`] for a file in memory; `name` is what errors call it.
    ///
    /// ```
    /// use layerwise_data::{CsvConfig, Table};
    /// let table = Table::from_csv("x,kind\r\n1.5,\"a, b\"\r\n2,c\r\n", "example", &CsvConfig::default())?;
    /// assert_eq!((table.rows(), table.columns()[1].name()), (2, "kind"));
    /// # Ok::<(), layerwise_data::TableError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Table::open`].
    pub fn from_csv(bytes: impl AsRef<[u8]>, name: &str, config: &CsvConfig) -> Result<Self, TableError> {
        let bytes = bytes.as_ref();
        read(|| Ok(Cursor::new(bytes)), name, config)
    }
}

pub(crate) fn open(path: &Path) -> Result<File, TableProblem> {
    let file = File::open(path)?;
    // Opening a folder succeeds on some systems, and reading it fails with a text that does not say why.
    if file.metadata()?.is_dir() {
        return Err(std::io::Error::new(std::io::ErrorKind::IsADirectory, "it is a folder").into());
    }
    Ok(file)
}

fn read<'a, R: Read + 'a>(
    source: impl Fn() -> Result<R, TableProblem>,
    name: &str,
    config: &CsvConfig,
) -> Result<Table, TableError> {
    let attempt = || {
        let wishes = infer(&mut Rows::open(Box::new(source()?), config)?, config)?;
        let mut rows = Rows::open(Box::new(source()?), config)?;
        take(&mut rows, &wishes, u32::MAX as usize, name)?.ok_or(TableProblem::NoRows)
    };
    attempt().map_err(|problem| TableError { file: name.to_owned(), problem })
}

impl Reader {
    /// A reader of these columns, in this order; others are passed over.
    pub(crate) fn new(
        source: impl FnOnce() -> Result<Box<dyn Read>, TableProblem>,
        name: &str,
        config: &CsvConfig,
        columns: &[(&str, Kind)],
    ) -> Result<Self, TableError> {
        let attempt = || {
            let rows = Rows::open(source()?, config)?;
            let wish = |&(name, kind): &(&str, Kind)| {
                let place = rows.names.iter().position(|found| found == name);
                let place = place.ok_or_else(|| no_column(name, rows.names()))?;
                Ok((place, name.to_owned(), kind))
            };
            let wishes = columns.iter().map(wish).collect::<Result<_, TableProblem>>()?;
            Ok(Reader { rows, wishes, name: name.to_owned() })
        };
        attempt().map_err(|problem| TableError { file: name.to_owned(), problem })
    }

    /// The next rows, `most` at most. `None` behind the last one.
    ///
    /// # Errors
    /// If the file cannot be read, or a row or a value is not as it should be.
    ///
    /// # Panics
    /// If `most` is 0.
    #[track_caller]
    pub fn next_rows(&mut self, most: usize) -> Result<Option<Table>, TableError> {
        assert!(most > 0, "Reader::next_rows: at least 1 row, found 0");
        let table = take(&mut self.rows, &self.wishes, most, &self.name);
        table.map_err(|problem| TableError { file: self.name.clone(), problem })
    }
}

/// What was seen of a column before its kind is decided.
#[derive(Default)]
struct Seen {
    /// The line of the first number.
    number: Option<u64>,
    /// The first text and its line.
    text: Option<(String, u64)>,
}

/// All columns that are not ignored, with their kinds.
fn infer(rows: &mut Rows<'_>, config: &CsvConfig) -> Result<Vec<Wish>, TableProblem> {
    check_roles(rows, config)?;
    let is_in = |list: &[String], name: &String| list.contains(name);
    let open: Vec<usize> = (0..rows.names.len())
        .filter(|&place| {
            let lists = [&config.numeric, &config.categorical, &config.ignore];
            !lists.iter().any(|list| is_in(list, &rows.names[place]))
        })
        .collect();
    let mut seen: Vec<Seen> = open.iter().map(|_| Seen::default()).collect();
    while let Some(line) = rows.advance()? {
        for (&place, seen) in open.iter().zip(&mut seen) {
            let text = rows.field(place, line)?;
            match parse(text, config) {
                Cell::Missing => {}
                Cell::Number(_) => _ = seen.number.get_or_insert(line),
                Cell::Text => _ = seen.text.get_or_insert_with(|| (shorten(text), line)),
            }
        }
    }
    let mut wishes = Vec::new();
    let mut seen = seen.into_iter();
    for (place, name) in rows.names.iter().enumerate() {
        let kind = if is_in(&config.ignore, name) {
            continue;
        } else if is_in(&config.numeric, name) {
            Kind::Number
        } else if is_in(&config.categorical, name) {
            Kind::Text
        } else {
            seen.next().unwrap_or_default().kind(name)?
        };
        wishes.push((place, name.clone(), kind));
    }
    Ok(wishes)
}

impl Seen {
    fn kind(self, column: &str) -> Result<Kind, TableProblem> {
        match (self.number, self.text) {
            (Some(number_line), Some((text, text_line))) => {
                Err(TableProblem::Mixed { column: column.to_owned(), number_line, text, text_line })
            }
            (None, Some(_)) => Ok(Kind::Text),
            (_, None) => Ok(Kind::Number),
        }
    }
}

/// Whether every column that is named is there, with one role.
fn check_roles(rows: &Rows<'_>, config: &CsvConfig) -> Result<(), TableProblem> {
    let roles =
        [("numeric", &config.numeric), ("categorical", &config.categorical), ("ignored", &config.ignore)];
    for (i, (first, names)) in roles.iter().enumerate() {
        for name in *names {
            if !rows.names.contains(name) {
                return Err(no_column(name, rows.names()));
            }
            if let Some((second, _)) = roles[i + 1..].iter().find(|(_, names)| names.contains(name)) {
                return Err(TableProblem::TwoRoles { column: name.clone(), first, second });
            }
        }
    }
    Ok(())
}

/// What a field is.
enum Cell {
    Missing,
    Number(f64),
    Text,
}

fn parse(text: &str, config: &CsvConfig) -> Cell {
    if config.missing.iter().any(|missing| missing == text) {
        return Cell::Missing;
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_nan() => Cell::Missing,
        Ok(number) => Cell::Number(number),
        Err(_) => Cell::Text,
    }
}

/// A column while it is read.
enum Building {
    Numbers(Vec<f64>),
    Texts(Interner, Vec<u32>),
}

/// The next rows as a table. `None` if there are none.
fn take(
    rows: &mut Rows<'_>,
    wishes: &[Wish],
    most: usize,
    name: &str,
) -> Result<Option<Table>, TableProblem> {
    let mut lines = Vec::new();
    let start = |&(_, _, kind): &Wish| match kind {
        Kind::Number => Building::Numbers(Vec::new()),
        Kind::Text => Building::Texts(Interner::default(), Vec::new()),
    };
    let mut columns: Vec<Building> = wishes.iter().map(start).collect();
    while lines.len() < most
        && let Some(line) = rows.advance()?
    {
        for ((place, name, _), column) in wishes.iter().zip(&mut columns) {
            column.push(rows.field(*place, line)?, line, name, &rows.config)?;
        }
        lines.push(u32::try_from(line).unwrap_or(u32::MAX));
    }
    if lines.len() == u32::MAX as usize && rows.advance()?.is_some() {
        return Err(TableProblem::TooManyRows);
    }
    if lines.is_empty() {
        return Ok(None);
    }
    let column = |((_, name, _), building): (&Wish, Building)| Column {
        name: name.clone(),
        values: match building {
            Building::Numbers(numbers) => Values::Numbers(numbers),
            Building::Texts(interner, codes) => Values::Texts { names: interner.names, codes },
        },
    };
    let columns = wishes.iter().zip(columns).map(column).collect();
    Ok(Some(Table::from_parts(name.to_owned(), columns, lines)))
}

impl Building {
    fn push(&mut self, text: &str, line: u64, column: &str, config: &CsvConfig) -> Result<(), TableProblem> {
        let cell = parse(text, config);
        match (self, cell) {
            (Building::Numbers(numbers), Cell::Missing) => numbers.push(f64::NAN),
            (Building::Numbers(numbers), Cell::Number(number)) => {
                // Beyond f32 a number is as good as infinite to a network.
                if number.abs() > f64::from(f32::MAX) {
                    let (column, found) = (column.to_owned(), shorten(text));
                    return Err(TableProblem::NotFinite { line, column, found });
                }
                numbers.push(number);
            }
            (Building::Numbers(_), Cell::Text) => {
                let (column, found) = (column.to_owned(), shorten(text));
                return Err(TableProblem::NotANumber { line, column, found });
            }
            (Building::Texts(_, codes), Cell::Missing) => codes.push(NO_TEXT),
            (Building::Texts(interner, codes), _) => codes.push(interner.code(text)),
        }
        Ok(())
    }
}
