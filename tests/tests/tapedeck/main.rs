//! The whole system, driven through its binaries as a user would: the `tapedeck` command against files and a loopback exchange,
//! and the real window. Build both binaries first (`make test` does).
//!
//! `TAPEDECK_BIN`, `TAPEDECK_DESKTOP`: other binaries than those beside this one. `TAPEDECK_SOAK=1`: the counts the promises are
//! stated at. `TAPEDECK_BUGS`: the folder of the binaries `three_bugs` is about. `TAPEDECK_SKIPS=FILE`: a line is added there for every
//! test that could not run here. `TAPEDECK_TEST_SEED=N`: the seed a failed run printed.

mod analyst_live;
mod analyst_wire;
mod backfill;
mod bad_input;
mod counts;
mod crash;
mod deploy;
mod desk;
mod exchange;
mod faults;
mod full;
mod import;
mod lake;
mod lanes;
mod r#move;
mod patterns;
mod readers;
mod retention;
mod sessions;
mod signals_desk;
mod sql_tab;
mod support;
mod three_bugs;
mod tier_steps;
mod trade_desk;
mod trading;
mod window;
