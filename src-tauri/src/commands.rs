//! What the page may call. Each is one line: the core decides.

use std::sync::Arc;

use specta_typescript::Typescript;
use tapedeck_core::api::ApiError;
use tapedeck_core::api::comparison::ComparisonView;
use tapedeck_core::api::desk::DeskHost;
use tapedeck_core::api::models::Models;
use tapedeck_core::api::notes::{NoteView, Notes};
use tapedeck_core::api::patterns::AlikeView;
use tapedeck_core::api::pipeline::Pipeline;
use tapedeck_core::api::sql::{SqlAnswer, SqlAsk, SqlExport, SqlFailure, SqlFormat, SqlTable};
use tapedeck_core::api::studies::StudiesRequest;
use tapedeck_core::api::trading::{Answer, Request};
use tapedeck_core::api::view::{Deck, Desk, Frame, Range, SessionCommand, Transport, Watch};
use tauri::ipc::{Channel, Invoke, Response};
use tauri::{State, Wry};
use tauri_specta::{Builder, collect_commands};

use crate::frames::FramePump;

type Host<'a> = State<'a, Arc<DeskHost>>;

#[tauri::command]
#[specta::specta]
fn desk(host: Host<'_>) -> Result<Desk, ApiError> {
    Ok(host.desk())
}

/// Starts frames to this page.
#[tauri::command]
#[specta::specta]
fn open_frames(frames: Channel<Frame>, pump: State<'_, FramePump>) -> Result<(), ApiError> {
    pump.open(frames);
    Ok(())
}

/// The last frame is on the screen.
#[tauri::command]
#[specta::specta]
fn drawn(pump: State<'_, FramePump>) -> Result<(), ApiError> {
    pump.drawn();
    Ok(())
}

#[tauri::command]
#[specta::specta]
fn choose_deck(deck: Deck, host: Host<'_>) -> Result<(), ApiError> {
    host.choose_deck(deck)
}

#[tauri::command]
#[specta::specta]
fn watch(watch: Watch, host: Host<'_>) -> Result<(), ApiError> {
    host.watch(&watch)
}

// Off the window's thread: a long jump steps through minutes of tape.
#[tauri::command(async)]
#[specta::specta]
fn transport(command: Transport, host: Host<'_>) -> Result<(), ApiError> {
    host.transport(&command)
}

/// Bars as bytes; the layout is in `tapedeck_core::api::series`.
#[tauri::command(async)]
fn history(
    pair: &str,
    interval: &str,
    before_ms: Option<f64>,
    limit: u32,
    host: Host<'_>,
) -> Result<Response, ApiError> {
    host.history(pair, interval, before_ms, limit).map(Response::new)
}

#[tauri::command(async)]
fn timeline(from_ms: Option<f64>, to_ms: Option<f64>, peek: bool, host: Host<'_>) -> Result<Response, ApiError> {
    let range = from_ms.zip(to_ms).map(|(from_ms, to_ms)| Range { from_ms, to_ms });
    host.timeline(range, peek).map(Response::new)
}

/// Puts what was recorded live on the deck, at a moment of the past.
#[tauri::command(async)]
#[specta::specta]
fn replay(at_ms: f64, host: Host<'_>) -> Result<(), ApiError> {
    host.replay(at_ms)
}

/// Answers the id of a session that was deleted.
#[tauri::command(async)]
#[specta::specta]
fn session(command: SessionCommand, host: Host<'_>) -> Result<Option<String>, ApiError> {
    host.session(&command)
}

/// Runs two sessions of the tape on the deck beside each other; frames say how it stands.
#[tauri::command(async)]
#[specta::specta]
fn compare(first: u32, second: u32, host: Host<'_>) -> Result<(), ApiError> {
    host.compare(first, second)
}

#[tauri::command]
#[specta::specta]
fn cancel_comparison(host: Host<'_>) -> Result<(), ApiError> {
    host.cancel_comparison();
    Ok(())
}

/// What came of the last comparison that was finished.
#[tauri::command(async)]
#[specta::specta]
fn comparison(host: Host<'_>) -> Result<ComparisonView, ApiError> {
    host.comparison()
}

/// Earlier candles of a live pair; frames say how it stands.
#[tauri::command(async)]
#[specta::specta]
fn backfill(pair: String, months: u32, host: Host<'_>) -> Result<(), ApiError> {
    host.backfill(&pair, months)
}

#[tauri::command]
#[specta::specta]
fn cancel_backfill(host: Host<'_>) -> Result<(), ApiError> {
    host.cancel_backfill();
    Ok(())
}

#[tauri::command]
#[specta::specta]
async fn sql_schema(host: Host<'_>) -> Result<Vec<SqlTable>, SqlFailure> {
    host.sql().schema().await
}

#[tauri::command]
#[specta::specta]
async fn sql_run(ask: SqlAsk, host: Host<'_>) -> Result<SqlAnswer, SqlFailure> {
    host.sql().run(ask, host.cursor()).await
}

#[tauri::command]
#[specta::specta]
fn sql_cancel(host: Host<'_>) -> Result<(), SqlFailure> {
    host.sql().cancel();
    Ok(())
}

#[tauri::command(async)]
#[specta::specta]
fn sql_rows(id: u32, from: u32, count: u32, host: Host<'_>) -> Result<Vec<Vec<Option<String>>>, SqlFailure> {
    host.sql().rows(id, from, count)
}

#[tauri::command(async)]
#[specta::specta]
fn sql_sort(id: u32, column: Option<u32>, descending: bool, host: Host<'_>) -> Result<(), SqlFailure> {
    host.sql().sort(id, column, descending)
}

#[tauri::command(async)]
#[specta::specta]
fn sql_export(id: u32, format: SqlFormat, host: Host<'_>) -> Result<SqlExport, SqlFailure> {
    host.sql().export(id, format)
}

#[tauri::command(async)]
#[specta::specta]
fn pipeline(host: Host<'_>) -> Result<Pipeline, ApiError> {
    Ok(host.pipeline())
}

/// The hours that looked like the last one of a pair on the deck, as of its cursor.
#[tauri::command]
#[specta::specta]
async fn alike(pair: String, across: bool, host: Host<'_>) -> Result<AlikeView, ApiError> {
    host.alike(&pair, across).await
}

/// Notes of the analyst that are known where the deck stands, the newest first.
#[tauri::command]
#[specta::specta]
async fn notes(pair: Option<String>, before_ms: Option<f64>, limit: u32, host: Host<'_>) -> Result<Notes, ApiError> {
    host.notes(pair.as_deref(), before_ms, limit).await
}

/// One of them with its facts.
#[tauri::command(async)]
#[specta::specta]
fn note(id: String, host: Host<'_>) -> Result<NoteView, ApiError> {
    host.note(&id)
}

/// Makes a note where the deck stands, and answers its id.
#[tauri::command]
#[specta::specta]
async fn ask_analyst(pair: String, host: Host<'_>) -> Result<String, ApiError> {
    host.ask_analyst(&pair).await
}

#[tauri::command]
#[specta::specta]
async fn models(host: Host<'_>) -> Result<Models, ApiError> {
    Ok(host.models().await)
}

/// From the next note on; none is rules alone.
#[tauri::command(async)]
#[specta::specta]
fn choose_model(name: Option<String>, host: Host<'_>) -> Result<(), ApiError> {
    host.choose_model(name.as_deref())
}

/// Has the server fetch a model; frames say how it goes on.
#[tauri::command(async)]
#[specta::specta]
fn pull_model(name: String, host: Host<'_>) -> Result<(), ApiError> {
    host.pull_model(&name)
}

#[tauri::command(async)]
#[specta::specta]
fn cancel_pull(host: Host<'_>) -> Result<(), ApiError> {
    host.cancel_pull();
    Ok(())
}

/// Lines of indicators as bytes; the layout is in `tapedeck_core::api::studies`.
#[tauri::command(async)]
fn studies(request: StudiesRequest, host: Host<'_>) -> Result<Response, ApiError> {
    host.studies(&request).map(Response::new)
}

/// Asks the account, or tells it something: what was told is durable when this answers.
#[tauri::command(async)]
#[specta::specta]
fn trade(request: Request, host: Host<'_>) -> Result<Answer, ApiError> {
    host.trade(&request)
}

/// Commands whose TypeScript is generated.
pub(crate) fn typed_commands() -> Builder<Wry> {
    // One shape both ways: nothing here is written otherwise than it is read.
    Builder::new().disable_serde_phases().commands(collect_commands![
        desk,
        open_frames,
        drawn,
        choose_deck,
        watch,
        transport,
        replay,
        session,
        compare,
        cancel_comparison,
        comparison,
        backfill,
        cancel_backfill,
        sql_schema,
        sql_run,
        sql_cancel,
        sql_rows,
        sql_sort,
        sql_export,
        pipeline,
        alike,
        notes,
        note,
        ask_analyst,
        models,
        choose_model,
        pull_model,
        cancel_pull,
        trade
    ])
}

pub(crate) fn bytes_commands() -> impl Fn(Invoke<Wry>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![history, timeline, studies]
}

pub(crate) fn language() -> Typescript {
    Typescript::default().header("// Generated from the Rust types by `make bindings`. Do not edit.\n")
}
