//! The rows of a CSV file, one at a time.

use std::io::Read;
use std::str;

use csv::{ByteRecord, ReaderBuilder};

use super::CsvConfig;
use crate::table::{TableProblem, check_names};

/// The rows below the header. One of them is in memory.
pub(super) struct Rows<'a> {
    csv: csv::Reader<Box<dyn Read + 'a>>,
    record: ByteRecord,
    /// Whether `record` is a row that `advance` has not shown yet.
    is_pending: bool,
    /// The names of all columns of the file.
    pub names: Vec<String>,
    pub config: CsvConfig,
}

impl<'a> Rows<'a> {
    /// Reads the first line.
    pub fn open(source: Box<dyn Read + 'a>, config: &CsvConfig) -> Result<Self, TableProblem> {
        let delimiter = u8::try_from(config.delimiter).ok();
        let delimiter = delimiter.filter(|byte| byte.is_ascii() && !b"\"\r\n".contains(byte));
        let delimiter = delimiter.ok_or(TableProblem::Delimiter { found: config.delimiter })?;
        // Flexible: we say ourselves what is wrong with a row that is too long.
        let csv =
            ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(source);
        let mut rows = Rows {
            csv,
            record: ByteRecord::new(),
            is_pending: !config.header,
            names: Vec::new(),
            config: config.clone(),
        };
        let Some(line) = rows.read()? else {
            let expected = if config.header { "a line with the columns' names" } else { "rows" };
            return Err(TableProblem::Empty { expected });
        };
        let places = 0..rows.record.len();
        rows.names = if config.header {
            let name = |place: usize| {
                let name = rows.field(place, line)?;
                // pandas and R leave the name of the column of row numbers empty.
                Ok(if name.is_empty() { (place + 1).to_string() } else { name.to_owned() })
            };
            places.map(name).collect::<Result<_, TableProblem>>()?
        } else {
            places.map(|place| (place + 1).to_string()).collect()
        };
        check_names(rows.names())?;
        Ok(rows)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Goes to the next row. Its line, or `None` behind the last one.
    pub fn advance(&mut self) -> Result<Option<u64>, TableProblem> {
        if self.is_pending {
            self.is_pending = false;
            return Ok(Some(self.line()));
        }
        let Some(line) = self.read()? else { return Ok(None) };
        let (found, expected) = (self.record.len() as u64, self.names.len() as u64);
        if found != expected {
            return Err(TableProblem::Ragged { line, found, expected });
        }
        Ok(Some(line))
    }

    /// A field of the row, without white space around it.
    pub fn field(&self, place: usize, line: u64) -> Result<&str, TableProblem> {
        let bytes = self.record.get(place).unwrap_or_default();
        let text = str::from_utf8(bytes).map_err(|_| TableProblem::NotUtf8 { line, field: place + 1 })?;
        Ok(text.trim())
    }

    fn read(&mut self) -> Result<Option<u64>, TableProblem> {
        let is_there = self.csv.read_byte_record(&mut self.record);
        let is_there = is_there.map_err(|error| TableProblem::Io(into_io(error)))?;
        Ok(is_there.then(|| self.line()))
    }

    /// The line where the record begins. The parser says where it began to look for it, which is before any empty lines; so we count back
    /// from its end.
    fn line(&self) -> u64 {
        let start = self.record.position().map_or(1, csv::Position::line);
        let breaks = self.record.as_slice().iter().filter(|&&byte| byte == b'\n').count() as u64;
        start.max(self.csv.position().line().saturating_sub(breaks + 1))
    }
}

fn into_io(error: csv::Error) -> std::io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => std::io::Error::other(format!("{other:?}")),
    }
}
