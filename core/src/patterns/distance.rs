//! How unlike two shapes are.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::window::Shape;

/// Sixty closes over the twelve five-minute averages that the thresholds were once set for.
const POINTS_PER_AVERAGE: f64 = 5.0;

/// Squared Euclidean distance over the sixty points ÷ 5.
///
/// Both shapes have squares that sum to 60, so this is 24 (1 − r), where r is the correlation of the two hours' closes: 0 for the same
/// hour, 24 for unrelated ones, 48 for its mirror image.
pub fn distance(one: &Shape, other: &Shape) -> f64 {
    let squared: f64 =
        one.points().iter().zip(other.points()).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    squared / POINTS_PER_AVERAGE
}

/// 1 ÷ (1 + distance): 1 for the same shape, 0.5 at a correlation of 0.958, 0.2 at 0.833, 0.1 at 0.625, 0.04 for unrelated hours.
pub fn similarity(distance: f64) -> f64 {
    1.0 / (1.0 + distance)
}

/// The place and distance of the `most` nearest of `shapes`, the nearest first; of equals the earlier. Looks at every one: it is what an
/// index is judged by, and quick enough for a few thousand.
pub fn nearest<'a>(to: &Shape, shapes: impl IntoIterator<Item = &'a Shape>, most: usize) -> Vec<(usize, f64)> {
    let mut kept: BinaryHeap<Near> = BinaryHeap::new();
    for (place, shape) in shapes.into_iter().enumerate() {
        kept.push(Near { distance: distance(to, shape), place });
        if kept.len() > most {
            kept.pop();
        }
    }
    kept.into_sorted_vec().into_iter().map(|near| (near.place, near.distance)).collect()
}

struct Near {
    distance: f64,
    place: usize,
}

impl Ord for Near {
    fn cmp(&self, other: &Self) -> Ordering {
        self.distance.total_cmp(&other.distance).then(self.place.cmp(&other.place))
    }
}

impl PartialOrd for Near {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Near {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Near {}
