//! Where the data lives.

use std::path::PathBuf;

use super::ApiError;

/// The directory given, else `TAPEDECK_DATA`, else the platform's own place for application data.
pub fn data_directory(given: Option<PathBuf>) -> Result<PathBuf, ApiError> {
    let chosen = given
        .or_else(|| std::env::var_os("TAPEDECK_DATA").map(PathBuf::from))
        .or_else(|| directories::ProjectDirs::from("org", "tapedeck", "Tapedeck").map(|d| d.data_dir().to_owned()))
        .ok_or_else(|| {
            ApiError::refused(
                "no_data_directory",
                "This account has no home directory.",
                "Give a directory with --data.",
            )
        })?;
    Ok(std::path::absolute(&chosen).unwrap_or(chosen))
}
