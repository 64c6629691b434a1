//! Networks in use: what is timed beside training.

use std::time::Instant;

use super::{Data, PIXELS, Result, Settings, median};

/// Images of the test set that are scored at a time.
pub const SCORED: usize = 500;
/// Examples that take turns, so that no prediction of the processor fits all.
pub const EXAMPLES: usize = 1000;

/// What a network in use is asked for. All have ReLU after every layer but the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// 784-512-256-10, one image.
    LatencyMlp,
    /// 6-64-8-4, one example.
    LatencySmall,
    /// 784-512-256-10, how many of the test images are classified rightly.
    Scoring,
}

impl Task {
    /// In the order of the table.
    pub const ALL: [Self; 3] = [Self::LatencyMlp, Self::LatencySmall, Self::Scoring];

    /// The name on the command line and in the JSON lines.
    pub fn id(self) -> &'static str {
        match self {
            Self::LatencyMlp => "latency_mlp",
            Self::LatencySmall => "latency_small",
            Self::Scoring => "scoring",
        }
    }

    /// Widths from the input to the output.
    pub fn dims(self) -> &'static [usize] {
        if self == Self::LatencySmall { &[6, 64, 8, 4] } else { &[PIXELS, 512, 256, 10] }
    }

    /// [`EXAMPLES`] examples, `[n, features]`: images of the test set, or numbers between -1 and 1.
    pub fn examples(self, test: &Data) -> Vec<f32> {
        let count = EXAMPLES * self.dims()[0];
        if self == Self::LatencySmall {
            (0..count).map(|i| (i as f32 * 0.7).sin()).collect()
        } else {
            test.images[..count].to_vec()
        }
    }
}

/// Times `call`, which is given 0, 1, .. in turn, and prints the JSON line.
pub fn measure_calls(
    (peer, version): (&str, &str),
    (task, batch): (Task, usize),
    settings: &Settings,
    mut call: impl FnMut(usize) -> Result<()>,
) -> Result<()> {
    let mut next = 0;
    let mut repeat = |calls: usize| -> Result<f64> {
        let start = Instant::now();
        for _ in 0..calls {
            call(next)?;
            next += 1;
        }
        Ok(start.elapsed().as_secs_f64() / calls as f64)
    };
    let mut calls = 1;
    // Warm-up, which finds how many calls fill a repetition.
    let per_call = loop {
        let time = repeat(calls)?;
        if time * calls as f64 > settings.seconds / 10.0 {
            break time;
        }
        calls *= 2;
    };
    let calls = ((settings.seconds / per_call) as usize).max(3);
    let times: Result<Vec<f64>> = (0..settings.repetitions).map(|_| Ok(repeat(calls)? * 1e6)).collect();
    let mut times = times?;
    times.sort_by(f64::total_cmp);
    println!(
        "{{\"peer\":\"{peer}\",\"version\":\"{version}\",\"network\":\"{}\",\"batch\":{batch},\
         \"us_per_step\":{:.4},\"us_median\":{:.4},\"threads\":{}}}",
        task.id(),
        times[0],
        median(&times),
        settings.threads,
    );
    Ok(())
}
