//! The words that may stand in a note, and what some of them mean for the numbers near them.
//!
//! Number words (one, two, half, double, dozen) are left out on purpose, and so are words that tell the reader what to do and words that move
//! a number in time or count of something else (ago, tomorrow, week, contracts). A word that is missing costs a note, and is added here; a word
//! that not be here costs a false number.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Words that are only themselves: articles, prepositions, pronouns, auxiliaries, adverbs without which no English sentence is written.
const FUNCTION: &str = "\
a about above across after again against all along also although always amid among an and any apart are around as at away back be \
because been before behind being below beneath besides between beyond both but by can cannot clear clearly could currently despite did do \
does doing down due during either else enough even few for from further generally had hardly has have having here how however if in indeed \
inside instead into is it its itself just largely lately least less like likely little mainly many may might more moreover most mostly much \
must near nearly neither nevertheless no nor not now of off often on only onto or other others out outside over overall own per perhaps \
possibly probably quite rather roughly same should since slightly so some somewhat soon still such than that the their them then there \
therefore these they this those though through throughout thus to together too toward towards under unless unlike until up upon usually \
very via was we well were what when where whereas whether which while who will with within without would yet \
barely relatively approximately almost versus amidst";

/// Words that come with the endings of their kind.
const CONTENT: &str = "\
absence absolute accelerate action acceleration accompany accord accumulation active activity actual add advance advantage adverse afterwards alike \
align alignment amount analysis analyst anticipate appear approach area ask asset attempt attract average \
balance balanced base bear bearish begin behave behavior best bias bid big body book bottom bounce bound break breakout breakdown bright brief broad \
build bull bullish buyer buying calm candle case caution cautious cautiously central certain certainty chance change channel choppy climb close closely closing combine \
come comparable compare comparison compress compression concern condition conditions confidence confident confirm confirmation conflict consider considerable \
consistent consistently consolidate consolidation constrain context continuation continue contract contrary contrast control conviction cool correct correction count course cover crypto current \
cryptocurrency data deal decelerate decline decrease deep degree demand depend depth despite deteriorate develop development deviate deviation differ difference different \
dip direction directional display distinct distribution dominant dominate downside downtrend downward downwards draw drift drive drop dull \
early ease easily edge effect elevated emerge end ended evidence exceed exhibit expand expansion expect expectation expected extend extended extent extreme face \
fact fade fail fair fairly fall fallen far fast favor favorable favour favourable fell figure firm firmly flat flatten flow fluctuate fluctuation follow following force form \
found frequency fresh future gain gap general gentle give given good gradual gradually great grew grow growing growth guide happen hard heavy held help hesitant high higher highest highlight hint \
historic historical historically history hold hour hourly identical imbalance immediate impact imply important improve improvement inclination increase increasingly indecision indecisive indicate indication indicator influence \
instance intact interest interval just keep kept key know known lack large last late later lead leading lean left level light limit limited line liquid liquidity local long \
look lose loss lost low lower lowest made maintain make margin marginal marginally mark market match mean meaningful measure median mid middle midpoint mild mildly minimal minor minute mixed moderate moderately modest modestly momentum \
mood move movement moving muted name narrow nature near nearest need negative negatively neutral neutrality new next noise normal notable notably note noticeable nothing number observe observation \
occur occurrence offer offset open opposite order ordinary oscillate outcome outlook outweigh overhead pace pair part participant participation past path pattern pause peak performance period persist persistent picture place \
plain point positive positively possible potential potentially precede precedent prefer presence present pressure prevail previous price primary prior probability probable proceed \
profile proportion prospect pull pullback push quick quickly quiet quietly quote rally ran range rate reach reaction read reading real reason rebound recent recently recover recovery reduce reflect \
regime region relation relationship relative remain remainder resemble resist resistance respect respectively rest result resume retrace retracement retreat return reversal reverse rise risen risk robust room rose run sample saw say scenario see seem seen \
sell seller selling sense sentiment series session set setup shape share sharp sharply shed shift short show shown side sideways sign signal significant significantly similar similarity similarly sink sit size slide slid slight slightly slip \
slope slow slowly small smooth sign soft solid speed spread stability stabilise stabilize stable stall stance stand start state statistical statistically stay steadily steady steep steeply step stood strength strengthen stretch strong stronger strongest strongly structure struggle style subdued \
subsequent subsequently substantial substantially suggest suggestion supply support supportive surge sustain swing target tend tendency term test thin tight tightly tilt time tone top touch track trade trader trading traded trend trending tumble \
turn turnover typical typically uncertain uncertainty unchanged unclear unconvincing underlie underlying undecided unit unusual unusually upper upside uptrend upward upwards usual value variation vary view visible volatile volatility volume \
wait wane watch way weak weaken weaker weakly weakness weight went wide widen window witness work zone \
sank sunk climbed day daily eventual gently mixture narrower wider tighter tightest slower faster calmer quieter softer firmer deeper \
greater smaller larger larger lighter heavier nearer closer broader steeper milder shorter longer newer earlier";

/// Of the above, those that may not be spoken: they tell the reader what to do, move a number in time, or count it of something else.
const LEFT_OUT: &str =
    "before all both most always must we sell order contract open unit session earlier prior previous twice";

/// What buying and selling may be said of: by themselves they are advice.
const TRADED: &str = "pressure interest activity momentum volume";

/// Words that stand for a unit: none may stand without digits before it.
const UNITS: [&str; 12] =
    ["percent", "pct", "%", "$", "basis", "point", "points", "bp", "bps", "times", "dollar", "dollars"];

const UP: &str = "up upward upwards rise rises rising rose risen gain gains gained gaining climb climbs climbed climbing higher increase \
increases increased increasing increasingly advance advances advanced advancing rally rallies rallied rallying surge surges surged surging \
positive positively grew grow grows growing growth recover recovers recovered recovering recovery rebound rebounds rebounded rebounding \
add adds added adding uptrend uptrends upside bounce bounces bounced bouncing strengthen strengthens strengthened strengthening \
improve improves improved improving improvement improvements jump jumps jumped expand expands expanded expanding expansion";

const DOWN: &str = "down downward downwards fall falls falling fell fallen drop drops dropped dropping decline declines declined declining \
lower decrease decreases decreased decreasing lose loses losing lost loss losses slide slides slid sliding slip slips slipped slipping dip \
dips dipped dipping retreat retreats retreated retreating negative negatively sink sinks sank sunk sinking shed sheds shedding weaken \
weakens weakened weakening downtrend downtrends downside pullback pullbacks correction corrections tumble tumbles tumbled tumbling ease \
eases eased easing retrace retraces retraced retracing retracement retracements breakdown breakdowns deteriorate deteriorates \
deteriorated deteriorating reduce reduces reduced reducing fade fades faded fading";

/// What denies the rest of what it stands in.
const DENIES: &str = "not no nor neither without cannot hardly barely lack lacks lacked lacking fail fails failed failing nothing absence \
unlike instead contrary";

/// What makes a statement one of what may come.
const SUPPOSES: &str = "will would could may might should can expect expects expected expecting expectation expectations anticipate \
anticipates anticipated likely possible possibly probable probably potential potentially perhaps soon target targets targeted future next \
continue continues continuing continuation toward towards suggest suggests suggested suggesting imply implies implied implying hint hints \
if unless until whether outlook prospect prospects scenario chance chances probability tend tends tendency eventual need needs forthcoming";

/// Directly before a number: it is a bound, and not the number.
const BOUNDS: &str = "over above below under than least most beyond exceed exceeds exceeded exceeding within past outside beneath less more \
without against limit upper";

/// After these, a number without a unit is a place and not an amount.
const PLACES: &str = "at to near around about roughly approximately of is was are from between and close price bid ask offer high low level \
last reached touched stands sits held holding nearly almost similarity the stood remains reaching touching";

/// What a word is about, for the numbers near it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    Bid,
    Ask,
    Spread,
    High,
    Low,
    Range,
    Trend,
    Volatility,
    Volume,
    Similarity,
    Mean,
    Median,
    Interval,
    Share,
    Base,
    /// The last three only say that a number may be meant, and not that another may not.
    Change,
    Price,
    Past,
}

impl Topic {
    /// Whether a number near it is of nothing else.
    pub(super) fn is_firm(self) -> bool {
        !matches!(self, Self::Change | Self::Price | Self::Past)
    }
}

pub(super) fn topic(word: &str) -> Option<Topic> {
    Some(match word {
        "bid" | "bids" => Topic::Bid,
        "ask" | "asks" | "offer" | "offers" => Topic::Ask,
        "spread" | "spreads" => Topic::Spread,
        "high" | "highs" | "highest" | "peak" | "peaks" | "top" | "resistance" => Topic::High,
        "low" | "lows" | "lowest" | "bottom" | "support" => Topic::Low,
        "range" | "ranges" | "ranged" | "ranging" | "between" | "channel" => Topic::Range,
        "trend" | "trends" | "slope" | "slopes" => Topic::Trend,
        "volatility" | "volatile" | "deviation" | "fluctuation" | "fluctuations" => Topic::Volatility,
        "volume" | "volumes" | "turnover" | "activity" => Topic::Volume,
        "similarity" | "similarities" => Topic::Similarity,
        "mean" | "average" => Topic::Mean,
        "median" => Topic::Median,
        "interval" => Topic::Interval,
        "share" | "proportion" | "frequency" => Topic::Share,
        "base" => Topic::Base,
        "price" | "prices" | "close" | "closes" | "closed" | "trades" | "traded" | "trading" => Topic::Price,
        "outcome" | "outcomes" | "match" | "matches" | "pattern" | "patterns" | "precedent" | "precedents"
        | "followed" | "similar" | "comparable" | "alike" => Topic::Past,
        "change" | "changes" | "changed" | "move" | "moves" | "moved" | "movement" => Topic::Change,
        _ if is_up(word) || is_down(word) => Topic::Change,
        _ => return None,
    })
}

pub(super) fn is_known(word: &str) -> bool {
    if has(LEFT_OUT, word) {
        return false;
    }
    is_unit(word) || is_function(word) || is_content(word) || has(UP, word) || has(DOWN, word) || is_inflected(word)
}

/// Whether a word may stand before that one, if any.
pub(super) fn may_precede(word: &str, next: Option<&str>) -> bool {
    !matches!(word, "buying" | "selling") || next.is_some_and(|next| has(TRADED, next))
}

pub(super) fn is_unit(word: &str) -> bool {
    UNITS.contains(&word)
}

pub(super) fn is_function(word: &str) -> bool {
    LONG[0].contains(word)
}

pub(super) fn is_up(word: &str) -> bool {
    has(UP, word)
}

pub(super) fn is_down(word: &str) -> bool {
    has(DOWN, word)
}

pub(super) fn denies(word: &str) -> bool {
    has(DENIES, word)
}

pub(super) fn supposes(word: &str) -> bool {
    has(SUPPOSES, word)
}

pub(super) fn bounds(word: &str) -> bool {
    has(BOUNDS, word)
}

pub(super) fn is_place(word: &str) -> bool {
    has(PLACES, word)
}

/// Begins another part of a sentence, as a comma does.
pub(super) fn parts(word: &str) -> bool {
    matches!(
        word,
        "and"
            | "or"
            | "but"
            | "while"
            | "whereas"
            | "with"
            | "though"
            | "although"
            | "yet"
            | "against"
            | "versus"
            | "despite"
            | "amid"
    )
}

/// What a share of past hours is a share of.
pub(super) fn is_of_hours(word: &str) -> bool {
    matches!(
        word,
        "them"
            | "those"
            | "these"
            | "hours"
            | "matches"
            | "similar"
            | "past"
            | "cases"
            | "comparable"
            | "such"
            | "patterns"
            | "precedents"
    )
}

/// What a text may be about by itself: the number after it is not of what was spoken of before.
pub(super) fn is_subject(word: &str) -> bool {
    matches!(word, "price" | "prices" | "pair" | "it" | "market" | "they")
}

/// The two long lists, looked up for every word and each of its endings.
static LONG: LazyLock<[HashSet<&str>; 2]> =
    LazyLock::new(|| [FUNCTION, CONTENT].map(|list| list.split_ascii_whitespace().collect()));

fn is_content(word: &str) -> bool {
    LONG[1].contains(word)
}

fn has(list: &str, word: &str) -> bool {
    list.split_ascii_whitespace().any(|one| one == word)
}

/// The endings of English verbs, nouns and adjectives, on a word that takes them.
fn is_inflected(word: &str) -> bool {
    let takes = |stem: &str| stem.len() > 2 && is_content(stem) && !has(LEFT_OUT, stem);
    let doubled = |stem: &str| {
        let mut last = stem.bytes().rev();
        match (last.next(), last.next()) {
            (Some(one), Some(other)) if one == other => takes(&stem[..stem.len() - 1]),
            _ => false,
        }
    };
    let ending = |ending: &str| word.strip_suffix(ending);
    let with_e = |stem: &str| takes(&format!("{stem}e"));
    let with_y = |stem: &str| takes(&format!("{stem}y"));
    ending("s").is_some_and(takes)
        || ending("es").is_some_and(takes)
        || ending("ies").is_some_and(with_y)
        || ending("ied").is_some_and(with_y)
        || ending("ed").is_some_and(|stem| takes(stem) || with_e(stem) || doubled(stem))
        || ending("ing").is_some_and(|stem| takes(stem) || with_e(stem) || doubled(stem))
        || ending("ly").is_some_and(takes)
}

/// What the base asset is called in words. Of the venue's best known: others go by their sign.
const NAMES: [(&str, &[&str]); 16] = [
    ("BTC", &["Bitcoin", "bitcoin"]),
    ("ETH", &["Ethereum", "Ether", "ethereum", "ether"]),
    ("SOL", &["Solana", "solana"]),
    ("DOGE", &["Dogecoin", "dogecoin"]),
    ("AVAX", &["Avalanche", "avalanche"]),
    ("LINK", &["Chainlink", "chainlink"]),
    ("ADA", &["Cardano", "cardano"]),
    ("XRP", &["Ripple", "ripple"]),
    ("LTC", &["Litecoin", "litecoin"]),
    ("DOT", &["Polkadot", "polkadot"]),
    ("BCH", &[]),
    ("SHIB", &[]),
    ("UNI", &["Uniswap", "uniswap"]),
    ("XLM", &["Stellar", "stellar"]),
    ("USDT", &["Tether", "tether"]),
    ("USDC", &[]),
];

pub(super) fn common_names(base: &str) -> &'static [&'static str] {
    NAMES.iter().find(|(sign, _)| *sign == base).map_or(&[], |(_, names)| names)
}

/// Whether it names some asset, in lower case: for the reason that is given, and not for what is refused.
pub(super) fn is_asset(lower: &str) -> bool {
    NAMES.iter().any(|(sign, names)| sign.eq_ignore_ascii_case(lower) || names.contains(&lower))
}
