use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crc::{CRC_32_ISCSI, Crc};
use prost::Message;

use super::proto::{Content, Event, Metadata, PluginData, STRING, Shape, Summary, Tensor, Value, What};
use super::{picture, proto, summary};

/// Castagnoli's polynomial.
const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// Why an event was not written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// The file cannot be written.
    #[error("writing {}: {source}", path.display())]
    Io {
        /// The file, or its folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is nothing to make a histogram of.
    #[error("histogram {tag:?}: there are no values")]
    Empty {
        /// The name of the histogram.
        tag: String,
    },
    /// A histogram has no place for a NaN or an infinity.
    #[error("histogram {tag:?}: value {index} is {found}, which is no finite number")]
    NotFinite {
        /// The name of the histogram.
        tag: String,
        /// The place of the value, from 0 on.
        index: usize,
        /// The value.
        found: f32,
    },
    /// Pixels that do not make the image.
    #[error("image {tag:?}: {height} x {width} pixels, grey or RGB, and {found} numbers")]
    Image {
        /// The name of the image.
        tag: String,
        /// Its rows.
        height: usize,
        /// Its columns.
        width: usize,
        /// The numbers that were given.
        found: usize,
    },
}

/// Writes an event file of its own into the folder of a run. What is written has a *tag*, under which TensorBoard shows it; a slash in it makes groups
/// (`loss/train`). Steps are cut off at 2^63 - 1.
///
/// Events are buffered; [`EventWriter::flush`] and the end of the writer bring them to the file.
#[derive(Debug)]
pub struct EventWriter {
    path: PathBuf,
    file: BufWriter<File>,
}

impl EventWriter {
    /// Makes the folder, if need be, and a new file in it. Its name has the time and a number of the process in it: several writers may use one folder.
    ///
    /// # Errors
    /// If that cannot be done.
    pub fn create(folder: impl AsRef<Path>) -> Result<Self, EventError> {
        static WRITERS: AtomicU64 = AtomicU64::new(0);
        let folder = folder.as_ref();
        let number = WRITERS.fetch_add(1, Ordering::Relaxed);
        let (seconds, process) = (now() as u64, std::process::id());
        let path = folder.join(format!("events.out.tfevents.{seconds:010}.layerwise.{process}.{number}"));
        let file = fs::create_dir_all(folder).and_then(|()| File::create_new(&path));
        let file = match file {
            Ok(file) => BufWriter::new(file),
            Err(source) => return Err(EventError::Io { path, source }),
        };
        let mut writer = EventWriter { path, file };
        writer.write(0, What::FileVersion("brain.Event:2".to_owned()))?;
        writer.flush()?;
        Ok(writer)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A number, which is kept as an `f32`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn scalar(&mut self, tag: &str, step: u64, value: f64) -> Result<(), EventError> {
        self.summary(tag, step, Content::Scalar(value as f32), None)
    }

    /// How many of the values lie where: 30 buckets of equal width between the smallest and the largest.
    ///
    /// # Errors
    /// If there is no value or one is not finite, or the file cannot be written.
    pub fn histogram(&mut self, tag: &str, step: u64, values: &[f32]) -> Result<(), EventError> {
        let histogram = summary::histogram(tag, values)?;
        self.summary(tag, step, Content::Histogram(histogram), None)
    }

    /// An image of `[height, width]` pixels between 0 and 1, row by row: a shade of grey each, or red, green and blue. What is outside of the range
    /// is cut off.
    ///
    /// # Errors
    /// If these are not as many numbers as the image has, or the file cannot be written.
    pub fn image(
        &mut self,
        tag: &str,
        step: u64,
        extents: [usize; 2],
        pixels: &[f32],
    ) -> Result<(), EventError> {
        let image = picture::image(tag, extents, pixels)?;
        self.summary(tag, step, Content::Image(image), None)
    }

    /// A text, in which TensorBoard understands Markdown.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn text(&mut self, tag: &str, step: u64, text: &str) -> Result<(), EventError> {
        let plugin_data = Some(PluginData { plugin_name: "text".to_owned() });
        let shape = Some(Shape { dim: vec![proto::Dimension { size: 1 }] });
        let tensor = Tensor { dtype: STRING, shape, string_val: vec![text.as_bytes().to_vec()] };
        self.summary(tag, step, Content::Tensor(tensor), Some(Metadata { plugin_data }))
    }

    /// Brings everything to the file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn flush(&mut self) -> Result<(), EventError> {
        self.file.flush().map_err(|source| EventError::Io { path: self.path.clone(), source })
    }

    fn summary(
        &mut self,
        tag: &str,
        step: u64,
        content: Content,
        metadata: Option<Metadata>,
    ) -> Result<(), EventError> {
        let value = Value { tag: tag.to_owned(), content: Some(content), metadata };
        self.write(step, What::Summary(Summary { value: vec![value] }))
    }

    fn write(&mut self, step: u64, what: What) -> Result<(), EventError> {
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        let event = Event { wall_time: now(), step, what: Some(what) };
        let written = self.file.write_all(&record(&event.encode_to_vec()));
        written.map_err(|source| EventError::Io { path: self.path.clone(), source })
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// A record of an event file: length, checksum of the length, content, checksum of the content.
fn record(content: &[u8]) -> Vec<u8> {
    let len = (content.len() as u64).to_le_bytes();
    [&len[..], &masked_crc(&len), content, &masked_crc(content)].concat()
}

/// Rotated and shifted, so that a checksum of something with checksums in it is a good one.
fn masked_crc(bytes: &[u8]) -> [u8; 4] {
    CRC.checksum(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Golden {
        wall_time: f64,
        step: u64,
        /// Hexadecimal.
        records: Vec<String>,
    }

    #[test]
    fn records_are_those_that_tensorboard_writes() {
        let golden: Golden =
            serde_json::from_str(include_str!("../../tests/golden/tensorboard.json")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut events = EventWriter::create(folder.path()).unwrap();
        events.scalar("a/scalar", golden.step, 0.1).unwrap();
        events.histogram("a histogram", golden.step, &[1.0, -0.5, 0.25, 0.25, 3.0]).unwrap();
        events.text("a text", golden.step, "what **it** says").unwrap();
        events.flush().unwrap();
        let bytes = fs::read(events.path()).unwrap();
        let mut rest = &bytes[..];
        let mut found = vec![];
        while !rest.is_empty() {
            let (len, _) = rest.as_chunks();
            let len = u64::from_le_bytes(len[0]) as usize;
            let content = &rest[12..12 + len];
            assert_eq!(rest[..16 + len], record(content));
            rest = &rest[16 + len..];
            // The time of writing is the one thing that differs.
            let event = Event::decode(content).unwrap();
            assert!((event.wall_time - now()).abs() < 60.0);
            let event = Event { wall_time: golden.wall_time, ..event };
            let bytes = record(&event.encode_to_vec());
            found.push(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        }
        assert_eq!(found, golden.records);
    }

    #[test]
    fn what_cannot_be_written_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let mut events = EventWriter::create(folder.path()).unwrap();
        let error = |result: Result<(), EventError>| result.unwrap_err().to_string();
        assert_eq!(error(events.histogram("h", 0, &[])), r#"histogram "h": there are no values"#);
        let text = r#"histogram "h": value 1 is NaN, which is no finite number"#;
        assert_eq!(error(events.histogram("h", 0, &[0.0, f32::NAN])), text);
        let text = r#"image "i": 2 x 3 pixels, grey or RGB, and 7 numbers"#;
        assert_eq!(error(events.image("i", 0, [2, 3], &[0.0; 7])), text);
        assert!(events.image("i", 0, [0, 3], &[]).is_err());
        let taken = EventWriter::create(events.path()).unwrap_err().to_string();
        assert!(taken.starts_with(&format!("writing {}", events.path().display())), "{taken}");
    }
}
