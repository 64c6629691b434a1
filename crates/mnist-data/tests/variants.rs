//! Generated variants: sizes, labels against the pixels, and what the seed decides.

#![allow(clippy::unwrap_used)] // the exception for tests does not reach their helpers

use std::collections::HashSet;

use layerwise_mnist_data::{DataError, ImageSet, Mnist, Variant, VariantSizes, VariantSplits};
use ndarray::{ArrayView2, s};

const DIGITS: [Variant; 3] = [Variant::Basic, Variant::Rot, Variant::BgRand];

fn sized(variant: Variant, train: usize, validation: usize, test: usize, seed: u64) -> VariantSplits {
    variant.generate_sized(VariantSizes { train, validation, test }, seed).unwrap()
}

fn sets(splits: &VariantSplits) -> [&ImageSet; 3] {
    [&splits.train, &splits.validation, &splits.test]
}

/// Each image with its label.
fn labelled(set: &ImageSet) -> impl Iterator<Item = (ArrayView2<'_, u8>, u8)> {
    (0..set.len()).map(|i| (set.images().index_axis_move(ndarray::Axis(0), i), set.labels()[i]))
}

/// Whether `small` is how `large` begins.
fn begins(large: &ImageSet, small: &ImageSet) -> bool {
    let n = small.len();
    large.images().slice(s![..n, .., ..]) == small.images() && large.labels().slice(s![..n]) == small.labels()
}

#[test]
fn the_sizes_are_the_papers() {
    let sizes = [[10_000, 2_000, 50_000]; 3];
    let sizes = sizes.into_iter().chain([[1_000, 200, 50_000], [6_000, 2_000, 50_000]]);
    for (variant, [train, validation, test]) in Variant::ALL.into_iter().zip(sizes) {
        assert_eq!(variant.sizes(), VariantSizes { train, validation, test });
        let splits = variant.generate(3);
        assert_eq!(sets(&splits).map(ImageSet::len), [train, validation, test], "{variant}");
        for set in sets(&splits) {
            assert_eq!((set.image_shape(), set.class_names()), ([28, 28], &variant.class_names()[..]));
        }
    }
}

#[test]
fn names_go_both_ways() {
    assert_eq!(Variant::ALL.map(|v| v.to_string()), ["basic", "rot", "bg-rand", "rect", "convex"]);
    for variant in Variant::ALL {
        assert_eq!(variant.name().parse::<Variant>().unwrap(), variant);
    }
    assert_eq!(format!("{:>8}|", Variant::Rot), "     rot|");
    let error = "bg-img".parse::<Variant>().unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"no variant is named "bg-img", expected basic, rot, bg-rand, rect or convex"#
    );
}

#[test]
fn more_digits_than_mnist_has_are_an_error() {
    let sizes = VariantSizes { train: 60_000, validation: 1, test: 10_000 };
    for variant in DIGITS {
        let error = variant.generate_sized(sizes, 1).unwrap_err();
        assert!(matches!(error, DataError::PoolTooSmall { available: 70_000, .. }));
        assert_eq!(error.to_string(), format!("{variant}: 60000 + 1 + 10000 images, MNIST has 70000"));
    }
    assert_eq!(sized(Variant::Basic, 59_999, 1, 10_000, 1).train.len(), 59_999);

    let sizes = VariantSizes { train: usize::MAX, validation: 1, test: 0 };
    let text = |variant: Variant| variant.generate_sized(sizes, 1).unwrap_err().to_string();
    assert_eq!(text(Variant::Basic), format!("basic: {} + 1 + 0 images, MNIST has 70000", usize::MAX));
    assert_eq!(text(Variant::Rect), format!("{} images, a set holds at most 4294967295", usize::MAX));
}

#[test]
fn empty_splits_are_possible() {
    for variant in Variant::ALL {
        let splits = sized(variant, 0, 0, 0, 1);
        assert_eq!(
            sets(&splits).map(|set| (set.len(), set.classes())),
            [(0, variant.class_names().len()); 3]
        );
    }
}

#[test]
fn the_seed_decides_everything() {
    for variant in Variant::ALL {
        let [a, b, c] = [7, 7, 8].map(|seed| sized(variant, 50, 40, 30, seed));
        for ((a, b), c) in sets(&a).into_iter().zip(sets(&b)).zip(sets(&c)) {
            assert!(begins(a, b), "{variant}");
            assert_ne!(a.images(), c.images(), "{variant}");
        }
        assert_ne!(a.train.images().slice(s![..30, .., ..]), a.test.images(), "{variant}: splits differ");
    }
}

#[test]
fn larger_sets_begin_with_the_smaller_ones() {
    for variant in Variant::ALL {
        let small = sized(variant, 30, 20, 10, 7);
        let large = sized(variant, 90, 20, 80, 7);
        for (large, small) in sets(&large).into_iter().zip(sets(&small)) {
            assert!(begins(large, small), "{variant}");
        }
        let validated = sized(variant, 30, 60, 10, 7);
        assert!(begins(&validated.validation, &small.validation), "{variant}");
        assert!(begins(&validated.train, &small.train), "{variant}");
        let test_stays = begins(&validated.test, &small.test);
        assert_eq!(test_stays, !DIGITS.contains(&variant), "{variant}");
    }
}

#[test]
fn no_digit_is_in_two_splits() {
    // As many as there are: every one of MNIST's images, which all differ, exactly once.
    let splits = sized(Variant::Basic, 20_000, 10_000, 40_000, 5);
    let mut seen = HashSet::new();
    for set in sets(&splits) {
        for (image, label) in labelled(set) {
            assert!(seen.insert((image.iter().copied().collect::<Vec<u8>>(), label)));
        }
    }
    let Mnist { train, test } = Mnist::embedded();
    for (image, label) in labelled(train).chain(labelled(test)) {
        assert!(seen.remove(&(image.iter().copied().collect::<Vec<u8>>(), label)));
    }
    assert!(seen.is_empty());
}

#[test]
fn classes_of_digits_have_mnists_proportions() {
    let counts = Variant::Basic.generate(11).test.class_counts();
    let Mnist { train, test } = Mnist::embedded();
    for ((count, a), b) in counts.into_iter().zip(train.class_counts()).zip(test.class_counts()) {
        let expected = (a + b) as f64 * 5.0 / 7.0;
        // Standard deviation at most 38 (drawn without replacement).
        assert!((count as f64 - expected).abs() < 190.0, "{count}, {expected}");
    }
}

#[test]
fn the_digit_variants_of_a_seed_share_their_digits() {
    let [basic, rot, noisy] = DIGITS.map(|variant| sized(variant, 200, 50, 100, 3));
    for ((basic, rot), noisy) in sets(&basic).into_iter().zip(sets(&rot)).zip(sets(&noisy)) {
        assert_eq!((basic.labels(), basic.labels()), (rot.labels(), noisy.labels()));
        for ((digit, turned), noisy) in
            basic.images().outer_iter().zip(rot.images().outer_iter()).zip(noisy.images().outer_iter())
        {
            let [mass, turned_mass] = [digit, turned].map(|image| image.mapv(f64::from).sum());
            assert!((turned_mass / mass - 1.0).abs() < 0.06, "{turned_mass}, {mass}");
            assert_ne!(digit, turned);
            assert!(digit.iter().zip(&noisy).all(|(digit, noisy)| noisy >= digit), "the digit stays");
        }
    }
}

#[test]
fn digits_are_turned_by_every_angle() {
    // A one is longest along its stroke: the direction of its pixels' largest spread has no preference any more.
    let rot = sized(Variant::Rot, 20_000, 0, 0, 4).train;
    let mut octants = [0_u32; 8];
    for (image, _) in labelled(&rot).filter(|&(_, label)| label == 1) {
        let weights: f64 = image.iter().map(|&pixel| f64::from(pixel)).sum();
        let mean = |f: &dyn Fn(f64, f64) -> f64| {
            image.indexed_iter().map(|((r, c), &p)| f64::from(p) * f(c as f64, -(r as f64))).sum::<f64>()
                / weights
        };
        let [x, y] = [mean(&|x, _| x), mean(&|_, y| y)];
        let [xx, yy] = [mean(&|u, _| (u - x).powi(2)), mean(&|_, v| (v - y).powi(2))];
        let axis = 0.5 * (2.0 * mean(&|u, v| (u - x) * (v - y))).atan2(xx - yy); // -pi/2 to pi/2
        octants[((axis / std::f64::consts::PI + 0.5) * 8.0) as usize % 8] += 1;
    }
    let n: u32 = octants.iter().sum();
    let deviation = (f64::from(n) * 7.0 / 64.0).sqrt();
    for count in octants {
        assert!((f64::from(count) - f64::from(n) / 8.0).abs() < 5.0 * deviation, "{octants:?}");
    }
}

#[test]
fn the_background_is_uniform_noise() {
    let [basic, noisy] = [Variant::Basic, Variant::BgRand].map(|variant| sized(variant, 500, 0, 0, 6).train);
    let pairs = basic.images().into_iter().zip(noisy.images()).map(|(&digit, &noisy)| (digit, noisy));
    let noise: Vec<f64> = pairs.filter(|&(digit, _)| digit == 0).map(|(_, noisy)| noisy.into()).collect();
    let n = noise.len() as f64;
    let mean = noise.iter().sum::<f64>() / n;
    let variance = noise.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    let neighbours = noise.windows(2).map(|w| (w[0] - mean) * (w[1] - mean)).sum::<f64>() / n / variance;
    // Of 317 000 pixels: standard errors 0.13, 8.7 (the variance of the squares is that of a uniform) and 0.0018.
    assert!(n > 300_000.0 && (mean - 127.5).abs() < 0.65, "{n} {mean}");
    assert!((variance - (65_536.0 - 1.0) / 12.0).abs() < 44.0, "{variance}");
    assert!(neighbours.abs() < 0.009, "{neighbours}");
    assert_eq!(
        (noise.iter().copied().fold(255.0, f64::min), noise.iter().copied().fold(0.0, f64::max)),
        (0.0, 255.0)
    );
}

/// Five standard deviations of a fair coin.
fn assert_balanced(set: &ImageSet) {
    let (n, ones) = (set.len() as f64, set.class_counts()[1] as f64);
    assert!((ones - n / 2.0).abs() < 2.5 * n.sqrt(), "{ones} of {n}");
}

#[test]
fn rectangles_are_what_their_labels_say() {
    let splits = Variant::Rect.generate(9);
    for set in sets(&splits) {
        assert_balanced(set);
        for (image, label) in labelled(set) {
            let white: Vec<(usize, usize)> =
                image.indexed_iter().filter(|&(_, &p)| p == 255).map(|(place, _)| place).collect();
            assert_eq!(white.len(), image.iter().filter(|&&p| p != 0).count(), "black and white only");
            let span = |f: fn(&(usize, usize)) -> usize| {
                (white.iter().map(f).min().unwrap(), white.iter().map(f).max().unwrap())
            };
            let [(top, bottom), (left, right)] = [span(|p| p.0), span(|p| p.1)];
            let on_border = |(r, c)| r == top || r == bottom || c == left || c == right;
            assert!(white.iter().all(|&place| on_border(place)), "nothing inside");
            let [height, width] = [bottom - top + 1, right - left + 1];
            assert_eq!(white.len(), 2 * (height + width) - 4, "the border is closed");
            assert!(height.min(width) >= 3 && height.abs_diff(width) >= 3, "{height} x {width}");
            assert_eq!(label, u8::from(height > width));
        }
    }
}

type Point = (i32, i32);

fn cross(o: Point, p: Point, q: Point) -> i32 {
    (p.0 - o.0) * (q.1 - o.1) - (p.1 - o.1) * (q.0 - o.0)
}

/// The corners of the convex hull of sorted points (Andrew's monotone chain).
fn hull(points: &[Point]) -> Vec<Point> {
    let chain = |points: &mut dyn Iterator<Item = Point>| {
        let mut chain: Vec<Point> = Vec::new();
        for p in points {
            while let [.., a, b] = chain[..]
                && cross(a, b, p) <= 0
            {
                chain.pop();
            }
            chain.push(p);
        }
        chain.pop();
        chain
    };
    let mut corners = chain(&mut points.iter().copied());
    corners.extend(chain(&mut points.iter().rev().copied()));
    corners
}

/// The definition in the documentation, by other means than the generator's: hull, point in polygon, flood fill.
fn is_convex(image: ArrayView2<'_, u8>) -> bool {
    let all = || (0..28).flat_map(|r| (0..28).map(move |c| (r, c)));
    let white = |&(r, c): &Point| image.get((r as usize, c as usize)).is_some_and(|&pixel| pixel == 255);
    let points: Vec<Point> = all().filter(white).collect();
    let corners = hull(&points);
    let next = |i: usize| corners[(i + 1) % corners.len()];
    // The box matters where the hull is a line: there, the points beyond its ends are on no wrong side.
    let span = |f: fn(&Point) -> i32| points.iter().map(f).min()..=points.iter().map(f).max();
    let [rows, columns] = [span(|p| p.0), span(|p| p.1)];
    let in_box = |p: &Point| rows.contains(&Some(p.0)) && columns.contains(&Some(p.1));
    let inside = |p: &Point| in_box(p) && (0..corners.len()).all(|i| cross(corners[i], next(i), *p) >= 0);
    if all().filter(inside).count() != points.len() {
        return false;
    }
    let mut seen: HashSet<Point> = points.iter().take(1).copied().collect();
    let mut waiting: Vec<Point> = points.iter().take(1).copied().collect();
    while let Some((r, c)) = waiting.pop() {
        let near = (-1..=1).flat_map(|i| (-1..=1).map(move |j| (r + i, c + j)));
        waiting.extend(near.filter(white).filter(|&p| seen.insert(p)));
    }
    seen.len() == points.len()
}

#[test]
fn regions_are_convex_or_not_as_their_labels_say() {
    let splits = Variant::Convex.generate(10);
    for set in sets(&splits) {
        assert_balanced(set);
        for (i, (image, label)) in labelled(set).enumerate() {
            assert!(image.iter().all(|&pixel| pixel == 0 || pixel == 255));
            assert_eq!(label == 1, is_convex(image), "image {i}");
            let white = image.iter().filter(|&&pixel| pixel == 255).count();
            assert!(white >= if label == 1 { 19 } else { 10 }, "image {i}: {white}");
        }
    }
}
