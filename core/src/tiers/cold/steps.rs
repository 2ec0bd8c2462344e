//! The steps at which a crash matters, by the names that `failpoint` knows.

/// Every one of an append and of keeping house, in the order they are taken. A test dies at each, and fails at each.
pub const STEPS: [&str; 15] = [
    "cold.file.write",
    "cold.file.sync",
    "cold.file.synced",
    "cold.file.named",
    "cold.append.written",
    "cold.commit.metadata",
    "cold.commit.begin",
    "cold.commit.swapped",
    "cold.commit.done",
    "cold.compact.written",
    "cold.compact.manifests",
    "cold.compact.published",
    "cold.expire.published",
    "cold.expire.deleted",
    "cold.orphans.deleted",
];

/// Of having a table that was moved say where it lies. `cold.file.` and `cold.commit.` are on the way too.
pub const RELOCATION_STEPS: [&str; 4] =
    ["cold.relocate.manifests", "cold.relocate.metadata", "cold.relocate.published", "cold.relocate.deleted"];
