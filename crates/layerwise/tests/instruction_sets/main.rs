//! Whatever the instruction set, the same results: on all of the machine's the same bits where no multiplication is fused with an addition
//! (update rules, normalisations, dropout, losses without exponentials); the same bits on all that have that instruction; and nearly the same on
//! those that have not.
//!
//! `instruction_sets child` is the process that computes, with the set that `LAYERWISE_ISA` names: it prints a line for each computation.
//! `instruction_sets list` prints the names of the sets, the narrowest first.

mod computations;

use std::process::{Command, Output};

use computations::Kind;
use layerwise::tensor::machine;

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("child") => {
            println!("{}", machine::instruction_set());
            computations::run(|line| println!("{line}"));
        }
        Some("list") => machine::instruction_sets().into_iter().for_each(|set| println!("{set}")),
        _ => {
            a_set_that_is_not_there_ends_the_program();
            all_sets_compute_the_same();
        }
    }
}

/// The process with that set.
fn child(isa: &str) -> Output {
    let program = std::env::current_exe().expect("the path of this program");
    Command::new(program).arg("child").env("LAYERWISE_ISA", isa).output().expect("it starts")
}

fn a_set_that_is_not_there_ends_the_program() {
    let output = child("avx1024");
    let text = String::from_utf8_lossy(&output.stderr);
    let expected = format!(
        r#"LAYERWISE_ISA is "avx1024", and the instruction sets of this machine are: {}"#,
        machine::instruction_sets().join(", ")
    );
    assert!(!output.status.success() && text.contains(&expected), "{text}");
}

/// What a process has printed: the name of its set, and the lines of its computations.
fn results(isa: &str) -> (String, Vec<String>) {
    let output = child(isa);
    assert!(output.status.success(), "{isa}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("it prints text");
    let mut lines = text.lines().map(str::to_owned);
    (lines.next().expect("the name of the set"), lines.collect())
}

fn all_sets_compute_the_same() {
    let all: Vec<_> = machine::instruction_sets().into_iter().map(results).collect();
    let (_, portable) = &all[0];
    let (widest, best) = &all[all.len() - 1];
    assert!(portable.len() > 1000, "{} computations", portable.len());
    let mut wrong = Vec::new();
    for (place, (name, lines)) in all.iter().enumerate() {
        assert!(all[..place].iter().all(|(other, _)| other != name), "{name} twice");
        assert_eq!(lines.len(), best.len(), "{name}");
        for ((line, portable), best) in lines.iter().zip(portable).zip(best) {
            let same = match Kind::of(line) {
                Kind::Plain => line == portable,
                Kind::Fused if place > 0 => line == best && computations::is_near(line, portable),
                Kind::Fused => true,
            };
            if !same {
                wrong.push(format!("{name}: {line}\nportable: {portable}\n{widest}: {best}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ, such as\n{}", wrong.len(), wrong[..wrong.len().min(5)].join("\n"));
}
