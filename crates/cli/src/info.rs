//! `layerwise info`: what is in a model file.

use std::path::PathBuf;

use crate::model::Description;
use crate::report::Report;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// A model
    model: PathBuf,
    /// Prints one JSON object with everything that the file says
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> anyhow::Result<u8> {
    let (description, _, params) = Description::load(&args.model)?;
    Report { description: &description, parameters: params.count(), path: &args.model }.print(args.json)?;
    Ok(0)
}
