//! Pictures of sections 7 and 9.

use super::Illustration;
use crate::autoencoder::{CodePlane, Codes, GRID, Plane, Reconstructions, WALK};
use crate::denoising_autoencoder::{Restoration, RestoredImages};
use crate::plot::{Bars, Curves, ImageGrid, Scatter, Shades};
use crate::recipe::Outcome;

/// Rows and columns of an image.
const SIDE: usize = 28;

pub(super) fn codes(outcome: &Outcome, found: &Codes) -> Vec<Illustration> {
    let mut illustrations = vec![error(outcome, found)];
    illustrations.extend(found.images.iter().flat_map(reconstructions));
    illustrations.extend(found.plane.plane.iter().flat_map(|plane| code_plane(&found.plane, plane)));
    illustrations
}

/// The test error after each epoch, above that of principal components.
fn error(outcome: &Outcome, found: &Codes) -> Illustration {
    let epochs = &outcome.history.epochs;
    let points = epochs.iter().filter_map(|at| Some((at.epoch as f64, *at.metrics.get("test_mse")?)));
    let baseline = epochs.iter().map(|at| (at.epoch as f64, found.linear.test_mse));
    let components = found.linear.components;
    let curves = Curves::new("Squared error of a pixel of the test images")
        .x_label("epoch")
        .y_label("mean squared error")
        .line("autoencoder", points)
        .line(format!("{components} principal components"), baseline);
    let caption = "What is lost in a code of 32 numbers: the autoencoder beside the best linear code.";
    Illustration::new("autoencoder-error", caption, &curves)
}

fn reconstructions(images: &Reconstructions) -> Vec<Illustration> {
    let grid = ImageGrid::new("Through a code of 32 numbers", SIDE, SIDE)
        .row("original", images.originals.as_slice())
        .row("autoencoder", images.autoencoder.as_slice())
        .row("principal components", images.pca.as_slice());
    let mut walks = ImageGrid::new("From code to code", SIDE, SIDE).per_line(WALK);
    for walk in images.walks.as_slice().chunks_exact(WALK * SIDE * SIDE) {
        walks = walks.row("", walk);
    }
    vec![
        Illustration::new("autoencoder-reconstructions", "The first test image of every digit.", &grid),
        Illustration::new(
            "autoencoder-walks",
            "Decoded codes on the straight lines between the codes of two digits.",
            &walks,
        ),
    ]
}

fn code_plane(found: &CodePlane, plane: &Plane) -> Vec<Illustration> {
    let title = format!("Codes of a variational autoencoder after {} epochs", found.epochs);
    let scatter = Scatter::new(title)
        .x_label("first number of the code")
        .y_label("second number")
        .codes(plane.codes.as_slice(), &plane.labels);
    let grid =
        ImageGrid::new("What the codes stand for", SIDE, SIDE).per_line(GRID).row("", plane.grid.as_slice());
    vec![
        Illustration::new(
            "autoencoder-codes",
            "Codes of test images, coloured by their digits, which the network has not been told.",
            &scatter,
        ),
        Illustration::new(
            "autoencoder-plane",
            "Decoded codes between -2 and 2 on either axis of the picture above.",
            &grid,
        ),
    ]
}

pub(super) fn restoration(found: &Restoration) -> Vec<Illustration> {
    let of = |mse: fn(&crate::denoising_autoencoder::RestorationError) -> f64| {
        found.kinds.iter().map(mse).collect::<Vec<_>>()
    };
    let names = found.kinds.iter().map(|kind| kind.name.as_str());
    let bars = Bars::new("Error of spoilt test images against the clean ones", names)
        .decimals(4)
        .values("as they are", of(|kind| kind.spoilt_mse))
        .values("plain autoencoder", of(|kind| kind.plain_mse))
        .values("denoising autoencoder", of(|kind| kind.denoising_mse));
    let caption = "The mean squared error of a pixel before and after an autoencoder, by kind of noise.";
    let mut illustrations = vec![Illustration::new("denoising_autoencoder-error", caption, &bars)];
    if let Some(images) = &found.images {
        illustrations.push(restored(found, images));
        illustrations.push(filters(images));
    }
    illustrations
}

fn restored(found: &Restoration, images: &RestoredImages) -> Illustration {
    let mut grid =
        ImageGrid::new("Spoilt and restored", SIDE, SIDE).row("original", images.originals.as_slice());
    for (kind, [spoilt, plain, denoising]) in found.kinds.iter().zip(&images.restored) {
        grid = grid
            .row(kind.name.as_str(), spoilt.as_slice())
            .row("plain", plain.as_slice())
            .row("denoising", denoising.as_slice());
    }
    let caption =
        "Test images, what noise makes of them, and what a plain and a denoising autoencoder make of that.";
    Illustration::new("denoising_autoencoder-restored", caption, &grid)
}

fn filters(images: &RestoredImages) -> Illustration {
    let grid = ImageGrid::new("Weights of the first units", SIDE, SIDE)
        .shades(Shades::Symmetric)
        .per_line(20)
        .row("plain", images.plain_filters.as_slice())
        .row("denoising", images.denoising_filters.as_slice());
    let caption = "What units of the first layer look for, without noise and with half of the pixels masked.";
    Illustration::new("denoising_autoencoder-filters", caption, &grid)
}
