//! The one configuration file, `tapedeck.toml` in the data directory. Unknown keys are refused: a typo must not go unnoticed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ApiError;
use crate::analyst::ollama::{Address, DEFAULT_URL};
use crate::domain::money::ONE;
use crate::domain::settings::SettingsError;
use crate::domain::{Amount, Pair, PairRules, Settings, Thresholds};
use crate::engine::MOST_PAID_IN;
use crate::session::account::AccountTerms;
use crate::session::analysts::ModelTerms;
use crate::session::archive::Pace;

/// Coinbase Exchange's public feed; needs no key.
const FEED: &str = "wss://ws-feed.exchange.coinbase.com";
/// Where missing trades and older candles are asked for.
const REST: &str = "https://api.exchange.coinbase.com";
const PAIRS: [&str; 6] = ["BTC-USD", "ETH-USD", "SOL-USD", "DOGE-USD", "AVAX-USD", "LINK-USD"];

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// WebSocket URL of the feed. `TAPEDECK_FEED` overrides it.
    pub feed: String,
    /// REST base URL that gaps are filled and earlier candles are fetched from; empty for none. A feed given by `TAPEDECK_FEED` has
    /// none.
    pub rest: String,
    /// What is recorded, in the order of the watchlist.
    pub pairs: Vec<Pair>,
    /// Seconds between two commits of a live recording to the cold and the warm tier. Files of much less than a minute cost more
    /// than they hold.
    pub archive_every_s: u32,
    /// Records that stay in the journal after they are in the cold tier. Older ticks leave it once they were read back from there.
    pub keep_records: u64,
    /// Cash an account is opened with, in USD.
    pub opening_deposit: Amount,
    /// What paper trading is done by: fees, slippage, latency and the limits of risk.
    pub paper: Settings,
    /// What consensus enters and leaves by, while it is on.
    pub consensus: Thresholds,
    /// Where a language model is asked for its view.
    pub analyst: AnalystConfig,
    /// What the venue allows of each pair, as in `[rules.BTC-USD]`. Added to those that are known.
    pub rules: BTreeMap<Pair, PairRules>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AnalystConfig {
    /// Of a server that speaks Ollama's API. Which of its models is asked is chosen on the desk, or by `tapedeck analyst use`.
    pub url: String,
    /// Seconds a model has for an answer, from 1 to 600.
    pub deadline_s: u32,
}

impl Default for AnalystConfig {
    fn default() -> Self {
        Self { url: DEFAULT_URL.to_owned(), deadline_s: 30 }
    }
}

impl Default for Config {
    fn default() -> Self {
        let pairs = PAIRS.iter().map(|p| p.parse().expect("a pair")).collect();
        Self {
            feed: FEED.to_owned(),
            rest: REST.to_owned(),
            pairs,
            archive_every_s: 60,
            keep_records: 262_144,
            opening_deposit: Amount::from_units(100_000 * i128::from(ONE)),
            paper: Settings::default(),
            consensus: Thresholds::default(),
            analyst: AnalystConfig::default(),
            rules: BTreeMap::new(),
        }
    }
}

impl Config {
    /// A second at least between two commits.
    pub fn pace(&self) -> Pace {
        Pace { every: Duration::from_secs(u64::from(self.archive_every_s.max(1))), keep: self.keep_records }
    }

    pub fn path(directory: &Path) -> PathBuf {
        directory.join("tapedeck.toml")
    }

    /// The file if there is one, else the defaults. Errors: `config_invalid`, with the line.
    pub fn load(directory: &Path) -> Result<Self, ApiError> {
        let path = Self::path(directory);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(invalid(&path, &error.to_string())),
        };
        let mut config: Self = toml::from_str(&text).map_err(|error| invalid(&path, &error.to_string()))?;
        if config.pairs.is_empty() || config.pairs.len() > 50 {
            return Err(invalid(&path, "`pairs` must name between 1 and 50 pairs"));
        }
        let table = |name: &str| {
            let name = name.to_owned();
            let path = path.clone();
            move |error: SettingsError| invalid(&path, &format!("[{name}] {error}"))
        };
        config.paper.check().map_err(table("paper"))?;
        config.consensus.check().map_err(table("consensus"))?;
        Address::parse(&config.analyst.url).map_err(|error| invalid(&path, &format!("[analyst] {error}")))?;
        if !(1..=600).contains(&config.analyst.deadline_s) {
            return Err(invalid(&path, "[analyst] `deadline_s` has to be from 1 to 600"));
        }
        for (pair, rules) in &config.rules {
            rules.check().map_err(table(&format!("rules.{pair}")))?;
        }
        if config.opening_deposit <= Amount::ZERO || config.opening_deposit > MOST_PAID_IN {
            return Err(invalid(&path, "`opening_deposit` has to be above 0 and at most 1e15"));
        }
        if let Ok(feed) = std::env::var("TAPEDECK_FEED") {
            config.feed = feed;
            config.rest = String::new();
        }
        Ok(config)
    }

    /// What an account of this desk begins with and trades by.
    pub fn terms(&self) -> AccountTerms {
        AccountTerms::new(self.opening_deposit, self.paper, &self.rules, self.consensus)
    }

    pub fn models(&self) -> ModelTerms {
        let deadline = Duration::from_secs(u64::from(self.analyst.deadline_s));
        ModelTerms { url: self.analyst.url.clone(), deadline }
    }

    pub fn rest(&self) -> Option<String> {
        (!self.rest.is_empty()).then(|| self.rest.clone())
    }
}

fn invalid(path: &Path, why: &str) -> ApiError {
    ApiError::refused(
        "config_invalid",
        format!("{}: {why}", path.display()),
        "Mend the file, or remove it for the defaults. Keys: feed, rest, pairs, archive_every_s, keep_records, opening_deposit, [paper], [consensus], [analyst], [rules.PAIR].",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_key_is_refused_and_named() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(Config::path(directory.path()), "pears = [\"BTC-USD\"]\n").expect("written");
        let error = Config::load(directory.path()).expect_err("an unknown key");
        assert!(error.what.contains("pears"), "{}", error.what);
        for (text, key) in [
            ("[paper]\nmaker_fee = \"-0.0001\"\n", "maker_fee"),
            ("[paper]\ntaker_fee = \"1.5\"\n", "taker_fee"),
            ("[paper]\nslippage = \"-0.01\"\n", "slippage"),
            ("[consensus]\ntrend_fast = 30\n", "trend_fast"),
            ("[consensus]\nposition = \"1\"\n", "position"),
            ("opening_deposit = \"0\"\n", "opening_deposit"),
            ("[analyst]\nurl = \"file:///etc\"\n", "[analyst]"),
            ("[analyst]\ndeadline_s = 0\n", "deadline_s"),
        ] {
            std::fs::write(Config::path(directory.path()), text).expect("written");
            let error = Config::load(directory.path()).expect_err("money from nowhere, or a panic");
            assert!(error.what.contains(key), "{}", error.what);
        }
        std::fs::write(Config::path(directory.path()), "pairs = [\"ETH-USD\"]\n").expect("written");
        assert_eq!(Config::load(directory.path()).expect("good").pairs.len(), 1);
    }
}
