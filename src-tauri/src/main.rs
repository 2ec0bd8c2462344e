//! The desk's window. It opens the core, hands over frames, and decides nothing.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod commands;
mod frames;

use std::process::ExitCode;
use std::sync::Arc;

use commands::{bytes_commands, typed_commands};
use frames::FramePump;
use tapedeck_core::api::desk::DeskHost;
use tapedeck_core::api::{ApiError, directory};
use tauri::{Manager, RunEvent};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.as_slice() {
        [] => open(),
        [flag, path] if flag == "--export-bindings" => typed_commands()
            .export(commands::language(), path)
            .map_err(|error| ApiError::refused("bindings_not_written", error, "Check the path.")),
        _ => Err(ApiError::refused(
            "unknown_arguments",
            "The desk takes no arguments.",
            "Set TAPEDECK_DATA to choose a data directory.",
        )),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tapedeck-desktop: {}\n  {}\n  {}", error.what, error.kept, error.r#do);
            ExitCode::from(2)
        }
    }
}

fn open() -> Result<(), ApiError> {
    let directory = directory::data_directory(None)?;
    let desk = Arc::new(DeskHost::open(&directory)?);
    let (typed, bytes) = (typed_commands().invoke_handler(), bytes_commands());
    let app = tauri::Builder::default()
        .manage(FramePump::new(Arc::clone(&desk)))
        .manage(Arc::clone(&desk))
        .invoke_handler(move |invoke| match invoke.message.command() {
            "history" | "timeline" => bytes(invoke),
            _ => typed(invoke),
        })
        .build(tauri::generate_context!())
        .map_err(|error| {
            ApiError::refused("no_window", error, "The desk needs a display; `tapedeck` works without one.")
        })?;
    app.run(move |handle, event| {
        if let RunEvent::Exit = event {
            handle.state::<FramePump>().stop();
            desk.close();
        }
    });
    Ok(())
}
