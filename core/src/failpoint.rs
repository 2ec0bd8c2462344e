//! Steps at which a test may stop the program, or have it fail. Nothing in a release build.

/// Ends the process when `TAPEDECK_FAIL_AT` names this step; for `error:` and the name, the step fails as a disk would. It may name several,
/// with commas between them.
///
/// Errors: the injected one, and no other.
#[cfg(any(test, debug_assertions))]
pub(crate) fn failpoint(name: &'static str) -> std::io::Result<()> {
    static WANTED: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    let wanted = WANTED.get_or_init(|| std::env::var("TAPEDECK_FAIL_AT").ok());
    for wanted in wanted.iter().flat_map(|wanted| wanted.split(',')) {
        if wanted == name {
            std::process::abort();
        } else if wanted.strip_prefix("error:") == Some(name) {
            return Err(std::io::Error::other(format!("failed at {name}, as asked for")));
        }
    }
    Ok(())
}

#[cfg(not(any(test, debug_assertions)))]
pub(crate) fn failpoint(_: &'static str) -> std::io::Result<()> {
    Ok(())
}
