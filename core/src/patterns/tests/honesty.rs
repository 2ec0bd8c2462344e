//! Whether an interval that says 95 % is right 95 times of a hundred.

use super::*;

const TRIALS: u64 = 400;

/// Of 400 intervals of 95 %, this many hold the truth, 99.7 times of a hundred.
const HONEST: std::ops::RangeInclusive<usize> = 366..=392;

/// One-minute returns with the tails of a market's: some are ten times their usual size. They sum to nothing, so that whatever follows a
/// window is zero on average, after any number of minutes: prices of independent returns without a mean are a martingale.
fn returns() -> Vec<f64> {
    let mut dice = Dice::new(31);
    let mut fraction = || (dice.below(1 << 32) as f64 + 0.5) / (1u64 << 32) as f64;
    let mut returns: Vec<f64> = (0..1_440)
        .map(|_| {
            let sign = if fraction() < 0.5 { -1.0 } else { 1.0 };
            sign * 0.000_5 * (-fraction().ln()).powf(1.4)
        })
        .collect();
    let mean = returns.iter().sum::<f64>() / returns.len() as f64;
    returns.iter_mut().for_each(|change| *change -= mean);
    returns
}

/// Standard deviation of an hour, in percent.
fn hourly(returns: &[f64]) -> f64 {
    (returns.iter().map(|change| change * change).sum::<f64>() / returns.len() as f64 * 60.0).sqrt() * 100.0
}

/// Returns drawn at random, with `drift` added to each.
fn shuffled(returns: &[f64], minutes: usize, drift: f64, dice: &mut Dice) -> Vec<f64> {
    let mut price = 40_000.0;
    let mut next = || {
        price *= 1.0 + returns[dice.below(returns.len() as i64) as usize] + drift;
        price
    };
    (0..minutes).map(|_| next()).collect()
}

fn tape(prices: &[f64]) -> Vec<Candle> {
    (0..).zip(prices).map(|(minute, price)| candle(minute, (price * ONE as f64) as i64)).collect()
}

/// The matches of the last hour among the sixty-four that came before.
fn matches(returns: &[f64], drift: f64, trial: u64) -> Followed {
    let candles = tape(&shuffled(returns, 66 * 60, drift, &mut Dice::new(trial)));
    let patterns = (0..64).map(|hour| Pattern::of(&candles[hour * 60..hour * 60 + 120]).expect("whole"));
    let near = patterns.map(|pattern| Candidate { past: pattern.past(None), shape: pattern.window.shape });
    let window = Window::of(&candles[65 * 60..]).expect("not flat");
    let question = Question { window, cursor: closed(66 * 60), most: DEFAULT_MATCHES };
    answer(&question, near, None).followed.expect("matches")
}

/// All windows of four thousand minutes, one a minute.
fn base(returns: &[f64], drift: f64, trial: u64) -> Followed {
    let prices = shuffled(returns, 4_061, drift, &mut Dice::new(trial));
    let percent = |from: usize, minutes: usize| (prices[from + minutes] / prices[from] - 1.0) * 100.0;
    let past = (0..4_000).map(|minute| Past {
        id: format!("{minute:032x}").parse().expect("an id"),
        source: Source::Live,
        pair: pair("BTC-USD"),
        window_start: at(minute as i64),
        outcome: Outcome {
            after_15: percent(minute, 15),
            after_30: percent(minute, 30),
            after_60: percent(minute, 60),
            max: 0.0,
            min: 0.0,
        },
        usable_from: closed(0),
        superseded_at: None,
    });
    base_rate(Source::Live, pair("BTC-USD"), closed(10_000), past).expect("four thousand windows")
}

fn hold_zero(trials: &[Followed], of: fn(&Outcome<Spread>) -> &Spread) -> usize {
    let interval = |followed: &Followed| of(&followed.outcomes).mean.confidence.expect("enough for an interval");
    trials.iter().filter(|followed| interval(followed).contains(0.0)).count()
}

fn trials(one: fn(&[f64], f64, u64) -> Followed, edge: f64) -> Vec<Followed> {
    let returns = returns();
    let drift = edge * hourly(&returns) / 100.0 / 60.0;
    (0..TRIALS).map(|trial| one(&returns, drift, trial)).collect()
}

#[test]
fn nothing_is_not_taken_for_an_edge_by_twenty_matches() {
    let trials = trials(matches, 0.0);
    assert!(trials.iter().all(|followed| followed.n == 20));
    for (name, of) in MEASURES {
        let covered = hold_zero(&trials, of);
        assert!(HONEST.contains(&covered), "{name}: {covered} of 400");
    }
}

#[test]
fn nothing_is_not_taken_for_an_edge_by_thousands_of_windows_that_overlap() {
    let trials = trials(base, 0.0);
    for (name, of) in MEASURES {
        let covered = hold_zero(&trials, of);
        assert!(HONEST.contains(&covered), "{name}: {covered} of 400");
    }
}

/// An hour that gains 0.7 standard deviations on average for the matches, 0.4 for the windows of three days.
#[test]
fn an_edge_that_is_there_is_seen_in_four_of_five() {
    for (one, edge) in [(matches as fn(&[f64], f64, u64) -> Followed, 0.7), (base, 0.4)] {
        let missed = hold_zero(&trials(one, edge), |outcomes| &outcomes.after_60);
        assert!(missed <= 80, "{edge}: missed {missed} times of 400");
    }
}

type Measure = (&'static str, fn(&Outcome<Spread>) -> &Spread);

const MEASURES: [Measure; 3] = [
    ("15 minutes", |outcomes| &outcomes.after_15),
    ("30 minutes", |outcomes| &outcomes.after_30),
    ("60 minutes", |outcomes| &outcomes.after_60),
];
