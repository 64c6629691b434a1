//! What the Rust peers share: the command line, the data, the clock and the JSON line.
//!
//! A peer implements [`Trainer`] for its own network and hands it to [`measure`]; for a network in use it gives [`measure_calls`] what is
//! to be called.

mod inference;

use std::cmp::Ordering;
use std::error::Error;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

pub use inference::{EXAMPLES, SCORED, Task, measure_calls};

/// Whatever a peer's library returns.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Pixels per image.
pub const PIXELS: usize = 784;
/// Images whose loss is compared before and after.
pub const PROBE: usize = 512;

const WARM_UP_STEPS: usize = 20;
/// The loss is not judged before this many steps, however slow the peer is.
const STEPS_BEFORE_VERDICT: usize = 50;

/// One of the reference networks. Every layer is dense with a bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// 784-512-256-10, sigmoid, cross-entropy; SGD 0.01 with momentum 0.5.
    SigmoidSgd,
    /// 784-512-256-10, ReLU, cross-entropy; Adam 0.001.
    ReluAdam,
    /// The same with batch normalisation before each ReLU and dropout 0.5 after it.
    ReluBnDropoutAdam,
    /// 784-512-256-32-256-512-784, ReLU except after the code and the output; MSE, Adam 0.001.
    AutoencoderAdam,
}

impl Network {
    /// In the order of the table.
    pub const ALL: [Self; 4] =
        [Self::SigmoidSgd, Self::ReluAdam, Self::ReluBnDropoutAdam, Self::AutoencoderAdam];

    /// The name on the command line and in the JSON lines.
    pub fn id(self) -> &'static str {
        match self {
            Self::SigmoidSgd => "sigmoid_sgd",
            Self::ReluAdam => "relu_adam",
            Self::ReluBnDropoutAdam => "relu_bn_dropout_adam",
            Self::AutoencoderAdam => "autoencoder_adam",
        }
    }

    /// Widths from the input to the output.
    pub fn dims(self) -> &'static [usize] {
        match self {
            Self::AutoencoderAdam => &[PIXELS, 512, 256, 32, 256, 512, PIXELS],
            _ => &[PIXELS, 512, 256, 10],
        }
    }

    /// Whether dense layer `index` is followed by an activation.
    pub fn activated(self, index: usize) -> bool {
        let last = self.dims().len() - 2;
        index != last && !(self == Self::AutoencoderAdam && index == 2)
    }

    /// Whether hidden layers have batch normalisation and dropout.
    pub fn normalised(self) -> bool {
        self == Self::ReluBnDropoutAdam
    }
}

/// The options every measurer takes.
pub struct Settings {
    pub networks: Vec<Network>,
    pub tasks: Vec<Task>,
    pub batches: Vec<usize>,
    pub threads: usize,
    pub data: PathBuf,
    /// Seconds per repetition.
    pub seconds: f64,
    pub repetitions: usize,
    /// Options that only this peer knows, as they were given.
    pub rest: Vec<(String, String)>,
}

impl Settings {
    /// Reads the command line. Networks and tasks of other measurers are passed over in silence: their cells stay empty.
    pub fn from_args() -> Result<Self> {
        let mut settings = Self {
            networks: Network::ALL.to_vec(),
            tasks: Vec::new(),
            batches: vec![32, 128, 512],
            threads: 2,
            data: PathBuf::new(),
            seconds: 1.0,
            repetitions: 3,
            rest: Vec::new(),
        };
        let mut args = std::env::args().skip(1);
        while let Some(option) = args.next() {
            let value = args.next().ok_or_else(|| format!("{option} needs a value"))?;
            let bad = |e: &dyn Error| format!("{option} {value}: {e}");
            match option.as_str() {
                "--networks" => {
                    let known = |id: &str| Network::ALL.into_iter().find(|n| n.id() == id);
                    settings.networks = value.split(',').filter_map(known).collect();
                    let known = |id: &str| Task::ALL.into_iter().find(|task| task.id() == id);
                    settings.tasks = value.split(',').filter_map(known).collect();
                }
                "--batches" => {
                    let batches: std::result::Result<_, _> = value.split(',').map(str::parse).collect();
                    settings.batches = batches.map_err(|e| bad(&e))?;
                }
                "--threads" => settings.threads = value.parse().map_err(|e| bad(&e))?,
                "--seconds" => settings.seconds = value.parse().map_err(|e| bad(&e))?,
                "--repetitions" => settings.repetitions = value.parse().map_err(|e| bad(&e))?,
                "--data" => settings.data = PathBuf::from(value),
                _ => settings.rest.push((option, value)),
            }
        }
        if settings.data.as_os_str().is_empty() {
            return Err("--data DIR is missing: the folder with the four unpacked IDX files".into());
        }
        if settings.threads == 0 || settings.repetitions == 0 || settings.batches.contains(&0) {
            return Err("--threads, --repetitions and --batches start at 1".into());
        }
        Ok(settings)
    }

    /// Starts the program again with `variables` set to these thread counts, unless they are already.
    ///
    /// Thread pools read these variables once, at their first use; no peer has another way to be told.
    pub fn limit_threads(variables: &[(&str, usize)]) -> Result<()> {
        let wanted: Vec<_> = variables.iter().map(|(name, count)| (name, count.to_string())).collect();
        if wanted.iter().all(|(name, count)| std::env::var(name).is_ok_and(|set| set == *count)) {
            return Ok(());
        }
        let mut again = Command::new(std::env::current_exe()?);
        Err(again.args(std::env::args().skip(1)).envs(wanted).exec().into())
    }
}

/// Images and labels, and the order in which they are visited.
pub struct Data {
    /// `[count, 784]`, 0 to 1.
    pub images: Vec<f32>,
    /// `[count]`
    pub labels: Vec<u8>,
    /// A permutation of the rows, the same in every run.
    pub order: Vec<u32>,
}

impl Data {
    /// Reads the training set: `train-images-idx3-ubyte` and `train-labels-idx1-ubyte`.
    pub fn load(folder: &Path) -> Result<Self> {
        Self::load_part(folder, "train")
    }

    /// Reads the test set: `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`.
    pub fn load_test(folder: &Path) -> Result<Self> {
        Self::load_part(folder, "t10k")
    }

    fn load_part(folder: &Path, part: &str) -> Result<Self> {
        let read = |name: &str, header: usize| -> Result<Vec<u8>> {
            let path = folder.join(name);
            let bytes = fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            let body = bytes.get(header..).ok_or_else(|| format!("{}: no IDX header", path.display()))?;
            Ok(body.to_vec())
        };
        let pixels = read(&format!("{part}-images-idx3-ubyte"), 16)?;
        let labels = read(&format!("{part}-labels-idx1-ubyte"), 8)?;
        if pixels.len() != labels.len() * PIXELS || labels.len() < PROBE {
            return Err(format!("{} pixels do not belong to {} labels", pixels.len(), labels.len()).into());
        }
        let images = pixels.iter().map(|&p| f32::from(p) / 255.0).collect();
        let order = shuffled(labels.len());
        Ok(Self { images, labels, order })
    }
}

/// Fisher-Yates over a 64-bit linear congruential generator (Knuth's MMIX constants).
fn shuffled(count: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count as u32).collect();
    let mut state = 1_u64;
    for i in (1..count).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        order.swap(i, (state >> 33) as usize % (i + 1));
    }
    order
}

/// One network being trained by a peer.
pub trait Trainer {
    /// A whole training step on rows `start..start + batch` of the order: gather, forward, backward, update.
    fn step(&mut self, start: usize) -> Result<()>;
    /// The training loss on the first [`PROBE`] rows of the order.
    fn probe(&mut self) -> Result<f32>;
}

/// Times `trainer` and prints its JSON line; an error if the loss did not fall.
pub fn measure(
    (peer, version): (&str, &str),
    network: Network,
    batch: usize,
    rows: usize,
    settings: &Settings,
    trainer: &mut impl Trainer,
) -> Result<()> {
    let (seconds, batches) = (settings.seconds, rows / batch);
    let before = trainer.probe()?;
    let mut taken = 0;
    let mut step = || {
        let start = taken % batches * batch;
        taken += 1;
        trainer.step(start)
    };

    let (warm_up, mut fastest) = (Instant::now(), f64::INFINITY);
    for i in 0..WARM_UP_STEPS {
        if i >= 3 && warm_up.elapsed().as_secs_f64() > seconds / 2.0 {
            break;
        }
        let start = Instant::now();
        step()?;
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    let steps = ((seconds / fastest) as usize).clamp(5, batches.max(5));

    let mut times = Vec::with_capacity(settings.repetitions);
    for _ in 0..settings.repetitions {
        let start = Instant::now();
        for _ in 0..steps {
            step()?;
        }
        times.push(start.elapsed().as_secs_f64() * 1e6 / steps as f64);
    }
    times.sort_by(f64::total_cmp);

    while taken < STEPS_BEFORE_VERDICT {
        trainer.step(taken % batches * batch)?;
        taken += 1;
    }
    let after = trainer.probe()?;
    // A NaN fails too: it is not less than anything.
    if after.partial_cmp(&before) != Some(Ordering::Less) {
        let id = network.id();
        return Err(
            format!("{peer}, {id}, batch {batch}: loss {before} became {after} in {taken} steps").into()
        );
    }
    println!(
        "{{\"peer\":\"{peer}\",\"version\":\"{version}\",\"network\":\"{}\",\"batch\":{batch},\
         \"us_per_step\":{:.1},\"us_median\":{:.1},\"steps\":{steps},\"threads\":{},\
         \"loss_before\":{before:.4},\"loss_after\":{after:.4}}}",
        network.id(),
        times[0],
        median(&times),
        settings.threads,
    );
    Ok(())
}

fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

/// The version of `package` in the lock file this program was built from.
pub fn locked_version(package: &str) -> &'static str {
    let lock = include_str!("../Cargo.lock");
    let entry = format!("name = \"{package}\"\nversion = \"");
    let version = lock.split_once(&entry).and_then(|(_, rest)| rest.split('"').next());
    version.expect("the package is a dependency of this one")
}
