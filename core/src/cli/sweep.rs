//! Many sets of settings over one reading of a tape.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::trading::table;
use super::{Outcome, print};
use crate::api::ApiError;
use crate::api::config::Config;
use crate::clock;
use crate::domain::{Amount, EventTime, Interval, Settings, TapeTime, Thresholds};
use crate::report::returns::{Moments, best_by_chance, returns};
use crate::session::playable::{Playable, TapeLane, TapeRange};
use crate::session::recorded::RecordedTape;
use crate::session::recorder::Recorder;
use crate::session::sample::SampleTape;
use crate::session::sweep::{Set, Swept, Tried, sweep};

/// Sets of one file.
const MOST_SETS: usize = 10_000;

/// Between two lines of progress.
const PROGRESS_EVERY: Duration = Duration::from_secs(2);

/// The file. Keys of `[consensus]` and `[paper]` are those of `tapedeck.toml`, and count before them.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Plan {
    /// A lane as `candles` names it, `sample-day` for the day that is shipped, or all of them.
    source: Option<String>,
    from: Option<String>,
    to: Option<String>,
    /// The part of the range by which sets are ranked; the rest tells how they did afterwards.
    train: f64,
    /// Length of a return, such as 1h.
    returns: String,
    consensus: toml::Table,
    paper: toml::Table,
    /// Each key a list; every combination is tried.
    sweep: Lists,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Lists {
    consensus: BTreeMap<String, Vec<toml::Value>>,
    paper: BTreeMap<String, Vec<toml::Value>>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            source: None,
            from: None,
            to: None,
            train: 0.7,
            returns: "1h".to_owned(),
            consensus: toml::Table::new(),
            paper: toml::Table::new(),
            sweep: Lists::default(),
        }
    }
}

fn invalid(path: &Path, why: impl std::fmt::Display) -> ApiError {
    ApiError::refused(
        "sweep_invalid",
        format!("{}: {why}", path.display()),
        "Mend the file. Keys: source, from, to, train, returns, [consensus], [paper], [sweep.consensus], [sweep.paper].",
    )
}

/// A set, and what of it is not as in the others.
struct Named {
    set: Set,
    chosen: BTreeMap<String, toml::Value>,
}

impl Plan {
    fn read(path: &Path) -> Result<Self, ApiError> {
        let text = std::fs::read_to_string(path).map_err(|error| invalid(path, error))?;
        let plan: Self = toml::from_str(&text).map_err(|error| invalid(path, error))?;
        if !(plan.train > 0.0 && plan.train < 1.0) {
            return Err(invalid(path, "`train` lies between 0 and 1"));
        }
        Ok(plan)
    }

    /// Every combination of the lists.
    fn sets(&self, path: &Path, config: &Config) -> Result<Vec<Named>, ApiError> {
        let lists = [("consensus", &self.sweep.consensus), ("paper", &self.sweep.paper)];
        let keys: Vec<(&str, &String, &Vec<toml::Value>)> = lists
            .into_iter()
            .flat_map(|(part, lists)| lists.iter().map(move |(key, list)| (part, key, list)))
            .collect();
        let count = keys.iter().try_fold(1usize, |count, (.., list)| count.checked_mul(list.len()));
        let count = count
            .filter(|count| (1..=MOST_SETS).contains(count))
            .ok_or_else(|| invalid(path, format!("the lists have no combination, or more than {MOST_SETS}")))?;
        (0..count).map(|number| self.set(path, config, &keys, number)).collect()
    }

    fn set(
        &self,
        path: &Path,
        config: &Config,
        keys: &[(&str, &String, &Vec<toml::Value>)],
        mut number: usize,
    ) -> Result<Named, ApiError> {
        let (mut consensus, mut paper) = (self.consensus.clone(), self.paper.clone());
        let mut chosen = BTreeMap::new();
        for (part, key, list) in keys.iter().rev() {
            let value = list[number % list.len()].clone();
            number /= list.len();
            let table = if *part == "consensus" { &mut consensus } else { &mut paper };
            table.insert((*key).clone(), value.clone());
            chosen.insert(format!("{part}.{key}"), value);
        }
        let thresholds: Thresholds = over(&config.consensus, consensus).map_err(|error| invalid(path, error))?;
        let settings: Settings = over(&config.paper, paper).map_err(|error| invalid(path, error))?;
        thresholds.check().map_err(|error| invalid(path, format!("[consensus] {error}")))?;
        settings.check().map_err(|error| invalid(path, format!("[paper] {error}")))?;
        Ok(Named { set: Set { settings, thresholds }, chosen })
    }

    fn interval(&self, path: &Path) -> Result<Interval, ApiError> {
        self.returns.parse().map_err(|error| invalid(path, error))
    }

    fn time(path: &Path, text: Option<&String>) -> Result<Option<TapeTime>, ApiError> {
        let parse = |text: &String| EventTime::parse(text).map(|at| TapeTime::from_nanos(at.nanos()));
        text.map(parse).transpose().map_err(|error| invalid(path, error))
    }
}

/// `of` with some of its keys otherwise.
fn over<T: Serialize + serde::de::DeserializeOwned>(of: &T, keys: toml::Table) -> Result<T, String> {
    let mut all = toml::Table::try_from(of).map_err(|error| error.to_string())?;
    all.extend(keys);
    all.try_into().map_err(|error: toml::de::Error| error.to_string())
}

pub(super) fn run(data: &Path, path: &Path, json: bool) -> Result<Outcome, ApiError> {
    let plan = Plan::read(path)?;
    let config = Config::load(data)?;
    let (named, interval) = (plan.sets(path, &config)?, plan.interval(path)?);
    let lane: TapeLane = match &plan.source {
        None => TapeLane::Everything,
        Some(text) => text.parse().map_err(|error| invalid(path, error))?,
    };
    let (from, to) = (Plan::time(path, plan.from.as_ref())?, Plan::time(path, plan.to.as_ref())?);
    let tape: Arc<dyn Playable> = match lane {
        TapeLane::SampleDay if from.is_some() || to.is_some() => {
            return Err(invalid(path, "the sample day is played whole: leave out `from` and `to`"));
        }
        TapeLane::SampleDay => Arc::new(SampleTape::load()?),
        lane => {
            let (recorder, _) = Recorder::open(data)?;
            let tape = RecordedTape::of(&recorder, TapeRange { lane, from, to }, &[])?.ok_or_else(|| {
                let what = format!("Nothing was recorded of {lane}.");
                ApiError::refused("nothing_recorded", what, "Record or import it first.")
            })?;
            Arc::new(tape)
        }
    };
    let sets: Vec<Set> = named.iter().map(|named| named.set).collect();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let started = clock::monotonic();
    let mut told = started;
    let swept = sweep(&tape, &config.terms(), &sets, workers, |at| {
        if told.elapsed() >= PROGRESS_EVERY {
            told = clock::monotonic();
            print::line_err(&format!("{} sets at {at} of {}", sets.len(), tape.to()));
        }
        true
    })?;
    let swept = swept.expect("nobody stops it");
    let split = split(&swept.tried, plan.train);
    let report = Report { named: &named, swept: &swept, split, interval };
    let (value, lines) = report.show(started.elapsed().as_secs_f64());
    print::report(json, &value, lines);
    Ok(Outcome::Done)
}

/// Where the train part ends.
fn split(tried: &[Tried], train: f64) -> TapeTime {
    let curve = tried.first().map(|tried| tried.equity.as_slice()).unwrap_or_default();
    let (first, last) = (curve.first().map_or(0, |(at, _)| at.nanos()), curve.last().map_or(0, |(at, _)| at.nanos()));
    TapeTime::from_nanos(first + ((last - first) as f64 * train) as i64)
}

struct Report<'a> {
    named: &'a [Named],
    swept: &'a Swept,
    split: TapeTime,
    interval: Interval,
}

/// What a set came to in one part of the tape.
struct Part {
    change: f64,
    drawdown: f64,
    fills: usize,
    moments: Option<Moments>,
}

impl Report<'_> {
    fn part(&self, tried: &Tried, test: bool) -> Part {
        let belongs = |at: TapeTime| (at > self.split) == test;
        // The test part begins with what the train part left.
        let before = tried.equity.iter().rev().find(|(at, _)| test && *at <= self.split);
        let own = tried.equity.iter().filter(|(at, _)| belongs(*at));
        let curve: Vec<(TapeTime, Amount)> = before.into_iter().chain(own).copied().collect();
        let ends = curve.first().zip(curve.last());
        let change = ends.map_or(0.0, |((_, first), (_, last))| last.to_f64() / first.to_f64() - 1.0);
        let (mut high, mut drawdown) = (f64::MIN, 0.0f64);
        for (_, equity) in &curve {
            high = high.max(equity.to_f64());
            drawdown = drawdown.max(1.0 - equity.to_f64() / high);
        }
        let fills = tried.fills.iter().filter(|at| belongs(**at)).count();
        Part { change, drawdown, fills, moments: Moments::of(&returns(&curve, self.interval.nanos())) }
    }

    fn show(&self, wall_s: f64) -> (Value, Vec<String>) {
        let mut rows: Vec<(usize, Part, Part)> = self
            .swept
            .tried
            .iter()
            .enumerate()
            .map(|(number, tried)| (number, self.part(tried, false), self.part(tried, true)))
            .collect();
        let sharpe = |part: &Part| part.moments.map(|moments| moments.sharpe());
        let ratios: Vec<f64> = rows.iter().filter_map(|(_, train, _)| sharpe(train)).collect();
        let by_chance = best_by_chance(&ratios);
        let rank = |part: &Part| (sharpe(part).unwrap_or(f64::NEG_INFINITY), part.change);
        rows.sort_by(|a, b| rank(&b.1).partial_cmp(&rank(&a.1)).expect("ratios and changes are numbers"));
        let best = rows.first().and_then(|(number, train, test)| {
            let moments = train.moments?;
            Some(json!({
                "set": self.named[*number].chosen, "train": self.value(train), "test": self.value(test),
                // Of the best of so many: the chance that there is anything in it at all.
                "deflated_sharpe": moments.probabilistic_sharpe(by_chance), "by_chance": self.annual(by_chance),
                "tried": ratios.len(),
            }))
        });
        let sets: Vec<Value> = rows
            .iter()
            .map(|(number, train, test)| {
                let tried = &self.swept.tried[*number];
                json!({
                    "set": self.named[*number].chosen, "train": self.value(train), "test": self.value(test),
                    "equity": tried.equity.last().map(|(_, equity)| equity), "blocked": tried.blocked,
                    "ledger_hash": tried.ledger_hash.to_string(),
                })
            })
            .collect();
        let rate = self.swept.ticks as f64 / wall_s.max(1e-9);
        let value = json!({
            "sets": sets, "best": best, "ticks": self.swept.ticks, "train_until": self.split,
            "returns": self.interval.to_string(), "wall_s": wall_s, "ticks_per_s": rate,
        });
        (value, self.lines(&rows, best.as_ref(), wall_s))
    }

    fn annual(&self, ratio: f64) -> f64 {
        ratio * (365.0 * 1_440.0 / self.interval.minutes() as f64).sqrt()
    }

    fn value(&self, part: &Part) -> Value {
        json!({
            "return_pct": part.change * 100.0, "drawdown_pct": part.drawdown * 100.0, "fills": part.fills,
            "sharpe": part.moments.map(|moments| moments.annual_sharpe(self.interval.nanos())),
        })
    }

    fn lines(&self, rows: &[(usize, Part, Part)], best: Option<&Value>, wall_s: f64) -> Vec<String> {
        let percent = |share: f64| format!("{:+.3} %", share * 100.0);
        let ratio = |part: &Part| {
            part.moments
                .map_or("-".to_owned(), |moments| format!("{:.2}", moments.annual_sharpe(self.interval.nanos())))
        };
        let cells: Vec<Vec<String>> = rows
            .iter()
            .take(20)
            .map(|(number, train, test)| {
                let chosen = self.named[*number].chosen.iter().map(|(key, value)| format!("{key}={value}"));
                vec![
                    chosen.collect::<Vec<_>>().join(" "),
                    percent(train.change),
                    ratio(train),
                    train.fills.to_string(),
                    percent(test.change),
                    ratio(test),
                    test.fills.to_string(),
                    percent(test.drawdown),
                ]
            })
            .collect();
        let names = ["set", "train", "Sharpe", "fills", "test", "Sharpe", "fills", "drawdown"];
        let mut lines = table(&names, cells.iter().map(|row| row.iter().collect()));
        lines.push(format!(
            "{} sets over {} ticks in {wall_s:.2} s; train until {}; returns of {}",
            rows.len(),
            self.swept.ticks,
            self.split,
            self.interval
        ));
        lines.push(match best {
            Some(best) => format!(
                "The best of {} by chance alone would have a Sharpe ratio of {:.2}. Chance that there is something in the first: {:.1} %.",
                best["tried"],
                best["by_chance"].as_f64().unwrap_or_default(),
                best["deflated_sharpe"].as_f64().unwrap_or_default() * 100.0
            ),
            None => "Not enough returns that differ to say anything of any of them.".to_owned(),
        });
        lines
    }
}
