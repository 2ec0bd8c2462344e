//! Directory entries that survive a power cut.
//!
//! The library syncs each file it writes and no directory. So the folders of new data files are synced before the commit that names them,
//! and those of the manifests and the snapshot after it, before it is acknowledged: what was acknowledged stays, and no snapshot outlives
//! the files it names.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use super::WarmError;

/// Syncs each folder and those above it, up to and including `root`, each once.
pub(super) async fn sync_up_to(root: &Path, folders: impl IntoIterator<Item = PathBuf>) -> Result<(), WarmError> {
    let mut all = BTreeSet::from([root.to_owned()]);
    for folder in folders {
        all.extend(folder.ancestors().take_while(|above| *above != root).map(Path::to_owned));
    }
    tokio::task::spawn_blocking(move || {
        all.into_iter().try_for_each(|path| {
            File::open(&path)
                .and_then(|folder| folder.sync_all())
                .map_err(|source| WarmError::Directory { path, source })
        })
    })
    .await
    .expect("syncing a folder does not panic")
}
