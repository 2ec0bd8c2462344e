//! Texts that are true of the facts, as models write them.

use std::fmt::Write;

use super::setting::{FACTS, facts, reply};
use crate::analyst::{Kind, Said, check};

/// The text, and the names of the facts its numbers are, in order.
const TEXTS: &[(&str, &str)] = &[
    // Without numbers.
    ("The market is calm and shows no clear direction.", ""),
    ("Momentum is positive, but the evidence is mixed.", ""),
    ("The facts say little.", ""),
    ("Buyers have been in control, though the trend has weakened lately.", ""),
    ("Bitcoin is trading sideways in a narrow range.", ""),
    ("BTC-USD shows strong bullish momentum with high volume and a tight spread.", ""),
    ("Selling pressure is fading. The outlook remains uncertain.", ""),
    ("Volatility is elevated while liquidity is thin.", ""),
    ("The short-term trend is bearish.", ""),
    ("Mixed signals suggest caution.", ""),
    // Changes.
    ("The price rose 1.24 % over 60 minutes.", "change_60 change_60"),
    ("The price rose 1.24% over 60 minutes.", "change_60 change_60"),
    ("The price rose 1.24 percent in 60 minutes.", "change_60 change_60"),
    ("The price rose by 1.2 % over the last hour.", "change_60"),
    ("The price rose about 1.2 % in the past hour.", "change_60"),
    ("The price has risen 1 % within the hour.", "change_60"),
    ("BTC gained 1.24 % in 60 minutes.", "change_60 change_60"),
    ("Bitcoin is up 1.24 % over the last 60 minutes.", "change_60 change_60"),
    ("Bitcoin's price is up 1.24 % over the last 60 minutes.", "change_60 change_60"),
    ("BTC-USD climbed 1.24 % in the last hour.", "change_60"),
    ("BTC/USD advanced roughly 1.2 % during the last 60 minutes.", "change_60 change_60"),
    ("The change over 60 minutes is +1.24 %.", "change_60 change_60"),
    ("The change over 60 minutes is 1.24 %.", "change_60 change_60"),
    ("A 60-minute change of +1.24 % was seen.", "change_60 change_60"),
    ("A 1.24 % gain over 60 minutes.", "change_60 change_60"),
    ("A gain of 1.24 % over 1 hour.", "change_60 change_60"),
    ("A gain of 1.24 % over 1h is notable.", "change_60 change_60"),
    ("Over 60 minutes, the price rose 1.24 %.", "change_60 change_60"),
    ("Over the last hour the price rose 1.24 %.", "change_60"),
    ("The price fell 0.37 % over 15 minutes.", "change_15 change_15"),
    ("The price fell 0.4 % over 15 minutes.", "change_15 change_15"),
    ("The price dropped by 0.37 % in the last 15 minutes.", "change_15 change_15"),
    ("The price fell -0.37 % over 15 minutes.", "change_15 change_15"),
    ("The price fell −0.37 % over 15 minutes.", "change_15 change_15"),
    ("A change of -0.37 % over 15 minutes.", "change_15 change_15"),
    ("A change of −0.37 % over 15 minutes.", "change_15 change_15"),
    ("The 15-minute change is -0.37 %.", "change_15 change_15"),
    ("The price is 0.37 % lower over 15 minutes.", "change_15 change_15"),
    ("The price is down 2.86 % over 24 hours.", "change_day change_day"),
    ("The price is down 2.9 % on the day.", "change_day"),
    ("The daily change is -2.86 %.", "change_day"),
    ("The price lost 3 % in 24h.", "change_day change_day"),
    (
        "The price rose 1.24 % over 60 minutes, but fell 0.37 % over 15 minutes.",
        "change_60 change_60 change_15 change_15",
    ),
    (
        "The price rose 1.24 % over 60 minutes and fell 0.37 % over 15 minutes.",
        "change_60 change_60 change_15 change_15",
    ),
    ("The price rose 1.24 % in the hour. It fell 0.37 % in 15 minutes.", "change_60 change_15 change_15"),
    (
        "The price fell 0.37 % in 15 minutes while it is up 1.24 % in 60 minutes.",
        "change_15 change_15 change_60 change_60",
    ),
    ("Up 1.24 % in 60 minutes.", "change_60 change_60"),
    ("BTC: up 1.24 % in 60 minutes.", "change_60 change_60"),
    ("The price moved +1.24 % over 60 minutes.", "change_60 change_60"),
    ("The price increased 1.24 % over 60 minutes!", "change_60 change_60"),
    ("The price rose 1.24 % (over 60 minutes).", "change_60 change_60"),
    ("The price rose 1.24 % — over 60 minutes.", "change_60 change_60"),
    ("The price rose 1.240 % over 60 minutes.", "change_60 change_60"),
    // Trend.
    ("The trend over 15 minutes is -0.41 %.", "trend_15 trend_15"),
    ("The 15-minute trend is -0.41 %.", "trend_15 trend_15"),
    ("The 15-minute trend is falling by 0.41 %.", "trend_15 trend_15"),
    ("The trend of the last 15 minutes is down 0.4 %.", "change_15 change_15"),
    ("A 15-minute downtrend of 0.41 % weighs against the trend.", ""),
    ("The trend slopes down 0.41 % over 15m.", "trend_15 trend_15"),
    // Prices.
    ("The last close is 65123.45 USD.", "last_close"),
    ("The last close is 65,123.45 USD.", "last_close"),
    ("The last close is $65,123.45.", "last_close"),
    ("The last close is 65123.45.", "last_close"),
    ("The last close was 65,123 dollars.", "last_close"),
    ("The last close is about 65,100 USD.", "last_close"),
    ("The last close is near 65,000.", "last_close"),
    ("BTC is trading at 65k.", "last_close"),
    ("BTC is trading around $65.1k with a tight spread.", "last_close"),
    ("BTC trades at 65,123.5 USD.", "last_close"),
    ("BTC trades at 65,123.4 USD.", "last_close"),
    ("The price rose to 65,123.45 USD.", "last_close"),
    ("The price of BTC-USD is 65,123.45.", "last_close"),
    ("The price rose 1.24 % over 60 minutes to 65,123.45 USD.", "change_60 change_60 last_close"),
    ("The best bid is 65120.1 USD.", "bid"),
    ("The best ask is 65127.9 USD.", "ask"),
    ("The bid is 65,120.10 and the ask is 65,127.90.", "bid ask"),
    ("With a bid of 65,120 and an ask of 65,128, the market is tight.", "bid ask"),
    ("The spread is 1.20 basis points.", "spread"),
    ("The spread is 1.2 basis points.", "spread"),
    ("The spread is 1.2 bp.", "spread"),
    ("The spread is 1.2bps.", "spread"),
    ("The spread is only 1.2 bps.", "spread"),
    ("A tight spread of 1.20 basis points.", "spread"),
    ("The 1.2 basis point spread is tight.", "spread"),
    ("The high of the last 60 minutes is 65480 USD.", "high_60 high_60"),
    ("The 60-minute high is 65,480 USD.", "high_60 high_60"),
    ("The low of the last 60 minutes is 64,210.55 USD.", "low_60 low_60"),
    ("The low of the last hour is 64,210.55 USD.", "low_60"),
    ("The high of the last 4 hours is 66,890.12 USD.", "high_240 high_240"),
    ("The low of the last 4 hours is 63,945.3 USD.", "low_240 low_240"),
    ("The 4-hour low is 63,945.30 USD.", "low_240 low_240"),
    ("The range of the last hour is between 64,210.55 and 65,480.", "low_60 high_60"),
    ("The price moved between 64,211 and 65,480 USD over 60 minutes.", "low_60 high_60 high_60"),
    ("The 60-minute range is from 64,210.55 to 65,480 USD.", "low_60 low_60 high_60"),
    ("Resistance is at 65,480 USD.", "high_60"),
    ("Support is at 64,210.55 USD.", "low_60"),
    ("The hour had a low of 64,210.55 and a high of 65,480.", "low_60 high_60"),
    ("The close of 65,123.45 is near the high of 65,480.", "last_close high_60"),
    // Volatility and volume.
    ("Volatility is 0.053 % per minute.", "volatility_60"),
    ("The volatility per minute over 60 minutes is 0.053 %.", "volatility_60 volatility_60"),
    ("Volatility of 0.05 % is low.", "volatility_60"),
    ("Volatility is low at 0.053 %.", "volatility_60"),
    ("The 0.053 % volatility is low.", "volatility_60"),
    ("Volume is 1.83 times the usual.", "volume_15"),
    ("Volume is 1.8 times its usual value.", "volume_15"),
    ("Volume is 1.8x the usual.", "volume_15"),
    ("The volume of the last 15 minutes is 1.83 times the usual.", "volume_15 volume_15"),
    ("Trading volume is above average at 1.83 times.", "volume_15"),
    ("The price rose 1.24 % over 60 minutes on strong volume.", "change_60 change_60"),
    ("The price rose 1.24 % over 60 minutes with volume 1.8 times the usual.", "change_60 change_60 volume_15"),
    // Matches.
    ("There are 18 past hours like this one.", ""),
    ("There are 18 past hours like this.", "matches"),
    ("18 similar hours are known.", "matches"),
    ("Of 18 similar past hours the mean outcome is +0.32 %.", "matches outcome_mean"),
    ("With 18 matches the evidence is thin.", "matches"),
    ("Based on 18 matches, the mean outcome is 0.32 %.", "matches outcome_mean"),
    ("The number of matches is 18.", "matches"),
    ("The similarity of the nearest past hour is 0.427.", "similarity"),
    ("The similarity is 0.43.", "similarity"),
    ("Similarity is low at 0.427.", "similarity"),
    ("The mean outcome of those hours is +0.32 % after 60 minutes.", "outcome_mean outcome_mean"),
    ("The mean outcome after 60 minutes is 0.32 %.", "outcome_mean outcome_mean"),
    ("The mean outcome is 0.3 %.", "outcome_mean"),
    ("The average outcome is 0.32 %.", "outcome_mean"),
    ("Similar hours were followed by a mean gain of 0.32 %.", "outcome_mean"),
    ("Similar hours suggest a mean outcome of 0.32 % over the next 60 minutes.", "outcome_mean outcome_mean"),
    ("The median outcome is 0.21 %.", "outcome_median"),
    ("The median outcome of 0.21 % is positive.", "outcome_median"),
    ("The mean outcome is 0.32 %, and the median is 0.21 %.", "outcome_mean outcome_median"),
    ("The interval is from -0.15 % to +0.79 %.", "outcome_low outcome_high"),
    ("The interval of the mean outcome is −0.15 % to 0.79 %.", ""),
    ("The interval is between -0.15 % and 0.79 %.", "outcome_low outcome_high"),
    ("The price rose after 67.2 % of them.", "rose"),
    ("After 67 % of those hours the price rose.", "rose"),
    ("In 67.2 % of similar hours the price rose.", "rose"),
    ("The share of hours after which the price rose is 67.2 %.", "rose"),
    ("The base rate is 51.6 %.", "base_rose"),
    ("The base rate is 0.02 %.", "base_mean"),
    ("The mean outcome of 0.32 % compares with a base rate of 0.02 %.", "outcome_mean base_mean"),
    ("The price rose after 67.2 % of them, against a base rate of 51.6 %.", "rose base_rose"),
    ("18 similar hours are known, and the price rose after 67.2 % of them.", "matches rose"),
    // As models write.
    ("Buying pressure is strong, and the spread is 1 bp.", "spread"),
    ("The market fell to 65,123 after a volatile day.", "last_close"),
    ("The trend remains intact.", ""),
    ("The price is 1.24 % higher than it was over 60 minutes.", "change_60 change_60"),
    ("The gain of 1.24 % over 60 minutes is modest; volatility is 0.053 %.", "change_60 change_60 volatility_60"),
    ("Price action is choppy, with a 60-minute high of 65,480 and a low of 64,210.55.", "high_60 high_60 low_60"),
    ("Past patterns give a slight edge: the median outcome is +0.21 %.", "outcome_median"),
    ("BTC-USD's spread of 1.2 bp is tight.", "spread"),
    (
        "Bitcoin has gained 1.24% over the past hour, supported by volume at 1.8 times its usual level. However, the \
         15-minute trend is down 0.41%.",
        "change_60 volume_15 trend_15 trend_15",
    ),
    (
        "BTC-USD is up 1.24% over 60 minutes but down 0.37% over 15 minutes, indicating mixed momentum. The spread is \
         tight at 1.2 basis points.",
        "change_60 change_60 change_15 change_15 spread",
    ),
    (
        "The price is trading at 65,123.45 USD, near the 60-minute high of 65,480 USD. Volatility is moderate at 0.053 %.",
        "last_close high_60 high_60 volatility_60",
    ),
    (
        "The market shows a slight bullish bias: 18 similar hours had a mean outcome of +0.32 %. The interval from -0.15 % \
         to 0.79 % holds zero.",
        "",
    ),
];

/// Of the table, those that are refused all the same: when in doubt, refuse. Each says why that is no loss.
const REFUSED_IN_DOUBT: &[&str] = &[
    // The trend's own number stands where it is said to weigh on itself.
    "A 15-minute downtrend of 0.41 % weighs against the trend.",
    // `one` is a number in a word.
    "There are 18 past hours like this one.",
    // A percentage to which nothing led.
    "The interval of the mean outcome is −0.15 % to 0.79 %.",
    // `zero` is a number in a word.
    "The market shows a slight bullish bias: 18 similar hours had a mean outcome of +0.32 %. The interval from -0.15 % to 0.79 % holds zero.",
];

fn names(said: &Said) -> String {
    let facts = facts();
    said.numbers.iter().map(|number| facts.list[number.fact as usize].kind.name()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_true_note_is_shown_and_each_number_leads_to_its_fact() {
    let facts = facts();
    let mut wrong = String::new();
    for (text, expected) in TEXTS {
        let found = match check(&facts, &reply(text)) {
            Ok(said) => names(&said),
            Err(refusal) => format!("refused: {refusal}"),
        };
        let in_doubt = REFUSED_IN_DOUBT.contains(text);
        if in_doubt != found.starts_with("refused") || !in_doubt && found != *expected {
            writeln!(wrong, "{text}\n    expected {expected}\n    found    {found}").expect("a string");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(TEXTS.len() >= 150, "{}", TEXTS.len());
}

#[test]
fn a_number_is_marked_with_its_sign_and_unit_and_nothing_else() {
    let said = check(&facts(), &reply("The price fell −0.37 % in 15 minutes to $65,123.45.")).expect("it is true");
    let marked: Vec<&str> =
        said.numbers.iter().map(|number| &said.text[number.from as usize..number.to as usize]).collect();
    assert_eq!(marked, ["−0.37 %", "15 minutes", "$65,123.45"]);
}

#[test]
fn every_fact_can_be_spoken_of() {
    let spoken: Vec<&str> = TEXTS.iter().flat_map(|(_, names)| names.split(' ')).collect();
    for (kind, _) in FACTS {
        assert!(spoken.contains(&kind.name()), "nothing says {}", kind.name());
    }
    assert_eq!(FACTS.map(|(kind, _)| kind), Kind::ALL);
}

/// The texts that are shown.
pub(super) fn shown() -> impl Iterator<Item = &'static str> {
    TEXTS.iter().map(|(text, _)| *text).filter(|text| !REFUSED_IN_DOUBT.contains(text))
}
