//! Whether each number is a fact, and the one that the words around it say.

use super::NumberInText;
use super::numbers::{Written, WrittenUnit, time_word};
use super::refusal::{Refusal, quoted};
use super::tokens::{Content, End, Token};
use super::words::{self, Topic};
use crate::analyst::facts::{Fact, Facts, Kind, Unit};
use crate::domain::money::ONE;

/// A number with its unit: tokens `[first, after)`.
struct Measure<'t> {
    written: &'t Written,
    unit: Option<WrittenUnit>,
    first: usize,
    after: usize,
}

pub(super) fn resolve(tokens: &[Token], text: &str, facts: &Facts) -> Result<Vec<NumberInText>, Refusal> {
    let reader = Reader::new(tokens, text, facts)?;
    let all = 0..reader.measures.len();
    let meant: Vec<Option<usize>> = all.map(|which| reader.fact_of(which)).collect::<Result<_, _>>()?;
    let named = reader.measures.iter().enumerate().map(|(which, measure)| {
        let (from, to) = reader.bytes(measure);
        let fact = match meant[which] {
            Some(fact) => fact,
            None => reader.fact_over(which, &meant)?,
        };
        Ok(NumberInText { from: from as u32, to: to as u32, fact: fact as u32 })
    });
    named.collect()
}

struct Reader<'t> {
    tokens: &'t [Token],
    text: &'t str,
    facts: &'t Facts,
    measures: Vec<Measure<'t>>,
    /// Of each token: which part of the text it stands in, and which sentence.
    places: Vec<(usize, usize)>,
    /// Lengths of time: the token, and minutes.
    times: Vec<(usize, u32)>,
}

impl<'t> Reader<'t> {
    fn new(tokens: &'t [Token], text: &'t str, facts: &'t Facts) -> Result<Self, Refusal> {
        let measures = measures(tokens, text, facts)?;
        let is_measured = |place: usize| measures.iter().any(|one| (one.first..one.after).contains(&place));
        let mut times = Vec::new();
        for (place, token) in tokens.iter().enumerate() {
            match token.word() {
                Some(_) if is_measured(place) => {}
                Some(word) if words::is_unit(word) => return Err(Refusal::Unit { text: quoted(word) }),
                Some("minute") => times.push((place, 1)),
                Some("hour" | "hourly") => times.push((place, 60)),
                Some("day" | "daily") => times.push((place, 1_440)),
                _ => {}
            }
        }
        for measure in &measures {
            if let Some(minutes) = minutes(measure) {
                times.push((measure.first, u32::try_from(minutes).unwrap_or(u32::MAX)));
            }
        }
        times.sort_unstable();
        Ok(Self { tokens, text, facts, measures, places: places(tokens), times })
    }

    fn bytes(&self, measure: &Measure) -> (usize, usize) {
        (self.tokens[measure.first].from, self.tokens[measure.after - 1].to)
    }

    fn shown(&self, measure: &Measure) -> String {
        let (from, to) = self.bytes(measure);
        quoted(&self.text[from..to])
    }

    fn word(&self, place: usize) -> Option<&str> {
        self.tokens.get(place).and_then(Token::word)
    }

    fn words(&self, places: impl IntoIterator<Item = usize>) -> impl Iterator<Item = &str> {
        places.into_iter().filter_map(|place| self.word(place))
    }

    /// Tokens of the part that a token stands in.
    fn part(&self, place: usize) -> impl DoubleEndedIterator<Item = usize> + Clone {
        let own = self.places[place].0;
        (0..self.tokens.len()).filter(move |other| self.places[*other].0 == own)
    }

    /// Tokens of the sentence that a token stands in.
    fn sentence(&self, place: usize) -> impl DoubleEndedIterator<Item = usize> + Clone {
        let own = self.places[place].1;
        (0..self.tokens.len()).filter(move |other| self.places[*other].1 == own)
    }

    /// Which fact a number is; none of a length of time, which is one of several.
    fn fact_of(&self, which: usize) -> Result<Option<usize>, Refusal> {
        let measure = &self.measures[which];
        self.unbounded(measure)?;
        if minutes(measure).is_some() {
            return Ok(None);
        }
        let text = || self.shown(measure);
        let mut refused = Refusal::Number { text: text() };
        let rounded = |fact: &&(usize, Fact)| fits_unit(measure, fact.1.kind) && measure.written.is_rounded(&fact.1);
        let all: Vec<(usize, Fact)> = self.facts.list.iter().copied().enumerate().collect();
        for (place, (index, fact)) in all.iter().filter(rounded).enumerate() {
            match self.is_meant(which, fact) {
                Ok(()) => return Ok(Some(*index)),
                // Of several that it could be, the first says what is wrong.
                Err(why) if place == 0 => refused = why,
                Err(_) => {}
            }
        }
        Err(refused)
    }

    /// Of a length of time: the fact of the nearest number that is over as long, or any fact that is.
    fn fact_over(&self, which: usize, meant: &[Option<usize>]) -> Result<usize, Refusal> {
        let measure = &self.measures[which];
        let is_over = |fact: &Fact| fact.kind.windows().iter().any(|window| minutes(measure) == Some((*window).into()));
        let (part, sentence) = self.places[measure.first];
        let said = meant.iter().enumerate().filter_map(|(other, fact)| Some((&self.measures[other], (*fact)?)));
        let nearest = said.filter(|(_, fact)| is_over(&self.facts.list[*fact])).min_by_key(|(other, _)| {
            let (its_part, its_sentence) = self.places[other.first];
            (its_part != part, its_sentence != sentence, other.first.abs_diff(measure.first))
        });
        let any = || self.facts.list.iter().position(is_over);
        nearest.map(|(_, fact)| fact).or_else(any).ok_or_else(|| Refusal::Window { text: self.shown(measure) })
    }

    /// No word makes a bound of it: more than 20 is not 20.
    fn unbounded(&self, measure: &Measure) -> Result<(), Refusal> {
        let is_time = minutes(measure).is_some();
        let refused = |word: &str| Err(Refusal::Bound { word: quoted(word), text: self.shown(measure) });
        let mut before = measure.first;
        while before > 0 && self.tokens[before - 1].end == End::Nothing {
            before -= 1;
            match self.word(before) {
                Some(
                    "about" | "around" | "roughly" | "approximately" | "the" | "a" | "an" | "just" | "last" | "nearly"
                    | "almost",
                ) => {}
                Some("to") if before > 0 && self.word(before - 1) == Some("up") => return refused("up to"),
                Some("over" | "within" | "past" | "against" | "without") if is_time => break,
                Some(word) if words::bounds(word) => return refused(word),
                _ => break,
            }
        }
        match self.word(measure.after) {
            Some("or") => refused("or"),
            Some(word @ ("more" | "less")) => refused(word),
            _ => Ok(()),
        }
    }

    /// Whether the words around it let it be this fact.
    fn is_meant(&self, which: usize, fact: &Fact) -> Result<(), Refusal> {
        let measure = &self.measures[which];
        let text = || self.shown(measure);
        self.is_as_counted(measure, fact).ok_or_else(|| Refusal::Subject { text: text() })?;
        self.is_over(which, fact).ok_or_else(|| Refusal::Window { text: text() })?;
        self.is_about(which, fact).ok_or_else(|| Refusal::Subject { text: text() })?;
        self.is_so_directed(which, fact).ok_or_else(|| Refusal::Direction { text: text() })?;
        self.is_stated(which, fact).ok_or_else(|| Refusal::Supposed { text: text() })
    }

    /// Where it has no unit, what stands before and after has to make it one.
    fn is_as_counted(&self, measure: &Measure, fact: &Fact) -> Option<()> {
        let ends = self.tokens[measure.after - 1].end > End::Nothing;
        let after = self.word(measure.after);
        let before = measure.first.checked_sub(1).filter(|place| self.tokens[*place].end == End::Nothing);
        let is_free = ends || after.is_some_and(|word| words::is_function(word) && word != "few");
        let is_placed = match before {
            None => true,
            Some(place) => self.word(place).is_none_or(words::is_place),
        };
        let fits = match fact.kind.unit() {
            Unit::Count => {
                self.counts_hours(measure.after) && !ends
                    || is_free && is_placed && before.is_some() && self.names_matches(measure)
            }
            Unit::Share => is_free && is_placed,
            // An amount it moved by is not a price.
            Unit::Price => is_placed && (measure.unit.is_some() || is_free),
            Unit::Percent => {
                let after_to = before.and_then(|place| self.word(place)) == Some("to");
                !after_to
                    || self.part(measure.first).any(|place| place < measure.first && self.word(place) == Some("from"))
            }
            Unit::BasisPoints | Unit::Times => true,
        };
        fits.then_some(())
    }

    /// `similar past hours`, `matches`. Hours alone would be a length of time.
    fn counts_hours(&self, from: usize) -> bool {
        let mut described = false;
        for place in from..self.tokens.len().min(from + 5) {
            match self.word(place) {
                Some(
                    "similar" | "past" | "comparable" | "matching" | "such" | "like" | "historical" | "near"
                    | "nearest",
                ) => described = true,
                Some("hours" | "hour") => return described,
                Some("matches" | "match" | "patterns" | "pattern" | "precedents" | "precedent" | "cases") => {
                    return true;
                }
                _ => return false,
            }
            if self.tokens[place].end > End::Nothing {
                return false;
            }
        }
        false
    }

    fn names_matches(&self, measure: &Measure) -> bool {
        self.words(self.part(measure.first).filter(|place| *place < measure.first))
            .any(|word| matches!(word, "matches" | "patterns" | "precedents"))
    }

    /// The lengths of time that are said of it are the fact's.
    fn is_over(&self, which: usize, fact: &Fact) -> Option<()> {
        let windows = fact.kind.windows();
        if windows.is_empty() {
            return Some(());
        }
        let said = self.times_of(which);
        said.iter().all(|minutes| windows.contains(minutes)).then_some(())
    }

    /// Of its part: up to the next number, and back to the one before. If none, of the part. If none, of the nearest part without a number.
    fn times_of(&self, which: usize) -> Vec<u32> {
        let place = self.measures[which].first;
        let (before, after) = self.neighbours(which);
        let within = |from: usize, to: usize| -> Vec<u32> {
            let own = self.places[place].0;
            self.times
                .iter()
                .filter(|(at, _)| (from..to).contains(at) && self.places[*at].0 == own)
                .map(|(_, minutes)| *minutes)
                .collect()
        };
        let near = within(before, after);
        if !near.is_empty() {
            return near;
        }
        let part = within(0, self.tokens.len());
        if !part.is_empty() {
            return part;
        }
        let is_apart = |at: &usize| {
            self.places[*at].1 == self.places[place].1 && !self.part(*at).any(|other| self.is_value(other))
        };
        let apart = || self.times.iter().filter(|(at, _)| is_apart(at));
        let nearest = apart().rev().find(|(at, _)| *at < place).or_else(|| apart().next());
        nearest.map(|(_, minutes)| *minutes).into_iter().collect()
    }

    /// Whether a number that is no length of time begins there.
    fn is_value(&self, place: usize) -> bool {
        self.measures.iter().any(|other| other.first == place && minutes(other).is_none())
    }

    /// Where the number before it ends, and where the one after it begins, of those that are no length of time.
    fn neighbours(&self, which: usize) -> (usize, usize) {
        let values = |one: &&Measure| minutes(one).is_none();
        let before = self.measures[..which].iter().rev().find(values).map_or(0, |one| one.after);
        let after = self.measures[which + 1..].iter().find(values).map_or(self.tokens.len(), |one| one.first);
        (before, after)
    }

    /// The words that speak of it: of its part, back to the number before. If they name no subject, of the parts before as well, back to a
    /// number or to where the sentence begins.
    fn scope(&self, which: usize) -> Vec<usize> {
        let place = self.measures[which].first;
        let (before, _) = self.neighbours(which);
        let own: Vec<usize> = self.part(place).filter(|other| (before..place).contains(other)).collect();
        let names_subject = own.iter().any(|other| match &self.tokens[*other].content {
            Content::Name(_) => true,
            Content::Word(word) => words::is_subject(word) || words::topic(word).is_some_and(Topic::is_firm),
            _ => false,
        });
        if names_subject {
            return own;
        }
        self.sentence(place).filter(|other| (before..place).contains(other)).collect()
    }

    /// What is spoken of is what it is a fact of.
    fn is_about(&self, which: usize, fact: &Fact) -> Option<()> {
        let measure = &self.measures[which];
        let own = topics(fact.kind);
        let before: Vec<Topic> =
            self.words(self.scope(which)).filter_map(words::topic).filter(|topic| topic.is_firm()).collect();
        let after: Vec<Topic> = self.topic_after(measure).into_iter().collect();
        let agrees = |said: &[Topic]| said.is_empty() || said.iter().any(|topic| own.contains(topic));
        if !agrees(&before) || !agrees(&after) {
            return None;
        }
        // A close and a count are told by how they are counted.
        if !before.is_empty() || !after.is_empty() || matches!(fact.kind, Kind::LastClose | Kind::Matches) {
            return Some(());
        }
        let is_signed_change = measure.written.negative.is_some() && own.contains(&Topic::Change);
        let is_named =
            self.words(self.sentence(measure.first)).filter_map(words::topic).any(|topic| own.contains(&topic));
        (is_signed_change || is_named).then_some(())
    }

    /// `0.05 % volatility`, `1.2 % of the range`, `65 % of them`.
    fn topic_after(&self, measure: &Measure) -> Option<Topic> {
        if self.tokens[measure.after - 1].end > End::Nothing {
            return None;
        }
        let skipped =
            |place: usize| place + usize::from(matches!(self.word(place), Some("the" | "its" | "their" | "all")));
        let linked = matches!(self.word(measure.after), Some("of" | "in"));
        let noun = self.word(if linked { skipped(measure.after + 1) } else { measure.after });
        let is_share = self.word(measure.after) == Some("of") && noun.is_some_and(words::is_of_hours);
        if is_share { Some(Topic::Share) } else { noun.and_then(words::topic).filter(|topic| topic.is_firm()) }
    }

    /// Its sign, and the words of direction in its part, are the fact's.
    fn is_so_directed(&self, which: usize, fact: &Fact) -> Option<()> {
        let measure = &self.measures[which];
        let said = |places: Vec<usize>| {
            let up = self.words(places.iter().copied()).any(words::is_up);
            (up, self.words(places).any(words::is_down))
        };
        let (up, down) = said(self.part(measure.first).collect());
        if !fact.kind.is_signed() {
            let is_unsigned = measure.written.negative.is_none();
            let is_so = match fact.kind {
                Kind::LastClose => self.moved(up, down),
                // A share of something is not known to be the share that rose.
                Kind::Rose => up && !down,
                Kind::BaseRose => !down,
                _ => true,
            };
            return (is_unsigned && is_so).then_some(());
        }
        let value = fact.value.signum();
        if let Some(negative) = measure.written.negative
            && negative != (value < 0)
        {
            return None;
        }
        let agrees = match (up, down) {
            (true, true) => false,
            (true, false) => value > 0,
            (false, true) => value < 0,
            (false, false) if measure.written.negative.is_some() => true,
            // A number without a sign is read as above zero.
            (false, false) => value >= 0 && !said(self.sentence(measure.first).collect()).1,
        };
        agrees.then_some(())
    }

    /// Whether a price may be said to have been risen or fallen to.
    fn moved(&self, up: bool, down: bool) -> bool {
        let any = |is_so: fn(i128) -> bool| {
            [Kind::Change15, Kind::Change60, Kind::ChangeDay]
                .into_iter()
                .filter_map(|kind| self.facts.get(kind))
                .any(|fact| is_so(fact.value))
        };
        match (up, down) {
            (true, true) => false,
            (true, false) => any(|value| value > 0),
            (false, true) => any(|value| value < 0),
            (false, false) => true,
        }
    }

    /// It is said of what was: not denied, and not of what may come, unless it is of what came after past hours.
    fn is_stated(&self, which: usize, fact: &Fact) -> Option<()> {
        let place = self.measures[which].first;
        let (before, after) = self.neighbours(which);
        let own = || self.part(place).filter(|other| (before..after).contains(other));
        let denied = self.words(self.scope(which)).chain(self.words(own())).any(words::denies);
        let supposed = || {
            let earlier = self.sentence(place).filter(|other| *other < place);
            self.words(earlier).chain(self.words(self.part(place))).any(words::supposes)
        };
        (!denied && (fact.kind.is_of_the_past() || !supposed())).then_some(())
    }
}

fn minutes(measure: &Measure) -> Option<u64> {
    match measure.unit {
        Some(WrittenUnit::Time(each)) => {
            u64::try_from(measure.written.value / i128::from(ONE)).ok().and_then(|count| count.checked_mul(each.into()))
        }
        _ => None,
    }
}

fn fits_unit(measure: &Measure, kind: Kind) -> bool {
    match measure.unit {
        None => matches!(kind.unit(), Unit::Price | Unit::Count | Unit::Share),
        Some(WrittenUnit::Percent) => kind.unit() == Unit::Percent,
        Some(WrittenUnit::BasisPoints) => kind.unit() == Unit::BasisPoints,
        Some(WrittenUnit::Times) => kind.unit() == Unit::Times,
        Some(WrittenUnit::Currency) => kind.unit() == Unit::Price,
        Some(WrittenUnit::Time(_)) => false,
    }
}

fn topics(kind: Kind) -> &'static [Topic] {
    match kind {
        Kind::LastClose => &[Topic::Price],
        Kind::Bid => &[Topic::Bid],
        Kind::Ask => &[Topic::Ask],
        Kind::Spread => &[Topic::Spread],
        Kind::Change15 | Kind::Change60 | Kind::ChangeDay => &[Topic::Change, Topic::Trend],
        Kind::Trend15 => &[Topic::Trend],
        Kind::High60 | Kind::High240 => &[Topic::High, Topic::Range],
        Kind::Low60 | Kind::Low240 => &[Topic::Low, Topic::Range],
        Kind::Volatility60 => &[Topic::Volatility],
        Kind::Volume15 => &[Topic::Volume],
        Kind::Matches => &[Topic::Past, Topic::Share],
        Kind::Similarity => &[Topic::Similarity],
        Kind::OutcomeMean => &[Topic::Mean, Topic::Past],
        Kind::OutcomeMedian => &[Topic::Median],
        Kind::OutcomeLow | Kind::OutcomeHigh => &[Topic::Interval],
        Kind::Rose => &[Topic::Share],
        Kind::BaseMean | Kind::BaseRose => &[Topic::Base],
    }
}

/// Which part, and which sentence, each token stands in.
fn places(tokens: &[Token]) -> Vec<(usize, usize)> {
    let (mut part, mut sentence) = (0, 0);
    let mut places = Vec::with_capacity(tokens.len());
    for (place, token) in tokens.iter().enumerate() {
        // `60 minutes and 15 minutes` are said of one number.
        let joins = matches!(token.word(), Some("and" | "or")) && is_time(tokens, place + 1);
        part += usize::from(token.word().is_some_and(words::parts) && !joins);
        places.push((part, sentence));
        part += usize::from(token.end >= End::Part);
        sentence += usize::from(token.end == End::Sentence);
    }
    places
}

/// Whether a length of time begins there.
fn is_time(tokens: &[Token], place: usize) -> bool {
    tokens.get(place).and_then(Token::number).is_some_and(|written| match written.unit {
        None => tokens.get(place + 1).and_then(Token::word).and_then(time_word).is_some(),
        Some(unit) => matches!(unit, WrittenUnit::Time(_)),
    })
}

/// Every number with the unit that stands after it. Errors: `Notation`, where it is not clear what is one number.
fn measures<'t>(tokens: &'t [Token], text: &str, facts: &Facts) -> Result<Vec<Measure<'t>>, Refusal> {
    let quote = facts.pair.assets().map(|(_, quote)| quote.to_string());
    let mut found = Vec::new();
    for (first, token) in tokens.iter().enumerate() {
        let Some(written) = token.number() else { continue };
        let wrong = |last: usize| Err(Refusal::Notation { text: quoted(&text[token.from..tokens[last].to]) });
        if first > 0 && tokens[first - 1].content == Content::Dash {
            return Err(Refusal::Notation { text: quoted(&text[tokens[first - 1].from..token.to]) });
        }
        let next = |by: usize| {
            let is_open = tokens[first..first + by].iter().all(|token| token.end == End::Nothing);
            tokens.get(first + by).filter(|_| is_open)
        };
        if next(1).is_some_and(|next| next.number().is_some()) {
            return wrong(first + 1);
        }
        let (spoken, length) = match next(1).map(|next| &next.content) {
            Some(Content::Name(name)) if Some(name) == quote.as_ref() => (Some(WrittenUnit::Currency), 1),
            // A number of what is traded is an amount, and no fact is one.
            Some(Content::Name(_)) => return wrong(first + 1),
            Some(Content::Word(word)) => match word.as_str() {
                "percent" | "pct" | "%" => (Some(WrittenUnit::Percent), 1),
                "bp" | "bps" => (Some(WrittenUnit::BasisPoints), 1),
                "basis" if matches!(next(2).and_then(Token::word), Some("point" | "points")) => {
                    (Some(WrittenUnit::BasisPoints), 2)
                }
                "times" => (Some(WrittenUnit::Times), 1),
                "dollar" | "dollars" => (Some(WrittenUnit::Currency), 1),
                word => (time_word(word).map(WrittenUnit::Time), 1),
            },
            _ => (None, 0),
        };
        let length = if spoken.is_some() { length } else { 0 };
        let dollar = written.dollar.then_some(WrittenUnit::Currency);
        let mut units = [written.unit, dollar, spoken].into_iter().flatten();
        let unit = units.next();
        let is_one = units.all(|other| Some(other) == unit && other == WrittenUnit::Currency);
        let is_time = matches!(unit, Some(WrittenUnit::Time(_)));
        if !is_one || is_time && !(written.is_whole() && written.negative.is_none()) {
            return wrong(first + length);
        }
        found.push(Measure { written, unit, first, after: first + 1 + length });
    }
    Ok(found)
}
