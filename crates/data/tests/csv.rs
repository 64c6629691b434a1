//! Tables from CSV files: every kind of file that people have.

#![cfg(feature = "csv")]
#![allow(clippy::unwrap_used)] // the exception for tests does not reach their helpers

use std::fs;
use std::io::Write;

use layerwise_data::{
    Column, CsvConfig, Examples, Fill, FillText, Preprocessing, PreprocessingConfig, Scaling, Table, Target,
    Targets, Task, Unseen, Values, Wanted,
};

fn table(csv: &str) -> Table {
    Table::from_csv(csv, "t.csv", &CsvConfig::default()).unwrap()
}

fn table_error(csv: impl AsRef<[u8]>) -> String {
    Table::from_csv(csv, "t.csv", &CsvConfig::default()).unwrap_err().to_string()
}

fn config(target: &str) -> PreprocessingConfig {
    PreprocessingConfig { targets: vec![target.into()], ..Default::default() }
}

fn fit_error(csv: &str, config: &PreprocessingConfig) -> String {
    Preprocessing::fit(&table(csv), config).unwrap_err().to_string()
}

#[test]
fn quotes_line_ends_and_marks_are_read_as_they_should_be() {
    let expected = [
        Column::numbers("x", vec![1.0, -2.5e3]),
        Column::texts("a, \"b\"", [Some("two\nlines"), Some("plain")]),
    ];
    for csv in [
        "x,\"a, \"\"b\"\"\"\n1,\"two\nlines\"\n-2.5e3,plain\n",
        "x,\"a, \"\"b\"\"\"\r\n1,\"two\nlines\"\r\n-2.5e3,plain\r\n",
        "\u{feff}x,\"a, \"\"b\"\"\"\n1,\"two\nlines\"\n-2.5e3,plain",
        " x , \"a, \"\"b\"\"\"\n\n1,\"two\nlines\"\n\n -2.5e3\t, plain \n\n",
    ]
    .map(|csv| csv.replace(", \"a", ",\"a"))
    {
        assert_eq!(table(&csv).columns(), expected, "{csv:?}");
    }
}

#[test]
fn the_delimiter_and_the_header_can_be_others() {
    let config = CsvConfig { delimiter: ';', header: false, ..Default::default() };
    let found = Table::from_csv("1;a,b\n2;c\n", "t", &config).unwrap();
    let expected = [Column::numbers("1", vec![1.0, 2.0]), Column::texts("2", [Some("a,b"), Some("c")])];
    assert_eq!(found.columns(), expected);
    let tabs = CsvConfig { delimiter: '\t', ..Default::default() };
    assert_eq!(Table::from_csv("a\tb\n1\t2\n", "t", &tabs).unwrap().columns().len(), 2);
    for delimiter in ['"', '\n', 'é'] {
        let config = CsvConfig { delimiter, ..Default::default() };
        let text = Table::from_csv("a\n1\n", "t", &config).unwrap_err().to_string();
        assert!(text.contains("expected one ASCII character that is no quote and no line end"), "{text}");
    }
}

#[test]
fn errors_name_line_column_found_and_expected() {
    assert_eq!(table_error(""), "t.csv: the file is empty, expected a line with the columns' names");
    assert_eq!(
        table_error("\u{feff}\r\n\n"),
        "t.csv: the file is empty, expected a line with the columns' names"
    );
    assert_eq!(table_error("x,y\n"), "t.csv: there are no rows");
    assert_eq!(
        table_error("x,y\n1,2\n3\n"),
        "t.csv: line 3: found 1 fields, expected 2 as in the first line"
    );
    assert_eq!(
        table_error("x,y\n\"1\n1\",2\n\n3,4,5\n"),
        "t.csv: line 5: found 3 fields, expected 2 as in the first line"
    );
    assert_eq!(table_error("x,y,x\n1,2,3\n"), "t.csv: columns 1 and 3 are both named 'x'");
    assert_eq!(table_error(b"x,y\n1,\xff\n"), "t.csv: line 2, field 2: the bytes are not UTF-8");
    assert_eq!(
        table_error("x,y\n1,2\nabc,3\n"),
        "t.csv: column 'x' has both numbers (first on line 2) and texts (first 'abc' on line 3); state it as \
         categorical, count the text as missing, or ignore the column"
    );
    for infinite in ["inf", "-Infinity", "1e39", "1e400"] {
        assert_eq!(
            table_error(format!("x\n1\n{infinite}\n")),
            format!("t.csv: line 3, column 'x': found '{infinite}', expected a finite number (up to 3.4e38)")
        );
    }
    let config = CsvConfig { numeric: vec!["x".into()], ..Default::default() };
    let text = Table::from_csv("x,y\n1,2\nabc,3\n", "t.csv", &config).unwrap_err().to_string();
    assert_eq!(text, "t.csv: line 3, column 'x': found 'abc', expected a number");
    let config = CsvConfig { ignore: vec!["z".into()], ..Default::default() };
    let text = Table::from_csv("x,y\n1,2\n", "t.csv", &config).unwrap_err().to_string();
    assert_eq!(text, "t.csv: no column 'z'; the columns are x, y");
    let config = CsvConfig { ignore: vec!["x".into()], categorical: vec!["x".into()], ..Default::default() };
    let text = Table::from_csv("x,y\n1,2\n", "t.csv", &config).unwrap_err().to_string();
    assert_eq!(text, "t.csv: column 'x' cannot be both categorical and ignored");
    let text = Table::open("missing.csv", &CsvConfig::default()).unwrap_err().to_string();
    assert!(text.starts_with("missing.csv: No such file"), "{text}");
    let text = Table::open(".", &CsvConfig::default()).unwrap_err().to_string();
    assert_eq!(text, ".: it is a folder");
}

#[test]
fn columns_are_what_they_are_said_to_be() {
    let csv = "id,zip,x,note\n1,01234,1,a\n2,99,?,b\n";
    let config = CsvConfig {
        categorical: vec!["zip".into()],
        ignore: vec!["id".into(), "note".into()],
        ..Default::default()
    };
    let found = Table::from_csv(csv, "t", &config).unwrap();
    assert_eq!(found.columns()[0], Column::texts("zip", [Some("01234"), Some("99")]));
    assert_eq!(found.columns().len(), 2);
    let Values::Numbers(x) = found.columns()[1].values() else { panic!("{found:?}") };
    assert!(x[0] == 1.0 && x[1].is_nan());
}

#[test]
fn missing_values_are_refused_or_filled_by_rule() {
    let csv = "x,city,y\n1,Bern,0.5\nNaN,,1\n4,Oslo,2\n1,Oslo,3\n";
    let refuse = config("y");
    assert_eq!(
        fit_error(csv, &refuse),
        "t.csv: line 3, column 'x': the value is missing, and no rule says how to fill it"
    );
    let text = fit_error(csv, &PreprocessingConfig { fill: Fill::Mean, ..refuse.clone() });
    assert_eq!(text, "t.csv: line 3, column 'city': the value is missing, and no rule says how to fill it");
    let fills =
        [(Fill::Mean, 2.0), (Fill::Median, 1.0), (Fill::MostFrequent, 1.0), (Fill::Constant(-7.0), -7.0)];
    for (fill, expected) in fills {
        let fill_text = FillText::MostFrequent;
        let config = PreprocessingConfig { fill, fill_text, scaling: Scaling::None, ..refuse.clone() };
        let preprocessing = Preprocessing::fit(&table(csv), &config).unwrap();
        let Examples { inputs, .. } = preprocessing.apply(&table(csv)).unwrap();
        assert_eq!(inputs.as_slice()[3..6], [expected, 0.0, 1.0]);
    }
    let fill_text = FillText::Constant("none".into());
    let config = PreprocessingConfig { fill: Fill::Mean, fill_text, ..refuse.clone() };
    let names = Preprocessing::fit(&table(csv), &config).unwrap().input_names();
    assert_eq!(names, ["x", "city=Bern", "city=Oslo", "city=none"]);
    let text = fit_error("x,y\n1,0.5\n2,\n", &refuse);
    assert_eq!(text, "t.csv: line 3, column 'y': the target is missing");
    let text = fit_error("x,z,y\n,1,0.5\nNA,1,2\n", &PreprocessingConfig { fill: Fill::Mean, ..refuse });
    assert_eq!(text, "t.csv: column 'x' has no value in any row; ignore it");
}

#[test]
fn targets_are_classes_or_numbers() {
    let target = |csv: &str, task: Task| {
        let config = PreprocessingConfig { task, ..config("y") };
        Preprocessing::fit(&table(csv), &config).unwrap().target().clone()
    };
    let classes = |csv: &str, task: Task| match target(csv, task) {
        Target::Classes { names, .. } => names,
        other => panic!("{other:?}"),
    };
    assert_eq!(classes("x,y\n1,b\n2,a\n3,B\n", Task::Auto), ["B", "a", "b"]);
    // Whole numbers that repeat are classes, in the order of their values.
    assert_eq!(classes("x,y\n1,10\n2,9\n3,10\n4,9.0\n", Task::Auto), ["9", "10"]);
    assert!(matches!(target("x,y\n1,10\n2,9\n3,10\n", Task::Auto), Target::Numbers(_)));
    assert!(matches!(target("x,y\n1,0\n2,1\n3,1\n4,0\n", Task::Regression), Target::Numbers(_)));
    assert_eq!(classes("x,y\n1,0.5\n2,1\n", Task::Classification), ["0.5", "1"]);

    let text = fit_error("x,y\n1,a\n2,a\n", &config("y"));
    assert_eq!(text, "t.csv: the target 'y' is 'a' in every row; a classifier needs two classes at least");
    let regression = PreprocessingConfig { task: Task::Regression, ..config("y") };
    let text = fit_error("x,y\n1,a\n2,b\n", &regression);
    assert_eq!(text, "t.csv: the target 'y' has texts (such as 'a'), and regression needs numbers");
    assert_eq!(fit_error("x,z\n1,2\n", &config("y")), "t.csv: no column 'y'; the columns are x, z");
    assert_eq!(fit_error("y\n1\n2\n", &config("y")), "t.csv: there is no column but the target");
    let two = PreprocessingConfig { targets: vec!["x".into(), "y".into()], ..Default::default() };
    let both = PreprocessingConfig { task: Task::Classification, ..two.clone() };
    let text = fit_error("x,y,z\n1,2,3\n", &both);
    assert_eq!(text, "t.csv: classification has one target column, found x, y");
    let preprocessing = Preprocessing::fit(&table("x,y,z\n1,2,0\n3,6,1\n"), &two).unwrap();
    let Targets::Numbers(mut targets) = preprocessing.apply(&table("z,y,x\n5,4,2\n")).unwrap().targets else {
        panic!("{preprocessing:?}")
    };
    assert_eq!(targets.as_slice(), [0.0, 0.0]);
    preprocessing.target_scaler().unwrap().invert(&mut targets);
    assert_eq!(targets.as_slice(), [2.0, 4.0]);
}

#[test]
fn too_many_categories_are_no_category() {
    let rows: String = (0..101).map(|i| format!("name{i},{}\n", i % 2)).collect();
    let text = fit_error(&format!("name,y\n{rows}"), &config("y"));
    assert_eq!(
        text,
        "t.csv: column 'name' has more than 100 different texts (such as 'name0'); ignore it, or allow more categories"
    );
}

#[test]
fn new_tables_are_read_by_the_saved_rules() {
    let training = table("x,city,y\n1,Bern,yes\n3,Oslo,no\n");
    let preprocessing = Preprocessing::fit(&training, &config("y")).unwrap();
    let text = serde_json::to_string(&preprocessing).unwrap();
    let preprocessing: Preprocessing = serde_json::from_str(&text).unwrap();
    preprocessing.validate().unwrap();

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.csv");
    // Another order, more columns, no target, a city that looks like a number.
    fs::write(&path, "note,city,x\na,Oslo,5\nb,7,1\nc,Bern,2\n").unwrap();
    let csv = CsvConfig::default();
    let mut reader = preprocessing.reader(&path, &csv, Wanted::Inputs).unwrap();
    let first = reader.next_rows(2).unwrap().unwrap();
    let examples = preprocessing.apply_to_inputs(&first).unwrap();
    assert_eq!(examples.inputs.as_slice(), [3.0, 0.0, 1.0, -1.0, 0.0, 0.0]);
    assert_eq!(examples.unseen.into_iter().collect::<Vec<_>>(), [("city".to_owned(), 1)]);
    assert_eq!(reader.next_rows(2).unwrap().unwrap().rows(), 1);
    assert!(reader.next_rows(2).unwrap().is_none());

    let error = preprocessing.reader(&path, &csv, Wanted::InputsAndTargets).err().unwrap();
    assert_eq!(
        error.to_string(),
        format!("{}: no column 'y'; the columns are note, city, x", path.display())
    );
    let error = preprocessing.apply(&table("x,city,y\n1,Bern,perhaps\n")).unwrap_err().to_string();
    assert_eq!(error, "t.csv: line 2, column 'y': found 'perhaps', expected one of no, yes");
    let error = preprocessing.apply(&table("x,city,y\n,Bern,no\n")).unwrap_err().to_string();
    assert_eq!(error, "t.csv: line 2, column 'x': the value is missing, and no rule says how to fill it");
    let error = preprocessing.apply(&table("x,city,y\nv,Bern,no\n")).unwrap_err().to_string();
    assert_eq!(error, "t.csv: line 2, column 'x': found 'v', expected a number");

    let strict = PreprocessingConfig { unseen: Unseen::Refuse, ..config("y") };
    let strict = Preprocessing::fit(&training, &strict).unwrap();
    let error = strict.apply(&table("x,city,y\n1,Rome,no\n")).unwrap_err().to_string();
    assert_eq!(error, "t.csv: line 2, column 'city': found 'Rome', expected one of Bern, Oslo");
}

#[test]
fn only_the_training_part_is_fitted() {
    let all = table("x,city,y\n1,Bern,a\n3,Oslo,b\n100,Rome,a\n");
    let preprocessing = Preprocessing::fit(&all.select(&[0, 1]), &config("y")).unwrap();
    assert_eq!(preprocessing.input_names(), ["x", "city=Bern", "city=Oslo"]);
    let examples = preprocessing.apply(&all.select(&[2])).unwrap();
    assert_eq!(examples.inputs.as_slice(), [98.0, 0.0, 0.0]);
}

#[test]
fn preprocessing_from_outside_is_checked() {
    let good = Preprocessing::fit(&table("x,city,y\n1,Bern,a\n3,Oslo,b\n"), &config("y")).unwrap();
    let text = serde_json::to_string(&good).unwrap();
    for (from, to, expected) in [
        ("\"scale\":1.0", "\"scale\":0.0", "column 'x': its scale is 0, its shift 2"),
        ("[\"Bern\",\"Oslo\"]", "[]", "column 'city' has 0 categories, expected 1 or more"),
        ("[\"Bern\",\"Oslo\"]", "[\"Bern\",\"Bern\"]", "column 'city' has a category twice"),
        ("\"column\":\"city\"", "\"column\":\"x\"", "columns 1 and 2 are both named 'x'"),
        ("[\"a\",\"b\"]", "[\"a\"]", "column 'y' has 1 categories, expected 2 or more"),
    ] {
        let text = text.replacen(from, to, 1);
        let bad: Preprocessing = serde_json::from_str(&text).unwrap();
        assert_eq!(bad.validate().unwrap_err().to_string(), expected, "{text}");
    }
}

#[test]
fn a_million_rows_need_what_their_values_need() {
    const ROWS: usize = 1_000_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.csv");
    let mut file = std::io::BufWriter::new(fs::File::create(&path).unwrap());
    writeln!(file, "a,b,city,y").unwrap();
    for i in 0..ROWS {
        writeln!(file, "{}.25,{},city number {},{}", i, i * 7 % 1000, i % 50, i % 2).unwrap();
    }
    drop(file);

    let csv = CsvConfig::default();
    let mut whole = None;
    let memory = allocation_counter::measure(|| whole = Some(Table::open(&path, &csv).unwrap()));
    let table = whole.unwrap();
    assert_eq!(table.rows(), ROWS);
    // Three numbers, one text and a line a row are 32 bytes; a vector that grows has up to twice as much, and its older half while it moves.
    let per_row = memory.bytes_max as f64 / ROWS as f64;
    println!("{per_row:.1} bytes a row while reading, of a file of {}", fs::metadata(&path).unwrap().len());
    assert!(per_row < 70.0, "{per_row}");

    let preprocessing = Preprocessing::fit(&table, &config("y")).unwrap();
    drop(table);
    let mut rows = 0;
    let memory = allocation_counter::measure(|| {
        let mut reader = preprocessing.reader(&path, &csv, Wanted::InputsAndTargets).unwrap();
        while let Some(part) = reader.next_rows(1000).unwrap() {
            rows += preprocessing.apply(&part).unwrap().inputs.shape().dims()[0];
        }
    });
    println!("{} bytes while streaming", memory.bytes_max);
    assert_eq!(rows, ROWS);
    assert!(memory.bytes_max < 1_000_000, "{}", memory.bytes_max);
}
