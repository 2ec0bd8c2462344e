//! A month on the deck: how long a seek takes to a drawn chart, how quickly it plays, and how well it keeps the pace.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use tokio::runtime::Runtime;

use super::{ApiError, Figure, bitcoin_day, failed, temporary};
use crate::clock;
use crate::domain::time::{DAY, HOUR, MINUTE};
use crate::domain::{
    Action, EventTime, Input, Order, Pair, Quantity, Seq, Side, Source, Stamped, TapeTime, Terms, TickKind,
    TimeInForce, TradeId,
};
use crate::session::account::AccountTerms;
use crate::session::archive::{Archive, SharedStatus};
use crate::session::playable::{Playable, TapeLane, TapeRange};
use crate::session::player::{Player, Way};
use crate::session::recorded::RecordedTape;
use crate::session::recorder::Recorder;
use crate::session::run::run;

const DAYS: i64 = 30;
const GROUP: usize = 16_384;
const SEEKS: usize = 200;

/// Minutes of a chart as it is first drawn.
const CHART: i64 = 300;

pub(super) fn seek() -> Result<Vec<Figure>, ApiError> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(|e| failed(&e))?;
    let directory = temporary()?;
    let terms = crate::api::config::Config::load(directory.path())?.terms();
    let day = bitcoin_day()?;
    let recorder = month(&runtime, directory.path(), &day, &terms)?;
    let tape = RecordedTape::of(&recorder, TapeRange::whole(TapeLane::One(Source::Live)), &[])?;
    let tape: Arc<dyn Playable> = Arc::new(tape.ok_or_else(|| failed(&"nothing was recorded"))?);
    let mut figures = seeks(&tape, &terms)?;
    figures.extend(pace(&tape, &terms)?);
    figures.push(at_max(&recorder, &terms)?);
    Ok(figures)
}

fn figure(what: impl Into<String>, value: f64, unit: &'static str) -> Figure {
    Figure::told("seek", what, value, unit)
}

fn buy(number: i64) -> Action {
    Action::Place(Order {
        id: format!("day-{number}").parse().expect("letters, a dash and digits"),
        pair: "BTC-USD".parse().expect("a pair"),
        side: Side::Buy,
        quantity: Quantity::from_units(1_000_000),
        terms: Terms::Market,
        time_in_force: TimeInForce::GoodTillCancelled,
        reduce_only: false,
        post_only: false,
        take_profit: None,
        stop_loss: None,
    })
}

/// The BTC day again and again as if it had come live, archived and gone from the journal, with an account that buys a little each day.
fn month(
    runtime: &Runtime,
    directory: &std::path::Path,
    day: &[Stamped],
    terms: &AccountTerms,
) -> Result<Recorder, ApiError> {
    let (mut recorder, _) = Recorder::open(directory)?;
    let mut archive = runtime.block_on(Archive::open(directory, SharedStatus::default()))?;
    for number in 0..DAYS {
        for group in day.chunks(GROUP) {
            let mut inputs: Vec<(EventTime, Input)> = group.iter().filter_map(|input| live_on(input, number)).collect();
            recorder.commit(&mut inputs)?;
        }
        recorder.command(&[buy(number)], terms)?;
        recorder.checkpoint()?;
        runtime.block_on(async {
            archive.carry_all(&mut recorder, |_| {}).await?;
            archive.retire(&mut recorder, 262_144).await
        })?;
    }
    runtime.block_on(archive.maintain())?;
    Ok(recorder)
}

/// A tick of the day, by the live lane.
pub(super) fn live(input: &Stamped) -> Option<(EventTime, Input)> {
    live_on(input, 0)
}

/// The same so many days later.
fn live_on(input: &Stamped, number: i64) -> Option<(EventTime, Input)> {
    let Input::Tick(mut tick) = input.input else { return None };
    tick.source = Source::Live;
    // As if it came now: an order is not given after a silence.
    tick.received_time = clock::received_now();
    tick.event_time = tick.event_time.plus_nanos(number * DAY);
    if let TickKind::Trade(trade) = &mut tick.kind {
        trade.trade_id = TradeId(trade.trade_id.0 + number as u64 * 10_000_000);
    }
    Some((EventTime::from_nanos(input.tape_time.nanos() + number * DAY), Input::Tick(tick)))
}

/// Until the player is there.
fn arrive(player: &mut Player) {
    while player.is_seeking() {
        player.advance(clock::monotonic());
    }
}

fn timed(player: &mut Player, pair: Pair, to: TapeTime) -> Result<Duration, ApiError> {
    let started = Instant::now();
    player.seek(to, clock::monotonic());
    arrive(player);
    let to = EventTime::from_nanos(to.nanos());
    let shown = player.minutes(pair, to.plus_nanos(-CHART * MINUTE), to.plus_nanos(MINUTE))?;
    if shown.len() < 30 || player.failed().is_some() {
        return Err(failed(&format!("{} candles at {to}; {:?}", shown.len(), player.failed())));
    }
    Ok(started.elapsed())
}

fn percentiles(what: &str, mut waits: Vec<Duration>) -> Vec<Figure> {
    waits.sort_unstable();
    let ms = |share: f64| {
        let place = ((waits.len() as f64 * share).ceil() as usize).clamp(1, waits.len().max(1)) - 1;
        waits.get(place).map_or(f64::NAN, |wait| wait.as_secs_f64() * 1e3)
    };
    vec![
        figure(format!("{what}, median of {}", waits.len()), ms(0.5), "ms"),
        Figure::at_most("seek", format!("{what}, p95"), ms(0.95), "ms", 200.0),
        figure(format!("{what}, worst"), ms(1.0), "ms"),
    ]
}

fn seeks(tape: &Arc<dyn Playable>, terms: &AccountTerms) -> Result<Vec<Figure>, ApiError> {
    let pair = tape.pairs()[0];
    let mut dice = ChaCha8Rng::seed_from_u64(30);
    let mut within =
        |from: i64, to: i64| TapeTime::from_nanos(from + (dice.next_u64() % (to - from).max(1) as u64) as i64);
    let mut player = Player::new(Arc::clone(tape), terms, clock::monotonic())?;
    let (first, last) = (tape.from().nanos() + HOUR, tape.to().nanos());
    let mut waits = Vec::new();
    for _ in 0..SEEKS {
        waits.push(timed(&mut player, pair, within(first, last))?);
    }
    let what = format!("{DAYS} days ({} trades): seek to a drawn chart", tape.trades());
    let mut figures = percentiles(&what, waits);
    // On a fork, whose account nobody has recorded.
    let fork = TapeTime::from_nanos(tape.from().nanos() + DAYS / 2 * DAY);
    timed(&mut player, pair, fork)?;
    let plan = player.plan(buy(DAYS), terms);
    player.act(&plan);
    let (first, last) = (fork.nanos(), fork.nanos() + DAY);
    let mut waits = vec![];
    let beginning = timed(&mut player, pair, TapeTime::from_nanos(last))?;
    for _ in 0..SEEKS {
        waits.push(timed(&mut player, pair, within(first, last))?);
    }
    figures.extend(percentiles("a day of a fork: seek to a drawn chart", waits));
    figures.push(figure("the first one to its end", beginning.as_secs_f64() * 1e3, "ms"));
    Ok(figures)
}

/// Ten minutes of tape at a speed, against a clock.
fn pace(tape: &Arc<dyn Playable>, terms: &AccountTerms) -> Result<Vec<Figure>, ApiError> {
    let mut figures = Vec::new();
    for speed in [60, 600] {
        let mut player = Player::new(Arc::clone(tape), terms, clock::monotonic())?;
        let from = tape.from().nanos() + 14 * HOUR;
        timed(&mut player, tape.pairs()[0], TapeTime::from_nanos(from))?;
        player.set_speed(Some(speed), clock::monotonic());
        let started = Instant::now();
        player.play(clock::monotonic());
        // What the deck has stepped, not what its clock says.
        let until = from + 10 * MINUTE;
        while player.place().at.nanos() < until && player.playing() {
            player.advance(clock::monotonic());
            std::thread::sleep(Duration::from_millis(1));
        }
        let expected = 600.0 / f64::from(speed);
        let off = (started.elapsed().as_secs_f64() / expected - 1.0).abs() * 100.0;
        figures.push(Figure::at_most("seek", format!("ten minutes of tape at {speed}×: off the pace"), off, "%", 1.0));
    }
    Ok(figures)
}

/// Three days from the archive through candles, matching and ledger, with an account that trades.
fn at_max(recorder: &Recorder, terms: &AccountTerms) -> Result<Figure, ApiError> {
    let whole = TapeRange::whole(TapeLane::One(Source::Live));
    let first = RecordedTape::of(recorder, whole, &[])?.ok_or_else(|| failed(&"nothing was recorded"))?.from();
    let range = TapeRange { to: Some(TapeTime::from_nanos(first.nanos() + 3 * DAY)), ..whole };
    let tape = RecordedTape::of(recorder, range, &[])?.ok_or_else(|| failed(&"nothing was recorded"))?;
    let way = Way::recorded(Seq(u64::MAX));
    let started = Instant::now();
    let outcome = run(&(Arc::new(tape) as Arc<dyn Playable>), &way, &[], terms, None, |_| true)?;
    let rate = outcome.map_or(0.0, |outcome| outcome.ticks as f64) / started.elapsed().as_secs_f64();
    let what = "archive → candles, matching and ledger of a session, at max";
    Ok(Figure::at_least("seek", what, rate, "ticks/s", 1e6))
}
