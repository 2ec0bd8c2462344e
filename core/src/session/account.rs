//! What an account begins with and trades by.

use std::collections::BTreeMap;

use crate::domain::{Action, Amount, Pair, PairRules, Price, Quantity, Settings, Thresholds};
use crate::engine::Desk;

/// Increments and least quantities of the default pairs, as Coinbase Exchange's `/products` named them; least notional 1 USD.
const KNOWN: [(&str, i64, i64); 6] = [
    ("BTC-USD", 1_000_000, 1),
    ("ETH-USD", 1_000_000, 1),
    ("SOL-USD", 1_000_000, 1),
    ("DOGE-USD", 1_000, 10_000_000),
    ("AVAX-USD", 1_000_000, 1),
    ("LINK-USD", 100_000, 1_000_000),
];

#[derive(Clone, Debug)]
pub struct AccountTerms {
    pub opening_deposit: Amount,
    pub settings: Settings,
    pub rules: BTreeMap<Pair, PairRules>,
    /// What it enters and leaves by, while it trades by consensus.
    pub thresholds: Thresholds,
}

impl AccountTerms {
    /// `rules` are added to those of the default pairs, and count before them.
    pub fn new(
        opening_deposit: Amount,
        settings: Settings,
        rules: &BTreeMap<Pair, PairRules>,
        thresholds: Thresholds,
    ) -> Self {
        let known = KNOWN.iter().map(|&(pair, price, quantity)| {
            let rules = PairRules {
                price_increment: Price::from_units(price),
                quantity_increment: Quantity::from_units(quantity),
                min_quantity: Quantity::from_units(quantity),
                min_notional: Amount::from_units(i128::from(crate::domain::money::ONE)),
            };
            (pair.parse().expect("a pair"), rules)
        });
        let mut all: BTreeMap<Pair, PairRules> = known.collect();
        all.extend(rules.iter().map(|(&pair, &rules)| (pair, rules)));
        Self { opening_deposit, settings, rules: all, thresholds }
    }

    /// What a desk has to be told, so that it trades by these from here on.
    pub fn unknown_to(&self, desk: &Desk) -> Vec<Action> {
        let settings = (*desk.settings() != self.settings).then_some(Action::Settings(self.settings));
        let rules = self.rules.iter().filter(|(pair, rules)| desk.book().rules(**pair) != **rules);
        let rules = rules.map(|(&pair, &rules)| Action::Rules { pair, rules });
        let thresholds = (*desk.thresholds() != self.thresholds).then_some(Action::Thresholds(self.thresholds));
        settings.into_iter().chain(rules).chain(thresholds).collect()
    }
}
