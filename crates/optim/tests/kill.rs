//! A process that trains is killed at random moments, and its disk is full: what goes on from its checkpoints ends with the bits of a run
//! that nobody has disturbed.
//!
//! `kill child FOLDER [STEPS]` is the process: it trains with a checkpoint after every step, and prints the bits it ends with.

#![cfg(unix)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use layerwise_autograd::{Mode, Params, Tensor};
use layerwise_optim::{
    AdamConfig, Checkpoint, Checkpoints, EarlyStopping, LookaheadConfig, OptimizerConfig, Progress, Schedule,
    Trainer,
};
use layerwise_tensor::Rng;

/// How often a run is killed.
const KILLS: usize = 50;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|first| first == "child") {
        let bits =
            child(Path::new(&arguments[2]), arguments.get(3).map(|steps| steps.parse().expect("a number")));
        match bits {
            Ok(bits) => println!("{bits}"),
            Err(error) => {
                eprintln!("{error}");
                std::process::exit(2);
            }
        }
        return;
    }
    killed_at_any_moment_a_run_ends_with_the_same_bits();
    a_full_disk_is_an_error_and_the_last_checkpoint_stays();
}

/// Trains a small network, from the beginning or from where the folder says. The bits of its parameters and of its history.
fn child(folder: &Path, steps: Option<u64>) -> Result<String, layerwise_optim::TrainError> {
    let mut params = Params::new();
    let mut root = params.root();
    let fill = |w: &mut [f32]| w.iter_mut().enumerate().for_each(|(i, w)| *w = (i as f32 * 1.7).sin());
    let hidden = root.parameter("hidden", [20, 30], fill);
    let seen = root.statistic("seen", [1], |_| ());
    let out = root.parameter("out", [30, 1], fill);
    let rule = OptimizerConfig::Lookahead {
        config: LookaheadConfig::default(),
        inner: Box::new(AdamConfig::default().into()),
    };
    let mut opt = rule.build(&params);
    let data = Tensor::from_fn([50, 20], |i| (i as f32 * 0.61).cos());
    let mut trainer = Trainer::new(5)
        .batch_size(4)
        .seed(9)
        .progress(Progress::Silent)
        .validation_split(0.2)
        .lr_schedule(Schedule::cosine(0.01, 0.0, 50))
        .early_stopping("val_loss", EarlyStopping { patience: 4, ..Default::default() })
        .every(7, |_| ())
        .checkpoints(Checkpoints::new(folder).every_steps(1).keep(2).config(&rule).resume());
    if let Some(steps) = steps {
        trainer = trainer.steps(steps);
    }
    let history = trainer.fit(&mut params, &mut opt, &data, |pass, rows| {
        let h = pass.input(rows).matmul(pass.param(hidden)).tanh().dropout(0.25);
        if pass.mode() == Mode::Train {
            let sum = h.with_value(|h| h.iter().sum::<f32>());
            pass.report_statistic(seen, |seen| seen[0] = 0.9 * seen[0] + 0.1 * sum);
        }
        (h.matmul(pass.param(out)) - 0.5).square().mean()
    })?;
    let bits: Vec<u32> = params.flat().iter().map(|x| x.to_bits()).collect();
    let epochs: Vec<[u64; 2]> =
        history.epochs.iter().map(|e| [e.loss.to_bits(), e.metrics["val_loss"].to_bits()]).collect();
    Ok(format!("{bits:?} {epochs:?} {:?}", history.ended))
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.arg("child").arg(folder).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the child to its end.
fn complete(folder: &Path) -> String {
    let output = command(folder).output().expect("a child process");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && error.is_empty(), "{}: {error}", output.status);
    String::from_utf8(output.stdout).expect("text")
}

fn is_within_a_write(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(Result::ok).any(|entry| entry.file_name().to_string_lossy().ends_with(".tmp"))
}

fn killed_at_any_moment_a_run_ends_with_the_same_bits() {
    let start = Instant::now();
    let undisturbed = tempfile::tempdir().expect("a temporary folder");
    let expected = complete(undisturbed.path());
    let time = start.elapsed();
    let mut rng = Rng::seed(50);
    let (mut killed, mut within_a_write, mut resumed, mut attempts) = (0, 0, 0, 0);
    let mut folder = tempfile::tempdir().expect("a temporary folder");
    while killed < KILLS {
        attempts += 1;
        assert!(attempts < 10 * KILLS, "the child is too fast to be killed: {killed} of {attempts}");
        let before = step(folder.path());
        let mut process = command(folder.path()).spawn().expect("a child process");
        // A kill is SIGKILL on Unix: the process has no chance to do anything about it.
        std::thread::sleep(time.mul_f32(rng.uniform(0.0, 0.6)));
        process.kill().expect("a child process");
        let output = process.wait_with_output().expect("a child process");
        if output.status.success() {
            // It was complete before.
            assert_eq!(String::from_utf8(output.stdout).expect("text"), expected);
            folder = tempfile::tempdir().expect("a temporary folder");
            continue;
        }
        assert_eq!(output.status.code(), None, "{}", String::from_utf8_lossy(&output.stderr));
        killed += 1;
        within_a_write += usize::from(is_within_a_write(folder.path()));
        resumed += usize::from(before > 0);
        assert!(step(folder.path()) >= before);
        // Some runs are killed again before they are complete; the others are completed now.
        if rng.uniform(0.0, 1.0) < 0.6 {
            assert_eq!(complete(folder.path()), expected, "killed {killed} times");
            folder = tempfile::tempdir().expect("a temporary folder");
        }
    }
    println!(
        "{killed} kills in {:.1} s ({resumed} of runs that had been killed before, {within_a_write} within the write of a \
         checkpoint): the same bits every time",
        start.elapsed().as_secs_f32()
    );
    assert!(within_a_write > 0 && resumed > 0);
}

/// How far a folder's newest checkpoint is, which must be whole: a kill leaves no other.
fn step(folder: &Path) -> u64 {
    Checkpoint::latest(folder).expect("the newest is whole").map_or(0, |checkpoint| checkpoint.step())
}

/// A limit on the size of files stands for the disk: a write beyond it fails halfway, for the administrator as well.
fn a_full_disk_is_an_error_and_the_last_checkpoint_stays() {
    let (undisturbed, folder) =
        (tempfile::tempdir().expect("a temporary folder"), tempfile::tempdir().expect("a temporary folder"));
    let expected = complete(undisturbed.path());
    assert!(command(folder.path()).arg("30").output().expect("a child process").status.success());
    assert_eq!(step(folder.path()), 30);
    // In units of 512 or 1024 bytes: less than a checkpoint has.
    let limited = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 4; exec \"$0\" child \"$1\""])
        .arg(std::env::current_exe().expect("this program"))
        .arg(folder.path())
        .output()
        .expect("a child process");
    let error = String::from_utf8(limited.stderr).expect("text");
    assert_eq!(limited.status.code(), Some(2), "{error}");
    assert!(error.contains("step-0000000031.checkpoint: cannot write it: "), "{error}");
    assert_eq!((step(folder.path()), is_within_a_write(folder.path())), (30, false));
    assert_eq!(complete(folder.path()), expected);
    println!("a full disk is an error: {}", error.trim());
}
