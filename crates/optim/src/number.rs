//! Numbers in JSON that may be NaN or infinite, for which JSON has no form: they are the texts `"NaN"`, `"inf"` and `"-inf"`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Form {
    Number(f64),
    Text(String),
    /// What `serde_json` makes of a number that is not finite.
    Nothing(()),
}

impl From<f64> for Form {
    fn from(x: f64) -> Self {
        if x.is_finite() { Form::Number(x) } else { Form::Text(x.to_string()) }
    }
}

impl Form {
    fn get<E: serde::de::Error>(self) -> Result<f64, E> {
        match self {
            Form::Number(x) => Ok(x),
            Form::Nothing(()) => Ok(f64::NAN),
            Form::Text(text) => match text.as_str() {
                "NaN" => Ok(f64::NAN),
                "inf" => Ok(f64::INFINITY),
                "-inf" => Ok(f64::NEG_INFINITY),
                _ => {
                    Err(E::custom(format!("expected a number, \"NaN\", \"inf\" or \"-inf\", found {text:?}")))
                }
            },
        }
    }
}

pub(crate) fn serialize<S: Serializer>(x: &f64, to: S) -> Result<S::Ok, S::Error> {
    Form::from(*x).serialize(to)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Form::deserialize(from)?.get()
}

/// By name.
pub(crate) mod map {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::Form;

    pub(crate) fn serialize<S: Serializer>(map: &BTreeMap<String, f64>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(map.iter().map(|(name, &x)| (name, Form::from(x))))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, f64>, D::Error> {
        let forms = BTreeMap::<String, Form>::deserialize(from)?;
        forms.into_iter().map(|(name, form)| Ok((name, form.get()?))).collect()
    }
}
