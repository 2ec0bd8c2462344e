//! The steps at which a crash matters, by the names that `failpoint` knows.

/// Every one of them, in the order they are taken. A test dies at each, and fails at each.
pub const STEPS: [&str; 7] = [
    "warm.put.prepared",
    "warm.put.committed",
    "warm.compact.rewritten",
    "warm.compact.manifest",
    "warm.compact.published",
    "warm.sweep.expired",
    "warm.sweep.deleted",
];
