//! The `layerwise` program.

fn main() -> std::process::ExitCode {
    if cfg!(debug_assertions) {
        eprintln!("note: this is a debug build, several times slower than `cargo run --release`");
    }
    layerwise_cli::main(std::env::args_os())
}
