//! The table of patterns: made of a quarter million minutes, searched exactly and by its index, beside faiss on the same vectors.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ops::Range;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use super::{Figure, failed, median, peers_python, temporary};
use crate::api::ApiError;
use crate::domain::money::ONE;
use crate::domain::time::MINUTE;
use crate::domain::{Amount, Candle, EventTime, Pair, Price, Quality, Seq, Source, TapeTime};
use crate::patterns::{Builder, Candles, Event, Pattern, Question, SHAPE_WIDTH, nearest};
use crate::tiers::vectors::{Reader, Vectors};

/// As many as the six pairs of six weeks that this is said of.
const PAIRS: [&str; 6] = ["BTC-USD", "ETH-USD", "SOL-USD", "DOGE-USD", "AVAX-USD", "LINK-USD"];
const MINUTES: i64 = 61_276;

/// Candles whose patterns go into one commit.
const BATCH: usize = 16_384;

const QUESTIONS: usize = 100;
const NEAREST: usize = 10;

const PEER: &str = include_str!("patterns/faiss.py");

pub(super) fn patterns() -> Result<Vec<Figure>, ApiError> {
    let directory = temporary()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| failed(&e))?;
    let walks = Walks::new();
    let mut figures = runtime.block_on(measure(directory.path(), &walks))?;
    match peer(directory.path()) {
        Ok(peer) => {
            let what = |what: &str| format!("faiss-cpu {}: {what}", peer.version);
            figures.push(Figure::told("patterns", what("one question of all, exactly, p50"), peer.exact_ms, "ms"));
            figures.push(Figure::told("patterns", what("its lists, made"), peer.built_s, "s"));
            figures.push(Figure::told("patterns", what("one question of all by lists, p50"), peer.lists_ms, "ms"));
            figures.push(Figure::told("patterns", what("recall@10 by lists"), peer.recall, ""));
        }
        Err(why) => {
            figures.push(Figure::told("patterns", format!("NOT MEASURED: faiss-cpu. {why}"), 0.0, ""));
        }
    }
    Ok(figures)
}

async fn measure(directory: &Path, walks: &Walks) -> Result<Vec<Figure>, ApiError> {
    let started = Instant::now();
    let mut vectors = Vectors::open(directory).await.map_err(|e| failed(&e))?;
    let (mut builder, mut batch, mut made): (_, Vec<(Seq, Event)>, Vec<Pattern>) =
        (Builder::default(), Vec::new(), Vec::new());
    for candle in walks.in_order() {
        let Ok(events) = builder.take(candle, walks);
        for event in events {
            if let Event::Add(pattern) = &event {
                made.push(*pattern);
            }
            batch.push((candle.seq, event));
        }
        if batch.len() >= BATCH {
            vectors.put(&batch, candle.seq).await.map_err(|e| failed(&e))?;
            batch.clear();
        }
    }
    vectors.put(&batch, walks.last()).await.map_err(|e| failed(&e))?;
    let took = started.elapsed().as_secs_f64();
    let what = format!("{} candles to {} patterns in the table", walks.count(), made.len());
    let mut figures = vec![Figure::at_most("patterns", what, took, "s", 60.0)];

    let bytes: Vec<u8> =
        made.iter().flat_map(|pattern| pattern.shape().as_stored().iter().flat_map(|x| x.to_le_bytes())).collect();
    std::fs::write(directory.join("vectors.f32"), bytes).map_err(|e| failed(&e))?;
    let reader = Reader::open(directory).await.map_err(|e| failed(&e))?;
    let (of_pair, _) = ask(&reader, &made, false).await?;
    figures.push(Figure::told("patterns", "one question of one pair, exactly, p50", of_pair, "ms"));
    let (of_all, _) = ask(&reader, &made, true).await?;
    figures.push(Figure::told("patterns", "one question of all pairs, exactly, p50", of_all, "ms"));

    let started = Instant::now();
    vectors.maintain().await.map_err(|e| failed(&e))?;
    figures.push(Figure::told("patterns", "files joined, and the index made", started.elapsed().as_secs_f64(), "s"));
    let reader = Reader::open(directory).await.map_err(|e| failed(&e))?;
    let (by_index, recall) = ask(&reader, &made, true).await?;
    figures.push(Figure::told("patterns", "one question of all pairs by the index, p50", by_index, "ms"));
    figures.push(Figure::at_least("patterns", "recall@10 by the index", recall, "", 0.95));
    Ok(figures)
}

/// Milliseconds at the median, and the share of the nearest that was found.
async fn ask(reader: &Reader, made: &[Pattern], across: bool) -> Result<(f64, f64), ApiError> {
    let (mut samples, mut found_of, mut asked) = (Vec::new(), 0, 0);
    let step = (made.len() / QUESTIONS).max(1);
    for pattern in made.iter().step_by(step).take(QUESTIONS) {
        let cursor = TapeTime::from_nanos(i64::MAX);
        let question = Question { window: pattern.window, cursor, most: NEAREST };
        let started = Instant::now();
        let found = reader.search(&question, across, None).await.map_err(|e| failed(&e))?;
        samples.push(started.elapsed().as_secs_f64() * 1e3);
        if across {
            let ids: Vec<_> = found.candidates.iter().map(|candidate| candidate.past.id).collect();
            let truth = nearest(pattern.shape(), made.iter().map(Pattern::shape), NEAREST);
            found_of += truth.iter().filter(|(place, _)| ids.contains(&made[*place].id)).count();
            asked += truth.len();
        }
    }
    Ok((median(samples), found_of as f64 / asked.max(1) as f64))
}

#[derive(serde::Deserialize)]
struct Answer {
    version: String,
    exact_ms: f64,
    built_s: f64,
    lists_ms: f64,
    recall: f64,
}

/// Errors: why it can not be asked here.
fn peer(directory: &Path) -> Result<Answer, String> {
    let python = peers_python().ok_or("TAPEDECK_PEERS names no Python, and scripts/peers.sh has made none")?;
    let arguments = [SHAPE_WIDTH.to_string(), QUESTIONS.to_string(), NEAREST.to_string()];
    let output = Command::new(&python).arg("-c").arg(PEER).arg(directory.join("vectors.f32")).args(arguments).output();
    let output = output.map_err(|error| format!("{} does not start: {error}", python.display()))?;
    let said = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&said).map_err(|_| {
        let complaint = String::from_utf8_lossy(&output.stderr);
        format!("It said `{}` {}", said.trim(), complaint.trim())
    })
}

/// Minutes of pairs that move together and apart, the same every time.
struct Walks {
    of: BTreeMap<Pair, Vec<Candle>>,
}

impl Walks {
    fn new() -> Self {
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        // Sums of uniform draws, near enough to what prices do for the work to be the same.
        let mut draw = || {
            let mut sum = 0.0;
            for _ in 0..4 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                sum += (random >> 11) as f64 / (1u64 << 53) as f64 - 0.5;
            }
            sum
        };
        let mut of: BTreeMap<Pair, Vec<Candle>> = BTreeMap::new();
        let mut logs = [0.0f64; PAIRS.len()];
        for minute in 0..MINUTES {
            let common = draw() * 6e-4;
            for (place, name) in PAIRS.iter().enumerate() {
                let before = logs[place];
                logs[place] += common + draw() * 6e-4;
                let price = |log: f64| Price::from_units((log.exp() * 1_000.0 * ONE as f64) as i64);
                let (open, close) = (price(before), price(logs[place]));
                let (start, end) = (minute * MINUTE, (minute + 1) * MINUTE);
                let pair: Pair = name.parse().expect("a pair");
                of.entry(pair).or_default().push(Candle {
                    source: Source::Live,
                    pair,
                    window_start: EventTime::from_nanos(start),
                    window_end: EventTime::from_nanos(end),
                    open,
                    high: open.max(close),
                    low: open.min(close),
                    close,
                    volume: Amount::from_units(i128::from(ONE)),
                    tick_count: 1,
                    quality: Quality::Complete,
                    revision: 0,
                    tape_time: TapeTime::from_nanos(end),
                    seq: Seq((minute as u64) * PAIRS.len() as u64 + place as u64 + 1),
                });
            }
        }
        Self { of }
    }

    fn in_order(&self) -> impl Iterator<Item = &Candle> {
        (0..MINUTES as usize).flat_map(|minute| self.of.values().map(move |candles| &candles[minute]))
    }

    fn last(&self) -> Seq {
        self.of.values().filter_map(|candles| candles.last()).map(|candle| candle.seq).max().unwrap_or_default()
    }

    fn count(&self) -> usize {
        self.of.values().map(Vec::len).sum()
    }
}

impl Candles for Walks {
    type Error = Infallible;

    fn known(&self, _: Source, pair: Pair, minutes: Range<EventTime>, through: Seq) -> Result<Vec<Candle>, Infallible> {
        let Some(candles) = self.of.get(&pair) else { return Ok(Vec::new()) };
        let at = |time: EventTime| (time.nanos().max(0) / MINUTE) as usize;
        let (from, to) = (at(minutes.start).min(candles.len()), at(minutes.end).min(candles.len()));
        Ok(candles[from..to].iter().filter(|candle| candle.seq <= through).copied().collect())
    }
}
