//! `--config`: flags from a TOML file.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use clap::parser::ValueSource;

/// Why a configuration file was not understood.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", path.display())]
pub struct ConfigError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: String,
}

/// What a configuration file says, as flags: `epochs = 50` is `--epochs=50`, `hidden = [256, 128]` is `--hidden=256,128`. `data` is the argument
/// without a flag.
///
/// # Errors
/// If the text is no TOML, or a value is no text, number, truth value or list of those.
pub fn flags(text: &str) -> Result<Vec<(String, String)>, String> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
    table.iter().map(|(key, value)| Ok((key.clone(), show(key, value)?))).collect()
}

fn show(key: &str, value: &toml::Value) -> Result<String, String> {
    match value {
        toml::Value::String(text) => Ok(text.clone()),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Float(number) => Ok(number.to_string()),
        toml::Value::Boolean(is_so) => Ok(is_so.to_string()),
        toml::Value::Array(items) if items.iter().all(|item| !item.is_array()) => {
            Ok(items.iter().map(|item| show(key, item)).collect::<Result<Vec<_>, _>>()?.join(","))
        }
        other => Err(format!(
            "key '{key}' is of type {}, expected a text, a number, true, false or a list of those",
            other.type_str()
        )),
    }
}

/// The arguments with those of the file `path` put in front of the flags, for a command `name` of which `given` has been understood. What
/// was given on the command line stays out, so it wins.
///
/// # Errors
/// If the file cannot be read or understood.
pub fn merge(
    args: &[OsString],
    name: &str,
    given: &ArgMatches,
    path: &Path,
) -> Result<Vec<OsString>, ConfigError> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| ConfigError { path: path.to_owned(), problem: error.to_string() })?;
    merge_text(args, name, given, path, &text)
}

/// [`merge`] for a text that has been read already.
///
/// # Errors
/// As there.
pub fn merge_text(
    args: &[OsString],
    name: &str,
    given: &ArgMatches,
    path: &Path,
    text: &str,
) -> Result<Vec<OsString>, ConfigError> {
    let fail = |problem: String| ConfigError { path: path.to_owned(), problem };
    let mut merged = args.to_vec();
    let at = merged.iter().position(|arg| arg == name).map_or(merged.len(), |place| place + 1);
    for (key, value) in flags(text).map_err(fail)? {
        if key == "config" {
            return Err(fail("key 'config': a configuration file names no other".into()));
        }
        let id = key.replace('-', "_");
        if given.try_contains_id(&id).is_ok() && given.value_source(&id) == Some(ValueSource::CommandLine) {
            continue;
        }
        match key.as_str() {
            "data" => merged.push(value.into()),
            _ => merged.insert(at, format!("--{key}={value}").into()),
        }
    }
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_flags() {
        let text =
            "hidden = [256, 128]\nlr = 0.01\ntarget = \"y\"\nbatch-norm = true\nignore = [\"a\", \"b\"]\n";
        let found = flags(text).unwrap();
        let expected = [
            ("batch-norm", "true"),
            ("hidden", "256,128"),
            ("ignore", "a,b"),
            ("lr", "0.01"),
            ("target", "y"),
        ];
        assert_eq!(found, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }

    #[test]
    fn what_is_no_flag_is_refused() {
        assert!(flags("epochs = ").unwrap_err().contains("line 1"));
        assert_eq!(
            flags("[train]\nepochs = 3\n").unwrap_err(),
            "key 'train' is of type table, expected a text, a number, true, false or a list of those"
        );
        assert!(flags("hidden = [[1], [2]]").is_err());
        assert!(flags("when = 2020-01-01").is_err());
    }
}
