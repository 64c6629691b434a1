//! Reading CSV files by the rules.

use std::io::Read;
use std::path::Path;

use super::{Feature, Preprocessing, Target, Wanted};
use crate::reader::{Kind, open as open_file};
use crate::table::TableError;
use crate::{CsvConfig, Reader};

impl Preprocessing {
    /// Opens a CSV file for reading its rows in parts, without finding anything out: the columns' kinds are known.
    ///
    /// Of `config`, the delimiter, the header and the texts for missing values count.
    ///
    /// # Errors
    /// If the file cannot be read, is empty, or a column is not there.
    pub fn reader(
        &self,
        path: impl AsRef<Path>,
        config: &CsvConfig,
        wanted: Wanted,
    ) -> Result<Reader, TableError> {
        let path = path.as_ref();
        let open = || Ok(Box::new(open_file(path)?) as Box<dyn Read>);
        Reader::new(open, &path.display().to_string(), config, &self.kinds(wanted))
    }

    /// [`Preprocessing::reader`] for what is read from anywhere else; `name` is what errors call it.
    ///
    /// # Errors
    /// As there.
    pub fn reader_of(
        &self,
        source: impl Read + 'static,
        name: &str,
        config: &CsvConfig,
        wanted: Wanted,
    ) -> Result<Reader, TableError> {
        Reader::new(|| Ok(Box::new(source)), name, config, &self.kinds(wanted))
    }

    fn kinds(&self, wanted: Wanted) -> Vec<(&str, Kind)> {
        let kind = |feature: &Feature| match feature {
            Feature::Number { .. } => Kind::Number,
            Feature::Category { .. } => Kind::Text,
        };
        let mut columns: Vec<_> =
            self.features.iter().map(|feature| (feature.column(), kind(feature))).collect();
        if wanted == Wanted::InputsAndTargets {
            let is_text = matches!(self.target, Target::Classes { is_numeric: false, .. });
            let kind = if is_text { Kind::Text } else { Kind::Number };
            columns.extend(self.target_columns().into_iter().map(|column| (column, kind)));
        }
        columns
    }
}
