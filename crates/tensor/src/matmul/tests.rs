use super::*;
use proptest::prelude::*;

/// The three loops that the kernel has to agree with, in f64.
fn naive(a: Mat<'_>, b: Mat<'_>) -> Vec<f64> {
    let at = |m: Mat<'_>, i: usize, j: usize| f64::from(m.0.data[i * m.0.row_stride + j * m.0.col_stride]);
    let mut out = vec![0.0; a.rows() * b.cols()];
    for i in 0..a.rows() {
        for j in 0..b.cols() {
            for p in 0..a.cols() {
                out[i * b.cols() + j] += at(a, i, p) * at(b, p, j);
            }
        }
    }
    out
}

/// Numbers in -1..1 without a pattern.
fn noise(len: usize, seed: u32) -> Vec<f32> {
    let mix = |i: u32| (i ^ seed).wrapping_mul(2_654_435_761).rotate_left(13).wrapping_mul(2_246_822_519);
    (0..len as u32).map(|i| mix(i) as i32 as f32 / i32::MAX as f32).collect()
}

fn mat(data: &[f32], rows: usize, cols: usize, transposed: bool) -> Mat<'_> {
    if transposed { Mat::new(data, cols, rows).t() } else { Mat::new(data, rows, cols) }
}

/// Every instruction set, transposition and way of writing against the three loops.
fn agrees([m, n, k]: [usize; 3]) {
    let (a, b) = (noise(m * k, 1), noise(k * n, 2));
    for which in 0..8 {
        let (a, b) = (mat(&a, m, k, which & 1 > 0), mat(&b, k, n, which & 2 > 0));
        let accum = if which & 4 > 0 { Accum::Add } else { Accum::Replace };
        let truth = naive(a, b);
        for isa in Isa::available() {
            let mut out = vec![if accum == Accum::Add { 1.0 } else { f32::NAN }; m * n];
            gemm(isa, a.0, b.0, Output { data: &mut out, accum }, &NoEpilogue);
            for (i, (&ours, truth)) in out.iter().zip(&truth).enumerate() {
                let truth = if accum == Accum::Add { truth + 1.0 } else { *truth };
                let bound = 1e-6 * (1.0 + k as f64).sqrt() * 4.0;
                assert!(
                    (f64::from(ours) - truth).abs() <= bound,
                    "{isa:?} {a:?} x {b:?} [{i}]: {ours} {truth}"
                );
            }
        }
    }
}

#[test]
fn edge_sizes_agree_with_three_loops() {
    let sizes = [0, 1, 7, 15, 16, 17, 33];
    for m in sizes {
        for n in sizes {
            for k in [0, 1, 7, 16, 17] {
                agrees([m, n, k]);
            }
        }
    }
}

#[test]
fn the_networks_shapes_agree_with_three_loops() {
    // One for each way of cutting the work, with more than one task.
    for shape in [[32, 512, 784], [512, 784, 32], [32, 784, 512], [130, 200, 300], [600, 70, 90]] {
        agrees(shape);
    }
    // And one of which no thread packs all for itself, but its rows, or a part of what all of them use.
    for threads in [2, 3] {
        crate::threads::run_on(threads, || agrees([260, 264, 520]));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn random_shapes_agree_with_three_loops(m in 1usize..80, n in 1usize..80, k in 1usize..80) {
        agrees([m, n, k]);
    }
}

#[test]
fn what_is_not_finite_stays_where_it_belongs() {
    let (m, n, k) = (13, 35, 20);
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let (mut a, b) = (noise(m * k, 1), vec![1.0; k * n]);
        a[5 * k + 3] = bad;
        for isa in Isa::available() {
            let mut out = vec![0.0; m * n];
            let (a, b) = (Mat::new(&a, m, k), Mat::new(&b, k, n));
            gemm(isa, a.0, b.0, Output { data: &mut out, accum: Accum::Replace }, &NoEpilogue);
            for (i, value) in out.iter().enumerate() {
                assert_eq!(value.is_finite(), i / n != 5, "{isa:?} {i}: {value}");
            }
        }
    }
}

#[test]
fn leaving_zeros_out_changes_no_bit() {
    // Whole rows of zeros, at the edges as well; rows with one other number, in each place; scattered zeros; zeros of either sign.
    let (m, n, k) = (26, 75, 165);
    let a = noise(m * k, 1);
    let mut b = noise(k * n, 2);
    for (i, b) in b.iter_mut().enumerate() {
        match (i / n, i % n) {
            (0..3 | 20..40 | 88..90, _) => *b = 0.0,
            (60..70, 32..) => *b = -0.0,
            (90.., j) if j != i / n - 90 => *b = 0.0,
            (90.., _) => {}
            (p, j) if (p + j) % 3 == 0 => *b = 0.0,
            _ => {}
        }
    }
    let transposed = turned(&b, k, n);
    for isa in Isa::available() {
        let fused = isa != Isa::available()[0] || cfg!(target_arch = "aarch64");
        let chain = |i: usize, j: usize| {
            (0..k).fold(0.0_f32, |sum, p| match (a[i * k + p], b[p * n + j]) {
                (a, b) if fused => a.mul_add(b, sum),
                (a, b) => a * b + sum,
            })
        };
        for b in [Mat::new(&b, k, n), Mat::new(&transposed, n, k).t()] {
            let mut out = vec![f32::NAN; m * n];
            gemm(
                isa,
                Mat::new(&a, m, k).0,
                b.0,
                Output { data: &mut out, accum: Accum::Replace },
                &NoEpilogue,
            );
            for (at, found) in out.iter().enumerate() {
                assert_eq!(found.to_bits(), chain(at / n, at % n).to_bits(), "{isa:?} {b:?} [{at}]");
            }
        }
    }
}

#[test]
fn listing_what_is_not_zero_changes_no_bit() {
    // Blocks and groups that are whole, and some that are not; one chunk of the inner dimension and several; columns listed one part after the other.
    for [m, n, k] in
        [[64, 64, 64], [75, 131, 54], [200, 70, 97], [128, 784, 33], [300, 90, 200], [64, 64, 4100]]
    {
        let mut a = noise(m * k, 1);
        let b: Vec<f32> =
            noise(k * n, 2).iter().map(|&x| if x.abs() < 0.15 { 4.0 * x } else { 0.0 * x }).collect();
        // Multiplied by a zero, this would show.
        a[7 * k + 5] = f32::INFINITY;
        let (a_turned, b_turned) = (turned(&a, m, k), turned(&b, k, n));
        for isa in Isa::available() {
            let fused = isa != Isa::available()[0] || cfg!(target_arch = "aarch64");
            let chain = |i: usize, j: usize| {
                (0..k).filter(|p| b[p * n + j] != 0.0).fold(0.0_f32, |sum, p| {
                    let (a, b) = (a[i * k + p], b[p * n + j]);
                    if fused { a.mul_add(b, sum) } else { a * b + sum }
                })
            };
            let truth: Vec<f32> = (0..m * n).map(|at| chain(at / n, at % n)).collect();
            // Either operand stored either way, the sparse one on the right or on the left.
            for which in 0..16 {
                let a = if which & 1 > 0 { Mat::new(&a_turned, k, m).t() } else { Mat::new(&a, m, k) };
                let b = if which & 2 > 0 { Mat::new(&b_turned, n, k).t() } else { Mat::new(&b, k, n) };
                let accum = if which & 4 > 0 { Accum::Add } else { Accum::Replace };
                let before = noise(m * n, 3);
                let mut expected = before.clone();
                expected.iter_mut().zip(&truth).for_each(|(to, &x)| accum.apply(to, x));
                let product = |threads: usize| {
                    let mut out = if which & 8 > 0 { turned(&before, m, n) } else { before.clone() };
                    let output = Output { data: &mut out, accum };
                    crate::threads::run_on(threads, || match which & 8 > 0 {
                        true => gemm(isa, b.t().0, a.t().0, output, &NoEpilogue),
                        false => gemm(isa, a.0, b.0, output, &NoEpilogue),
                    });
                    if which & 8 > 0 { turned(&out, n, m) } else { out }
                };
                for threads in [1, 3] {
                    for (at, (found, expected)) in product(threads).iter().zip(&expected).enumerate() {
                        let place = format!("{isa:?} {threads} threads, {which} of {m} {n} {k} [{at}]");
                        assert_eq!(found.to_bits(), expected.to_bits(), "{place}: {found} {expected}");
                    }
                }
            }
        }
    }
}

#[test]
fn parts_of_a_product_have_the_bits_of_all_of_it() {
    // Whole tiles, blocks and panels, and some that are not; and shapes of which a sparse one comes in parts with its zeros listed.
    for [m, n, k] in [[96, 32, 1], [130, 70, 33], [256, 128, 32], [512, 65, 16], [300, 33, 0]] {
        for (density, turned_left) in [(1.0, false), (1.0, true), (0.2, true)] {
            let a = noise(m * k, 1);
            let b =
                noise(k * n, 2).iter().map(|&x| if x.abs() < density { x } else { 0.0 }).collect::<Vec<_>>();
            let (a, b) = (mat(&a, m, k, turned_left), Mat::new(&b, k, n));
            let before = noise(m * n, 3);
            for isa in Isa::available() {
                let mut truth = before.clone();
                gemm(isa, a.0, b.0, Output { data: &mut truth, accum: Accum::Add }, &NoEpilogue);
                assert!(kernels::has_parts(isa, a.0, b.0), "{isa:?} {a:?} {b:?}");
                for threads in 1..4 {
                    let mut out = before.clone();
                    let add = |product: &mut [f32], (at, out): (std::ops::Range<usize>, &mut [f32])| {
                        assert_eq!((product.len(), at.start % n, at.len() % n), (at.len(), 0, 0));
                        out.iter_mut().zip(&*product).for_each(|(out, product)| *out += product);
                        product.fill(f32::NAN); // nobody needs it any more
                    };
                    let slices = (0..m * n, &mut out[..]);
                    crate::threads::run_on(threads, || gemm_in_parts(isa, a.0, b.0, slices, add));
                    assert!(out == truth, "{isa:?} {threads} threads, {density} of {a:?} {b:?}");
                }
            }
        }
    }
}

#[test]
fn a_part_stays_as_it_is_while_its_body_does_something_else() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let (a, b, mut out) = (noise(480 * 8, 1), noise(8 * 16, 2), vec![0.0; 480 * 16]);
    let (a, b) = (Mat::new(&a, 480, 8), Mat::new(&b, 8, 16));
    let parts = AtomicUsize::new(0);
    crate::threads::run_on(2, || {
        matmul_in_parts(a, b, &mut out[..], |product, out| {
            let (before, kept) = (parts.fetch_add(1, Ordering::Relaxed), product.to_vec());
            // As a wait for other threads may: it gives this thread another part.
            let _ = rayon::yield_now();
            if before == 0 {
                assert!(parts.load(Ordering::Relaxed) > 1);
            }
            assert!(product == kept);
            out.copy_from_slice(product);
        });
    });
    let mut truth = vec![0.0; 480 * 16];
    matmul(a, b, &mut truth, Accum::Replace);
    assert!(out == truth);
}

#[test]
fn which_products_come_in_parts() {
    let has_parts = |m: usize, n: usize, k: usize| {
        let (a, b) = (vec![0.0; m * k], vec![0.0; k * n]);
        matmul_has_parts(Mat::new(&a, m, k), Mat::new(&b, k, n))
    };
    assert!(has_parts(512, 784, 32) && has_parts(512, 784, 128));
    // All of the right-hand side in every core's cache would be too much; there are few rows; or none.
    assert!(
        !has_parts(512, 784, 512)
            && !has_parts(10, 256, 32)
            && !has_parts(0, 10, 10)
            && !has_parts(100, 0, 10)
    );
    let x = [0.0; 200];
    assert!(!matmul_has_parts(Mat::new(&x, 100, 2), Mat::new(&x[..20], 10, 2).t()));
}

#[test]
#[should_panic(expected = "matmul_in_parts: [2, 3] x [3, 2] does not come in parts")]
fn a_small_product_does_not_come_in_parts() {
    matmul_in_parts(Mat::new(&[0.0; 6], 2, 3), Mat::new(&[0.0; 6], 3, 2), 0..4, |_, _| ());
}

#[test]
#[should_panic(expected = "matmul_in_parts: [2, 3] x [3, 2] has 4 elements, found room for 5")]
fn a_part_has_its_slices() {
    matmul_in_parts(Mat::new(&[0.0; 6], 2, 3), Mat::new(&[0.0; 6], 3, 2), 0..5, |_, _| ());
}

/// A matrix of `rows` by `cols`, stored column by column.
fn turned(matrix: &[f32], rows: usize, cols: usize) -> Vec<f32> {
    (0..rows * cols).map(|i| matrix[i % rows * cols + i / rows]).collect()
}

/// What a layer with the tangent makes of `batch` examples from `first` on.
fn rows_of_a_layer(isa: Isa, (x, w, b): (&[f32], &[f32], &[f32]), first: usize, batch: usize) -> Vec<f32> {
    let (outputs, inputs) = (b.len(), w.len() / b.len());
    let x = Mat::new(&x[first * inputs..(first + batch) * inputs], batch, inputs);
    let w = Mat::new(w, outputs, inputs).t();
    let mut out = vec![f32::NAN; batch * outputs];
    let output = Output { data: &mut out, accum: Accum::Replace };
    let epilogue = BiasActivation { bias: Some(b), activation: Activation::Tanh };
    gemm(isa, x.0, w.0, output, &epilogue);
    out
}

#[test]
fn sparse_examples_have_the_bits_of_a_few() {
    // Listed together, packed in panels, or neither: with the bias and the activation at the right place of a block.
    let (batch, inputs, outputs) = (70, 301, 150);
    let (w, b) = (noise(outputs * inputs, 2), noise(outputs, 3));
    let x: Vec<f32> = noise(batch * inputs, 1).iter().map(|&x| if x.abs() < 0.2 { x } else { 0.0 }).collect();
    for isa in Isa::available() {
        let run = |first, batch| rows_of_a_layer(isa, (&x, &w, &b), first, batch);
        let all = run(0, batch);
        for (first, batch) in [(0, 1), (69, 1), (3, 4), (20, 40)] {
            assert_eq!(
                run(first, batch),
                all[first * outputs..(first + batch) * outputs],
                "{isa:?} {first} {batch}"
            );
        }
    }
}

#[test]
fn a_zero_that_is_left_out_hides_what_is_not_finite() {
    let (mut a, mut b) = (vec![1.0; 3 * 4], vec![1.0; 4 * 40]);
    (a[2], a[3]) = (f32::NAN, f32::INFINITY);
    b[2 * 40..].fill(0.0);
    let mut out = vec![0.0; 3 * 40];
    matmul(Mat::new(&a, 3, 4), Mat::new(&b, 4, 40), &mut out, Accum::Replace);
    assert_eq!(out, vec![2.0; 3 * 40]);
}

#[test]
fn rows_and_columns_of_a_product_do_not_depend_on_the_others() {
    // The same bits whichever tile an element falls into: one row alone equals that row among many.
    let (m, n, k) = (37, 61, 129);
    let (a, b) = (noise(m * k, 3), noise(k * n, 4));
    let product = |first: usize, rows: usize| {
        let mut out = vec![0.0; rows * n];
        matmul(
            Mat::new(&a[first * k..(first + rows) * k], rows, k),
            Mat::new(&b, k, n),
            &mut out,
            Accum::Replace,
        );
        out
    };
    let whole = product(0, m);
    for row in [0, 1, 12, 36] {
        assert_eq!(product(row, 1), whole[row * n..(row + 1) * n]);
    }
}

#[test]
fn few_examples_have_the_bits_of_many() {
    // Up to four take another way; in each length of a row, with the rows that fill no vector, with and without whole stretches of zeros,
    // and in several tasks.
    let small = [(1, 5), (3, 8), (4, 16), (6, 64), (64, 8), (8, 4), (17, 33)];
    for (inputs, outputs) in small.into_iter().chain([(301, 47), (784, 130), (1030, 1040)]) {
        let (mut x, w, b) = (noise(9 * inputs, 1), noise(outputs * inputs, 2), noise(outputs, 3));
        x.iter_mut().enumerate().filter(|(i, _)| i % inputs / 9 % 3 == 1).for_each(|(_, x)| *x = 0.0);
        let run = |isa, first, batch| rows_of_a_layer(isa, (&x, &w, &b), first, batch);
        for isa in Isa::available() {
            let all = run(isa, 0, 9);
            for (first, batch) in [(0, 1), (8, 1), (3, 2), (5, 3), (2, 4)] {
                let some = &all[first * outputs..(first + batch) * outputs];
                assert_eq!(run(isa, first, batch), some, "{isa:?} {inputs} {outputs} {first} {batch}");
            }
        }
    }
}

#[test]
fn operands_may_begin_anywhere() {
    for shift in [1, 3] {
        for [m, n, k] in [[1, 33, 17], [7, 15, 16], [17, 40, 9], [96, 70, 33]] {
            let (a, b) = (noise(shift + m * k, 1), noise(shift + k * n, 2));
            let (a, b) = (Mat::new(&a[shift..], m, k), Mat::new(&b[shift..], k, n));
            let (b_turned, truth) = (noise(shift + k * n, 4), naive(a, b));
            let b_turned = Mat::new(&b_turned[shift..], n, k).t();
            for isa in Isa::available() {
                for (b, truth) in [(b, &truth), (b_turned, &naive(a, b_turned))] {
                    let mut out = vec![0.5; shift + m * n];
                    let output = Output { data: &mut out[shift..], accum: Accum::Replace };
                    gemm(isa, a.0, b.0, output, &NoEpilogue);
                    assert_eq!(out[..shift], vec![0.5; shift]);
                    for (ours, truth) in out[shift..].iter().zip(truth) {
                        assert!((f64::from(*ours) - truth).abs() < 2e-5, "{isa:?} {m} {n} {k}");
                    }
                }
            }
        }
    }
}

#[test]
fn what_is_not_finite_spoils_its_output_of_a_single_example() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let (x, mut w) = (vec![1.0; 70], noise(40 * 70, 1));
        w[5 * 70 + 69] = bad;
        for isa in Isa::available() {
            let mut out = vec![0.0; 40];
            let output = Output { data: &mut out, accum: Accum::Replace };
            gemm(isa, Mat::new(&x, 1, 70).0, Mat::new(&w, 40, 70).t().0, output, &NoEpilogue);
            for (i, value) in out.iter().enumerate() {
                assert_eq!(value.is_finite(), i != 5, "{isa:?} {i}: {value}");
            }
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    // Packed by each thread, by all of them together, in groups of rows, and by the one or the other depending on how many there are.
    for [m, n, k] in [[96, 512, 784], [32, 784, 512], [512, 784, 32], [260, 264, 520], [512, 128, 600]] {
        let (a, b) = (noise(m * k, 5), noise(k * n, 6));
        for which in 0..4 {
            let product = || {
                let mut out = vec![f32::NAN; m * n];
                let (a, b) = (mat(&a, m, k, which & 1 > 0), mat(&b, k, n, which & 2 > 0));
                matmul(a, b, &mut out, Accum::Replace);
                out
            };
            let one = crate::threads::run_on(1, product);
            for threads in 2..=4 {
                assert!(
                    crate::threads::run_on(threads, product) == one,
                    "{threads} threads, {which} of {m} {n} {k}"
                );
            }
        }
    }
    let (x, w) = (noise(96 * 784, 5), noise(512 * 784, 6));
    let linear = || {
        let mut out = vec![f32::NAN; 96 * 512];
        linear(Mat::new(&x, 96, 784), Mat::new(&w, 512, 784), None, Activation::Tanh, &mut out);
        out
    };
    let one = crate::threads::run_on(1, linear);
    for threads in 2..=4 {
        assert!(crate::threads::run_on(threads, linear) == one, "{threads} threads");
    }
}

#[test]
fn bias_and_activation_are_what_they_are_apart() {
    for [batch, inputs, outputs] in [[5, 9, 40], [200, 30, 70], [3, 4, 2]] {
        let (x, w, b) = (noise(batch * inputs, 7), noise(outputs * inputs, 8), noise(outputs, 9));
        let (x, w) = (Mat::new(&x, batch, inputs), Mat::new(&w, outputs, inputs));
        let mut fused = vec![0.0; batch * outputs];
        linear(x, w, Some(&b), Activation::Sigmoid, &mut fused);
        let mut apart = vec![0.0; batch * outputs];
        matmul(x, w.t(), &mut apart, Accum::Replace);
        for (i, value) in apart.iter_mut().enumerate() {
            *value += b[i % outputs];
        }
        Activation::Sigmoid.forward(&mut apart);
        assert_eq!(fused, apart);
    }
}

#[test]
#[should_panic(expected = "a matrix product that is added to something has no epilogue")]
fn what_is_added_to_has_no_epilogue() {
    let output = Output { data: &mut [0.0; 4], accum: Accum::Add };
    let epilogue = BiasActivation { bias: None, activation: Activation::Relu };
    gemm(Isa::best(), Mat::new(&[0.0; 6], 2, 3).0, Mat::new(&[0.0; 6], 3, 2).0, output, &epilogue);
}

#[test]
#[should_panic(expected = "matmul: [2, 3] x [4, 5]: the inner extents differ")]
fn inner_extents_must_agree() {
    matmul(Mat::new(&[0.0; 6], 2, 3), Mat::new(&[0.0; 20], 4, 5), &mut [0.0; 10], Accum::Replace);
}

#[test]
#[should_panic(expected = "linear: weight [2, 3] with a bias of 3 elements")]
fn a_bias_has_an_element_per_output() {
    linear(
        Mat::new(&[0.0; 3], 1, 3),
        Mat::new(&[0.0; 6], 2, 3),
        Some(&[0.0; 3]),
        Activation::Relu,
        &mut [0.0; 2],
    );
}
