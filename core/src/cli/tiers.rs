//! What commands share that write to the tiers.

use std::path::Path;

use tokio::runtime::Runtime;

use crate::api::ApiError;
use crate::api::config::Config;
use crate::session::archive::{Archive, Carried, SharedStatus};
use crate::session::recorder::Recorder;

pub(super) fn runtime() -> Result<Runtime, ApiError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| ApiError::refused("no_threads", error, "Close other programs and start again."))
}

/// Returns when every tier holds the journal's last input.
pub(super) fn carry(data: &Path, recorder: &mut Recorder) -> Result<Carried, ApiError> {
    let keep = Config::load(data)?.keep_records;
    runtime()?.block_on(async {
        let mut archive = Archive::open(data, SharedStatus::default()).await?;
        let carried = archive.carry_all(recorder, |_| {}).await?;
        archive.maintain().await?;
        archive.retire(recorder, keep).await?;
        Ok(carried)
    })
}
