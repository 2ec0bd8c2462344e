//! Sixty closes, without their level and their size.

/// Closes of a window, one a minute.
pub const MINUTES: usize = 60;

/// Places of a vector: the sixty, and four zeros, since tables of vectors like a multiple of sixteen.
pub const WIDTH: usize = 64;

/// A window whose closes vary by less than this share of their mean has no shape: half a basis point is below what a spread alone makes
/// of a price that stands still, and dividing by it would make a landscape of noise.
pub const LEAST_VOLATILITY: f64 = 5e-5;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// z-scores of the closes, oldest first, then zeros.
    pub vector: [f32; WIDTH],
    pub mean_price: f64,
    /// Standard deviation of the closes (of all sixty, not of a sample), as a share of their mean.
    pub volatility: f64,
}

impl Shape {
    /// None of a flat window, and of prices that are not finite and above zero.
    ///
    /// Multiplying all closes by a factor, or adding a constant, changes nothing in the vector.
    pub fn of(closes: &[f64; MINUTES]) -> Option<Self> {
        if !closes.iter().all(|close| close.is_finite() && *close > 0.0) {
            return None;
        }
        let count = MINUTES as f64;
        // From the first, so that a high level does not cost digits.
        let first = closes[0];
        let offset = closes.iter().map(|close| close - first).sum::<f64>() / count;
        let variance = closes.iter().map(|close| square(close - first - offset)).sum::<f64>() / count;
        let (mean_price, deviation) = (first + offset, variance.sqrt());
        let volatility = deviation / mean_price;
        if !volatility.is_finite() || volatility < LEAST_VOLATILITY {
            return None;
        }
        let mut vector = [0.0; WIDTH];
        for (place, close) in vector.iter_mut().zip(closes) {
            *place = ((close - first - offset) / deviation) as f32;
        }
        Some(Self { vector, mean_price, volatility })
    }
}

fn square(x: f64) -> f64 {
    x * x
}

/// Squared Euclidean distance ÷ 5: sixty points, put on the scale of twelve five-minute averages, for which the thresholds were first chosen.
pub fn distance(a: &[f32; WIDTH], b: &[f32; WIDTH]) -> f64 {
    // Eight sums side by side, added up in a fixed order: quick, and the same on every machine.
    let mut sums = [0.0f32; 8];
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        for lane in 0..8 {
            let difference = a[lane] - b[lane];
            sums[lane] += difference * difference;
        }
    }
    sums.iter().map(|sum| f64::from(*sum)).sum::<f64>() / 5.0
}

/// 1 for the same shape, towards 0 for ever less alike.
pub fn similarity(distance: f64) -> f64 {
    1.0 / (1.0 + distance)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn closes(walk: &[i32]) -> [f64; MINUTES] {
        let mut at = 40_000.0;
        std::array::from_fn(|minute| {
            at += f64::from(walk[minute]) / 10.0;
            at
        })
    }

    fn apart(a: &Shape, b: &Shape) -> f32 {
        a.vector.iter().zip(b.vector).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    proptest! {
        #[test]
        fn neither_the_level_nor_the_size_of_prices_changes_a_shape(
            walk in proptest::collection::vec(-500..500, MINUTES),
            factor in 1e-6f64..1e6,
            constant in 0.0f64..1e6,
        ) {
            let closes = closes(&walk);
            let Some(shape) = Shape::of(&closes) else { return Ok(()) };
            let multiplied = Shape::of(&closes.map(|close| close * factor)).expect("as volatile as before");
            prop_assert!(apart(&shape, &multiplied) < 1e-6);
            // Higher up the same moves are a smaller share, and may count as flat.
            if let Some(added) = Shape::of(&closes.map(|close| close + constant)) {
                prop_assert!(apart(&shape, &added) < 1e-6);
            }
            let mean: f32 = shape.vector.iter().sum::<f32>() / MINUTES as f32;
            let length: f32 = shape.vector.iter().map(|z| z * z).sum();
            prop_assert!(mean.abs() < 1e-5 && (length - MINUTES as f32).abs() < 1e-3);
        }
    }

    #[test]
    fn a_flat_hour_has_no_shape_at_any_price() {
        for price in [1e-6, 1.0, 40_000.0, 1e9] {
            assert_eq!(Shape::of(&[price; MINUTES]), None);
            let ticking = std::array::from_fn(|minute| price * if minute % 2 == 0 { 1.0 } else { 1.000_09 });
            assert_eq!(Shape::of(&ticking), None, "0.45 bp at {price}");
            let moving = std::array::from_fn(|minute| price * if minute % 2 == 0 { 1.0 } else { 1.000_11 });
            assert!(Shape::of(&moving).is_some(), "0.55 bp at {price}");
        }
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let mut closes = closes(&[3; MINUTES]);
            closes[17] = wrong;
            assert_eq!(Shape::of(&closes), None, "{wrong}");
        }
    }

    #[test]
    fn distances_are_those_of_the_definition() {
        let (rising, falling) = (closes(&[7; MINUTES]), closes(&[-7; MINUTES]));
        let (rising, falling) = (Shape::of(&rising).expect("a shape"), Shape::of(&falling).expect("a shape"));
        assert_eq!(similarity(distance(&rising.vector, &rising.vector)), 1.0);
        // A shape and its mirror are 2 z apart at each of the sixty: 4 × 60 ÷ 5.
        assert!((distance(&rising.vector, &falling.vector) - 48.0).abs() < 1e-3);
    }
}
