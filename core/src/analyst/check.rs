//! What of a model's answer may be shown: its stance, and a text in which every number is one of the brief.
//!
//! A text is not understood here, so what can not be told apart is refused: numbers in words, letters that are not plain Latin ones, other assets, marks that
//! could be markup. A refusal costs a sentence that nobody reads; a wrong number that is shown costs trust.

use serde::{Deserialize, Serialize};

use super::brief::LONGEST;
use super::facts::{Fact, Facts, Unit, rounded};
use crate::domain::{Rate, Stance, money};

/// Bytes of an answer that are looked at, at most.
pub const MOST_BYTES: usize = 64 << 10;

const MOST_SENTENCES: usize = 2;

/// What was said, and may be shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Said {
    pub stance: Stance,
    /// 0 to 1.
    pub confidence: Rate,
    pub text: String,
    /// In the order of the text.
    pub numbers: Vec<NumberInText>,
}

/// Where a number stands, in bytes of the text, and which fact it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberInText {
    pub from: u32,
    pub to: u32,
    pub fact: u32,
}

/// Why an answer is not shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    #[error("the answer is longer than {MOST_BYTES} bytes")]
    TooLong,
    #[error("the answer is not the JSON that was asked for: {0}")]
    NotTheForm(String),
    #[error("`{0}` is no stance")]
    Stance(String),
    #[error("the confidence is not between 0 and 1")]
    Confidence,
    #[error("the text has {0} characters, where {LONGEST} are the most")]
    Length(usize),
    #[error("the text is empty")]
    Empty,
    #[error("the text has {0} sentences, where two are the most")]
    Sentences(usize),
    #[error("the text holds {0:?}, which is no plain Latin letter, digit or mark")]
    Script(char),
    #[error("the text says {0}, and no fact is that")]
    Number(String),
    #[error("the text says `{0}`, and numbers have to be written in digits")]
    NumberInWords(String),
    #[error("the text names `{0}`, of which no fact tells")]
    Unnamed(String),
    #[error("the text holds an address: {0}")]
    Address(String),
}

impl Refusal {
    /// Stable, for whoever counts them.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::NotTheForm(_) => "not_the_form",
            Self::Stance(_) => "no_stance",
            Self::Confidence => "no_confidence",
            Self::Length(_) => "text_too_long",
            Self::Empty => "text_empty",
            Self::Sentences(_) => "too_many_sentences",
            Self::Script(_) => "other_script",
            Self::Number(_) => "unsupported_number",
            Self::NumberInWords(_) => "number_in_words",
            Self::Unnamed(_) => "unnamed_asset",
            Self::Address(_) => "address",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    stance: String,
    confidence: f64,
    text: String,
}

/// Reads an answer to a brief of these facts.
pub fn check(reply: &[u8], facts: &Facts) -> Result<Said, Refusal> {
    if reply.len() > MOST_BYTES {
        return Err(Refusal::TooLong);
    }
    let not_the_form = |error: serde_json::Error| Refusal::NotTheForm(printable(&error.to_string(), 120));
    let form: Form = serde_json::from_slice(reply).map_err(not_the_form)?;
    let stance = match form.stance.as_str() {
        "Bullish" => Stance::Bullish,
        "Bearish" => Stance::Bearish,
        "Neutral" => Stance::Neutral,
        other => return Err(Refusal::Stance(printable(other, 40))),
    };
    if !(0.0..=1.0).contains(&form.confidence) {
        return Err(Refusal::Confidence);
    }
    let confidence = Rate::from_units((form.confidence * money::ONE as f64).round_ties_even() as i64);
    let text = form.text.trim().to_owned();
    let numbers = numbers(&text, facts)?;
    Ok(Said { stance, confidence, text, numbers })
}

/// Every number of a text, each with the fact it is.
pub fn numbers(text: &str, facts: &Facts) -> Result<Vec<NumberInText>, Refusal> {
    let length = text.chars().count();
    if length == 0 {
        return Err(Refusal::Empty);
    }
    if length > LONGEST {
        return Err(Refusal::Length(length));
    }
    if let Some(other) = text.chars().find(|c| !is_plain(*c)) {
        return Err(Refusal::Script(other));
    }
    if let Some(address) = address(text) {
        return Err(Refusal::Address(address));
    }
    let sentences = sentences(text);
    if sentences > MOST_SENTENCES {
        return Err(Refusal::Sentences(sentences));
    }
    let words = words(text);
    for (place, word) in words.iter().enumerate() {
        look_at_word(word, facts)?;
        if word.text.bytes().any(|b| b.is_ascii_digit()) && word.text.bytes().any(|b| b.is_ascii_alphabetic()) {
            return Err(Refusal::Number(word.text.to_owned()));
        }
        let _ = place;
    }
    let mut found = Vec::new();
    for (place, word) in words.iter().enumerate() {
        if word.text.bytes().any(|b| b.is_ascii_digit()) {
            let next = words.get(place + 1).map_or("", |next| next.text);
            found.extend(resolve(text, word, next, facts)?);
        }
    }
    Ok(found)
}

/// Letters, digits and the marks of plain sentences. A minus may be the typographic one.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(
            c,
            ' ' | '.' | ',' | ';' | ':' | '%' | '+' | '-' | '−' | '(' | ')' | '\'' | '’' | '/' | '!' | '?' | '$'
        )
}

fn address(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let marks = ["://", "www.", ".com", ".org", ".net", ".io", "//", "javascript:", "mailto:"];
    marks.iter().find(|mark| lower.contains(**mark)).map(|mark| (*mark).to_owned())
}

/// Ends of sentences: a mark that nothing but space follows.
fn sentences(text: &str) -> usize {
    let bytes = text.as_bytes();
    let ends = |(at, byte): (usize, &u8)| {
        matches!(byte, b'.' | b'!' | b'?') && bytes.get(at + 1).is_none_or(|next| matches!(next, b' ' | b')' | b'\''))
    };
    let ended = bytes.iter().enumerate().filter(|(at, byte)| ends((*at, byte))).count();
    let open = !text.trim_end().ends_with(['.', '!', '?']);
    ended + usize::from(open)
}

/// What lies between spaces, without the marks around it.
#[derive(Clone, Copy, Debug)]
struct Word<'a> {
    from: usize,
    text: &'a str,
}

fn words(text: &str) -> Vec<Word<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    for piece in text.split(' ') {
        let trimmed = piece.trim_start_matches(['(', '\'', '’']);
        let from = at + (piece.len() - trimmed.len());
        let word = trimmed.trim_end_matches(['.', ',', ';', ':', ')', '!', '?', '\'', '’']);
        if !word.is_empty() {
            found.push(Word { from, text: word });
        }
        at += piece.len() + 1;
    }
    found
}

/// Names of numbers, and of parts, in the languages a model may slip into; ordinals too.
const NUMBER_WORDS: &str = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen \
    twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion trillion dozen score half halves third thirds quarter quarters fifth \
    tenth tenths hundredth hundredths thousandth first second fourth sixth seventh eighth ninth once twice thrice double doubled doubling triple tripled \
    quadruple single couple pair percent percentage percentages pct bps \
    null eins ein eine zwei drei vier funf fuenf sechs sieben acht neun zehn elf zwolf zwoelf zwanzig dreissig hundert tausend million prozent halb \
    zero un une deux trois quatre cinq sept huit neuf dix onze douze vingt trente quarante cinquante soixante cent mille moitie pourcent pourcents tiers \
    cero uno una dos tres cuatro cinco seis siete ocho nueve diez once doce veinte treinta cuarenta cincuenta cien ciento mil mitad porciento \
    due tre quattro cinque sei sette otto nove dieci venti trenta cento mille meta um dois duas quatro sete oito dez vinte trinta cem metade \
    een twee drie vijf zes zeven acht negen tien twintig honderd duizend jeden dwa trzy cztery piec szesc siedem osiem dziewiec dziesiec sto tysiac \
    en tva tre fyra fem sex sju atta nio tio hundra tusen ichi ni san yon go roku nana hachi kyu juu yi er san si wu liu qi ba jiu shi";

/// Of those, words that English sentences need.
const NEEDED: &str = "er si sei sex fem ni go ba un en die san once pair score second third sept tien mil six shi due ten cent null elf acht tre one";

const ASSETS: &str = "bitcoin bitcoins ether ethereum solana dogecoin doge avalanche chainlink ripple litecoin cardano polkadot tether stablecoin stablecoins eos \
    iota stellar monero binance nasdaq dow gold silver oil euro yen sterling";

/// Letters in capitals that name no asset.
const ABBREVIATIONS: &str = "EMA SMA WMA VWAP UTC USD US I A OK JSON";

fn is_in(list: &str, word: &str) -> bool {
    list.split_ascii_whitespace().any(|listed| listed == word)
}

fn look_at_word(word: &Word<'_>, facts: &Facts) -> Result<(), Refusal> {
    for part in word.text.split(['-', '/', '−']) {
        let part = part.trim_matches(['(', ')', '\'', '’', '.', ',', ';', ':', '+', '%', '$']);
        let lower = part.to_ascii_lowercase();
        let harmless = is_in(NEEDED, &lower) && !is_in("six ten one second third", &lower);
        if is_in(NUMBER_WORDS, &lower) && !harmless {
            return Err(Refusal::NumberInWords(part.to_owned()));
        }
        let capitals = part.len() > 1 && part.bytes().all(|b| b.is_ascii_uppercase());
        if capitals && part.bytes().all(|b| b"IVXLCDM".contains(&b)) {
            return Err(Refusal::NumberInWords(part.to_owned()));
        }
        let pair = facts.pair.to_string();
        let own = pair.split('-').any(|own| own == part);
        if !own && (is_in(ASSETS, &lower) || capitals && !is_in(ABBREVIATIONS, part)) {
            return Err(Refusal::Unnamed(part.to_owned()));
        }
    }
    Ok(())
}

/// Lengths of time that are in the labels of facts: how long something took is no claim of its own.
const SPANS: [(&str, &[&str]); 6] = [
    ("15", &["minutes", "minute"]),
    ("60", &["minutes", "minute"]),
    ("1", &["hour", "minute"]),
    ("12", &["closes", "minutes"]),
    ("26", &["closes", "minutes"]),
    ("30", &["minutes", "minute"]),
];

/// The fact a word with digits is; none for a length of time.
fn resolve(text: &str, word: &Word<'_>, next: &str, facts: &Facts) -> Result<Option<NumberInText>, Refusal> {
    let wrong = || {
        Refusal::Number(match next.is_empty() {
            true => word.text.to_owned(),
            false => format!("{} {next}", word.text),
        })
    };
    let spans = |(digits, units): &(&str, &[&str])| word.text == *digits && units.contains(&next);
    if SPANS.iter().any(|span| spans(span)) {
        return Ok(None);
    }
    // As in `15-minute`.
    if let Some((digits, unit)) = word.text.split_once('-')
        && SPANS.iter().any(|(known, units)| digits == *known && units.contains(&unit))
    {
        return Ok(None);
    }
    let mut rest = word.text;
    let mut sign = None;
    for (mark, negative) in [("+", false), ("-", true), ("−", true)] {
        if let Some(after) = rest.strip_prefix(mark) {
            (rest, sign) = (after, Some(negative));
            break;
        }
    }
    let dollars = rest.strip_prefix('$');
    rest = dollars.unwrap_or(rest);
    let percent = rest.strip_suffix('%');
    rest = percent.unwrap_or(rest);
    let digits = plain_number(rest).ok_or_else(wrong)?;
    let is_percent = percent.is_some() || next == "%";
    let units: &[Unit] = match (is_percent, dollars.is_some() || next == "USD", next) {
        (true, false, _) => &[Unit::Change, Unit::Percent],
        (false, true, _) => &[Unit::Price],
        (false, false, "bp") => &[Unit::BasisPoints],
        (false, false, "basis") => &[Unit::BasisPoints],
        (false, false, "hours") => &[Unit::Count],
        (false, false, _) => &[Unit::Price, Unit::Plain],
        (true, true, _) => return Err(wrong()),
    };
    let direction = direction(clause(text, word.from));
    let is = |fact: &Fact| units.contains(&fact.unit) && agrees(fact, &digits, sign, direction);
    let fact = facts.facts.iter().position(is).ok_or_else(wrong)?;
    let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Ok(Some(NumberInText { from: place(word.from), to: place(word.from + word.text.len()), fact: place(fact) }))
}

/// Digits with at most one point, and commas between thousands; without the commas. None of anything else.
fn plain_number(text: &str) -> Option<String> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if text.contains('.') && part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let groups: Vec<&str> = whole.split(',').collect();
    let grouped = groups.len() > 1;
    for (place, group) in groups.iter().enumerate() {
        let fits = if !grouped {
            !group.is_empty()
        } else if place == 0 {
            (1..=3).contains(&group.len())
        } else {
            group.len() == 3
        };
        if !fits || !group.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
    }
    let digits = groups.concat();
    if digits.len() > 1 && digits.starts_with('0') || digits.len() > 15 {
        return None;
    }
    Some(if part.is_empty() { digits } else { format!("{digits}.{part}") })
}

/// Whether a number as it was written is the fact, rounded to the digits it was written with: all that are shown, or fewer as long as two count.
fn agrees(fact: &Fact, digits: &str, sign: Option<bool>, direction: Option<bool>) -> bool {
    let decimals = digits.split_once('.').map_or(0, |(_, part)| part.len());
    if decimals > usize::from(fact.decimals) {
        return false;
    }
    let significant = digits.trim_start_matches(['0', '.']).bytes().filter(u8::is_ascii_digit).count();
    if decimals < usize::from(fact.decimals) && significant < 2 {
        return false;
    }
    if rounded(fact.value.abs(), decimals, false) != digits {
        return false;
    }
    let nothing = digits.bytes().all(|b| matches!(b, b'0' | b'.'));
    if nothing {
        return sign.is_none() && direction.is_none() || fact.unit != Unit::Change;
    }
    match (fact.unit, sign) {
        // What has no sign is not written with one.
        (unit, Some(_)) if unit != Unit::Change => false,
        (Unit::Change, Some(negative)) => {
            negative == (fact.value < 0.0) && direction.is_none_or(|down| down == negative)
        }
        (Unit::Change, None) => direction == Some(fact.value < 0.0),
        _ => true,
    }
}

/// The part of the sentence a place is in.
fn clause(text: &str, at: usize) -> &str {
    let ends = |(place, c): &(usize, char)| {
        let next = text[place + c.len_utf8()..].chars().next();
        matches!(c, ';' | ',' | '(' | ')' | ':' | '!' | '?' | '.') && next.is_none_or(|next| next == ' ')
    };
    let from = text[..at].char_indices().filter(ends).last().map_or(0, |(place, c)| place + c.len_utf8());
    let to =
        text[at..].char_indices().map(|(place, c)| (at + place, c)).find(ends).map_or(text.len(), |(place, _)| place);
    let part = &text[from..to.max(at)];
    // Of several verbs the one that the number stands with counts.
    let cut = |part: &str, mark: &str| part.find(mark);
    let inside = at - from;
    let before = [" and ", " but ", " while ", " where ", " after ", " which ", " though "]
        .iter()
        .filter_map(|mark| part[..inside].rfind(mark))
        .max();
    let after = [" and ", " but ", " while ", " where ", " after ", " which ", " though "]
        .iter()
        .filter_map(|mark| cut(&part[inside..], mark))
        .min();
    &part[before.unwrap_or(0)..after.map_or(part.len(), |after| inside + after)]
}

const UP: &str = "up rose rise rises rising risen gain gains gained gaining higher climbed climb climbs advanced increase increased increases above up. positive \
    upward upwards added jumped rallied";
const DOWN: &str = "down fell fall falls falling fallen lost loss losses lose loses lower dropped drop drops declined decline declines decrease decreased decreases below \
    negative downward downwards slid slipped shed sank";

/// True of down, false of up; none where the words say neither, or both.
fn direction(clause: &str) -> Option<bool> {
    let says = |list: &str| words(clause).iter().any(|word| is_in(list, &word.text.to_ascii_lowercase()));
    match (says(UP), says(DOWN)) {
        (true, false) => Some(false),
        (false, true) => Some(true),
        _ => None,
    }
}

/// At most so many characters, each of them one that can be shown.
pub(super) fn printable(text: &str, most: usize) -> String {
    text.chars().take(most).map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}
