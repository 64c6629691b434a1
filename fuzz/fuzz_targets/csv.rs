//! The first four bytes choose options, the rest is a CSV file: a table and everything that is fitted on it, or an error.

#![no_main]

use layerwise_data::{
    CsvConfig, Fill, FillText, Preprocessing, PreprocessingConfig, Scaling, Table, Task, Unseen, Wanted,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((&[delimiter, flags, rule, which], csv)) = input.split_first_chunk() else { return };
    let delimiter = [',', ';', '\t', '|', '"', 'é'].get(usize::from(delimiter) % 8).copied();
    let config = CsvConfig {
        delimiter: delimiter.unwrap_or(' '),
        header: flags & 1 == 0,
        numeric: if flags & 2 == 0 { vec![] } else { vec!["1".into()] },
        categorical: if flags & 4 == 0 { vec![] } else { vec!["2".into(), "x".into()] },
        ignore: if flags & 8 == 0 { vec![] } else { vec!["3".into()] },
        ..CsvConfig::default()
    };
    let Ok(table) = Table::from_csv(csv, "fuzz", &config) else { return };
    let names: Vec<String> = table.columns().iter().map(|column| column.name().to_owned()).collect();
    let rules = PreprocessingConfig {
        targets: names.get(usize::from(which) % (names.len() + 1)).cloned().into_iter().collect(),
        task: [Task::Auto, Task::Classification, Task::Regression][usize::from(rule) % 3],
        fill: [Fill::Refuse, Fill::Mean, Fill::Median, Fill::MostFrequent, Fill::Constant(1e30)]
            [usize::from(rule) % 5],
        fill_text: [FillText::Refuse, FillText::MostFrequent, FillText::Constant("x".into())]
            [usize::from(flags) % 3]
            .clone(),
        unseen: if flags & 16 == 0 { Unseen::Zeros } else { Unseen::Refuse },
        scaling: [Scaling::None, Scaling::Standardise, Scaling::MinMax][usize::from(rule / 5) % 3],
        ..PreprocessingConfig::default()
    };
    let (training, validation) = table.random_split(0.7, u64::from(which));
    let Ok(preprocessing) = Preprocessing::fit(&training, &rules) else { return };
    preprocessing.validate().expect("what was fitted is valid");
    for part in [&training, &validation, &table] {
        if let Ok(examples) = preprocessing.apply(part) {
            assert_eq!(examples.inputs.shape().dims(), [part.rows(), preprocessing.inputs()]);
            assert!(examples.inputs.as_slice().iter().all(|x| x.is_finite()));
        }
    }
    let Ok(mut reader) =
        preprocessing.reader_of(std::io::Cursor::new(csv.to_vec()), "fuzz", &config, Wanted::Inputs)
    else {
        return;
    };
    while let Ok(Some(rows)) = reader.next_rows(3) {
        let _ = preprocessing.apply_to_inputs(&rows);
    }
});
