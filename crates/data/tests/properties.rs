//! CSV of any kind gives a table or an error.

#![cfg(feature = "csv")]
#![allow(clippy::unwrap_used)] // the exception for tests does not reach their helpers

use layerwise_data::{
    Column, CsvConfig, Fill, FillText, Preprocessing, PreprocessingConfig, Scaling, Table, Targets, Values,
};
use proptest::prelude::*;

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        rows in prop::collection::vec((-1e9_f64..1e9, "[ -~]{1,6}"), 1..30),
        crlf: bool,
    ) {
        let end = if crlf { "\r\n" } else { "\n" };
        let mut csv = format!("x,text{end}");
        for (x, text) in &rows {
            csv += &format!("{x},{}{end}", quote(text));
        }
        let config = CsvConfig {
            categorical: vec!["text".into()],
            missing: vec![String::new()],
            ..Default::default()
        };
        let table = Table::from_csv(&csv, "t", &config).unwrap();
        let numbers = rows.iter().map(|&(x, _)| x).collect();
        prop_assert_eq!(&table.columns()[0], &Column::numbers("x", numbers));
        let is_nan = |text: &str| text.parse::<f64>().is_ok_and(f64::is_nan);
        let texts = rows.iter().map(|(_, text)| Some(text.trim()).filter(|t| !t.is_empty() && !is_nan(t)));
        prop_assert_eq!(&table.columns()[1], &Column::texts("text", texts));
    }

    #[test]
    fn anything_gives_a_table_or_an_error(csv in "([a-c0-9.,\"\n\r ;-]|inf|NaN|e){0,120}", header: bool) {
        let config = CsvConfig { header, ..Default::default() };
        let Ok(table) = Table::from_csv(&csv, "t", &config) else { return Ok(()) };
        prop_assert!(table.rows() > 0);
        let last = table.columns().last().unwrap().name().to_owned();
        for scaling in [Scaling::None, Scaling::Standardise, Scaling::MinMax] {
            let config = PreprocessingConfig {
                targets: vec![last.clone()],
                fill: Fill::Median,
                fill_text: FillText::MostFrequent,
                scaling,
                ..Default::default()
            };
            let Ok(preprocessing) = Preprocessing::fit(&table, &config) else { continue };
            preprocessing.validate().unwrap();
            // What was fitted can be applied to what it was fitted on, unless a number is too far from the others.
            let Ok(examples) = preprocessing.apply(&table) else { continue };
            prop_assert!(examples.unseen.is_empty());
            prop_assert!(examples.inputs.as_slice().iter().all(|x| x.is_finite()));
            prop_assert!(!matches!(examples.targets, Targets::None));
        }
    }

    #[test]
    fn bytes_give_a_table_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(table) = Table::from_csv(&bytes, "t", &CsvConfig::default()) {
            for column in table.columns() {
                if let Values::Numbers(numbers) = column.values() {
                    prop_assert!(numbers.iter().all(|x| !x.is_infinite()));
                }
            }
        }
    }
}
