//! What is kept, what a stored note may claim, what rules say, and what calls were worth.

use proptest::prelude::*;

use super::facts::{answer, candles, quote};
use super::setting::{FACTS, facts, of, reply};
use crate::analyst::check::MOST_REPLY_BYTES;
use crate::analyst::note::MOST_KEPT_BYTES;
use crate::analyst::{
    Author, Calibration, Call, FEWEST_CALLS, Facts, Failure, Kind, Note, NoteError, Outcome, Refusal, Said, Score,
    check, rules, score,
};
use crate::domain::money::format_decimal;
use crate::domain::{EventTime, NoteId, Opinion, Price, Rate, Stance};

const TRUE: &str = "The price rose 1.24 % over 60 minutes, and the last close is 65,123.45 USD. Of 18 similar hours 67.2 % of them rose.";

fn said() -> Said {
    check(&facts(), &reply(TRUE)).expect("it is true")
}

fn model(name: &str) -> Author {
    Author::Model { name: name.to_owned() }
}

fn note() -> Note {
    Note::new(model("llama3.2:3b"), facts(), Outcome::Said(said()), 812)
}

#[test]
fn a_reply_that_is_not_the_form_is_refused() {
    let code = |bytes: &[u8]| check(&facts(), bytes).map_err(|refusal| refusal.code());
    let cases: &[(&[u8], &str)] = &[
        (b"", "not_json"),
        (b"The price rose.", "not_json"),
        (b"{\"stance\": \"bullish\"", "not_json"),
        (b"\xff\xfe", "not_text"),
        (b"[]", "not_the_form"),
        (b"null", "not_the_form"),
        (b"{}", "not_the_form"),
        (br#"{"stance":"bullish","confidence":0.5}"#, "not_the_form"),
        (br#"{"stance":"Bullish","confidence":0.5,"sentences":"Calm."}"#, "not_the_form"),
        (br#"{"stance":"buy","confidence":0.5,"sentences":"Calm."}"#, "not_the_form"),
        (br#"{"stance":"bullish","confidence":"0.5","sentences":"Calm."}"#, "not_the_form"),
        (br#"{"stance":"bullish","confidence":null,"sentences":"Calm."}"#, "not_the_form"),
        (br#"{"stance":"bullish","confidence":0.5,"sentences":["Calm."]}"#, "not_the_form"),
        (br#"{"stance":"bullish","confidence":0.5,"sentences":"Calm.","order":"buy"}"#, "not_the_form"),
        (br#"{"stance":"bullish","stance":"bearish","confidence":0.5,"sentences":"Calm."}"#, "not_the_form"),
        (br#"{"stance":"bullish","confidence":1.01,"sentences":"Calm."}"#, "confidence"),
        (br#"{"stance":"bullish","confidence":-0.1,"sentences":"Calm."}"#, "confidence"),
        (br#"{"stance":"bullish","confidence":75,"sentences":"Calm."}"#, "confidence"),
        (br#"{"stance":"bullish","confidence":NaN,"sentences":"Calm."}"#, "not_json"),
        (br#"{"stance":"bullish","confidence":1e999,"sentences":"Calm."}"#, "not_json"),
        (br#"{"stance":"bullish","confidence":0.5,"sentences":"Calm."} and more"#, "not_json"),
        (br#"```json {"stance":"bullish","confidence":0.5,"sentences":"Calm."} ```"#, "not_json"),
        (br#"{"stance":"bullish","confidence":0.5,"sentences":"Calm\u200b."}"#, "hidden"),
    ];
    for (bytes, expected) in cases {
        assert_eq!(code(bytes), Err(*expected), "{}", String::from_utf8_lossy(bytes));
    }
    let deep = "[".repeat(20_000);
    assert_eq!(code(deep.as_bytes()), Err("not_json"));
    assert_eq!(code(&vec![b' '; MOST_REPLY_BYTES + 1]), Err("reply_too_long"));
    assert_eq!(code(&vec![b' '; MOST_REPLY_BYTES]), Err("not_json"));
    let long = |count: usize| reply(&"calm ".repeat(count));
    assert_eq!(code(&long(121)), Err("text_too_long"));
    assert!(code(&long(120)).is_ok());
    let edges = check(&facts(), br#"{"stance":"bearish","confidence":1,"sentences":"Calm."}"#).expect("in order");
    assert_eq!((edges.stance, edges.confidence), (Stance::Bearish, Rate::from_units(100_000_000)));
}

#[test]
fn a_refusal_says_what_was_wrong() {
    let sentence = |text: &str| check(&facts(), &reply(text)).map_err(|refusal| refusal.sentence());
    for (text, expected) in [
        ("The price rose 1.34 % over 60 minutes.", "the text says 1.34 %, and no fact is 1.34 %"),
        (
            "The price fell 1.24 % over 60 minutes.",
            "the text says 1.24 % up where the fact is down, or down where it is up",
        ),
        ("The price rose 1.24 % over 30 minutes.", "the text says 1.24 %, and no fact is over that time"),
        ("The price rose 三 %.", "the text has `三`, which is not of the Latin script"),
        ("ETH is calm.", "the text names `ETH`, and is about another pair"),
        ("The price rose\u{202E}.", "the text has the character U+202E, which can not be seen"),
        ("The price is above 65,000.", "the text says `above 65,000`, and the fact is the number itself"),
    ] {
        assert_eq!(sentence(text), Err(expected.to_owned()));
    }
    let long = sentence(&format!("calm {}.", "x".repeat(500))).expect_err("no word");
    assert!(long.len() < 140, "{long}");
}

#[test]
fn only_what_was_said_is_an_opinion() {
    let note = note();
    let opinion = note.opinion().expect("it was said");
    assert_eq!((opinion.pair, opinion.as_of, opinion.note), (facts().pair, facts().as_of, note.id));
    assert_eq!((opinion.stance, opinion.confidence), (Stance::Neutral, Rate::from_units(50_000_000)));
    let refused = Outcome::Refused { refusal: Refusal::NotJson, reply: "buy".to_owned() };
    assert_eq!(Note::new(model("m"), facts(), refused, 1).opinion(), None);
    let failed = Outcome::Failed { why: Failure::TimedOut, detail: String::new() };
    assert_eq!(Note::new(model("m"), facts(), failed, 1).opinion(), None);
}

#[test]
fn an_id_is_of_all_that_a_note_was_made_of() {
    let original = note();
    let mut other_facts = facts();
    other_facts.list[0].value += 1;
    let changed = [
        Note::new(Author::Rules, facts(), Outcome::Said(said()), 812),
        Note::new(model("llama3.2:1b"), facts(), Outcome::Said(said()), 812),
        Note::new(model("llama3.2:3b"), other_facts, Outcome::Said(said()), 812),
        Note::new(model("llama3.2:3b"), facts(), Outcome::Said(Said { stance: Stance::Bullish, ..said() }), 812),
        Note::new(model("llama3.2:3b"), facts(), Outcome::Said(Said { confidence: Rate::ZERO, ..said() }), 812),
    ];
    let mut ids: Vec<NoteId> = changed.iter().map(|note| note.id).chain([original.id]).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 6);
    assert_eq!(
        Note { latency_ms: 9, ..note() }.id,
        Note::new(model("llama3.2:3b"), facts(), Outcome::Said(said()), 9).id
    );
    // What moves from one part to the next is not the same note.
    let refused = |name: &str, reply: &str| {
        let outcome = Outcome::Refused { refusal: Refusal::NotJson, reply: reply.to_owned() };
        Note::new(model(name), facts(), outcome, 0).id
    };
    assert_ne!(refused("ab", "c"), refused("a", "bc"));
}

#[test]
fn a_stored_note_comes_back_and_a_changed_one_does_not() {
    let kept = [
        note(),
        Note::new(Author::Rules, facts(), Outcome::Said(rules::say(&facts())), 0),
        Note::new(
            model("m"),
            facts(),
            Outcome::Refused { refusal: Refusal::Word { word: "buy".to_owned() }, reply: "{}".to_owned() },
            3,
        ),
        Note::new(model("m"), facts(), Outcome::Failed { why: Failure::Unreachable, detail: "refused".to_owned() }, 3),
    ];
    for note in kept {
        let bytes = note.to_bytes();
        assert_eq!(Note::from_bytes(&bytes).as_ref(), Ok(&note));
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(Note::from_bytes(&longer), Err(NoteError::Damaged));
        // Every bit, but those of the latency at the end, which no id is of.
        let last = bytes.len() - if note.latency_ms > 127 { 2 } else { 1 };
        for at in 0..last {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                assert!(Note::from_bytes(&changed).is_err(), "byte {at} bit {bit}");
            }
        }
    }
    assert_eq!(Note::from_bytes(&[2]), Err(NoteError::Format(2)));
    assert_eq!(Note::from_bytes(&[]), Err(NoteError::Damaged));
    assert_eq!(Note::from_bytes(&vec![1; 64 * 1_024 + 1]), Err(NoteError::TooLong(64 * 1_024 + 1)));
}

/// A note with a true id, made by somebody who may write bytes.
fn forged(change: impl FnOnce(&mut Said)) -> Result<Note, NoteError> {
    let mut said = said();
    change(&mut said);
    Note::from_bytes(&Note::new(model("m"), facts(), Outcome::Said(said), 0).to_bytes())
}

#[test]
fn a_stored_note_can_not_say_what_its_facts_do_not() {
    assert!(forged(|_| {}).is_ok());
    assert_eq!(forged(|said| said.text = said.text.replace("1.24", "9.24")), Err(NoteError::Unsupported));
    assert_eq!(forged(|said| said.text = "Buy now.".to_owned()), Err(NoteError::Unsupported));
    assert_eq!(forged(|said| said.numbers[0].fact = 99), Err(NoteError::Unsupported));
    assert_eq!(forged(|said| said.numbers[0].fact = 0), Err(NoteError::Unsupported));
    assert_eq!(forged(|said| said.numbers[0].to = 9_999), Err(NoteError::Unsupported));
    assert_eq!(forged(|said| said.numbers.clear()), Err(NoteError::Unsupported));
    assert_eq!(forged(|said| said.confidence = Rate::from_units(100_000_001)), Err(NoteError::Unsupported));
    let with = |facts: Facts| {
        Note::from_bytes(
            &Note::new(Author::Rules, facts, Outcome::Failed { why: Failure::Broken, detail: String::new() }, 0)
                .to_bytes(),
        )
    };
    assert!(with(facts()).is_ok());
    let mut facts = facts();
    facts.list.swap(0, 1);
    assert_eq!(with(facts.clone()), Err(NoteError::OutOfBounds));
    facts.list.swap(0, 1);
    facts.list[1].kind = Kind::LastClose;
    assert_eq!(with(facts.clone()), Err(NoteError::OutOfBounds), "two of a kind");
    facts.list[1].kind = Kind::Bid;
    facts.list[5].value = i128::MIN;
    assert_eq!(with(facts), Err(NoteError::OutOfBounds));
}

#[test]
fn what_is_kept_is_bounded() {
    let long = "é".repeat(MOST_KEPT_BYTES);
    let refused = Outcome::Refused { refusal: Refusal::NotJson, reply: long.clone() };
    let note = Note::new(model(&long), facts(), refused, 0);
    let Outcome::Refused { reply, .. } = &note.outcome else { panic!("it was refused") };
    assert_eq!(reply.len(), MOST_KEPT_BYTES);
    assert!(note.to_bytes().len() < 8_000);
    assert!(Note::from_bytes(&note.to_bytes()).is_ok());
}

#[test]
fn rules_say_what_they_are_documented_to_say() {
    let volatility = (Kind::Volatility60, "0.050");
    let past = |low, high| [(Kind::Matches, "5"), (Kind::OutcomeLow, low), (Kind::OutcomeHigh, high)];
    let stance = |change: &'static str, trend: &'static str, past: [(Kind, &'static str); 3]| {
        let mut list = vec![(Kind::LastClose, "100"), (Kind::Change60, change), (Kind::Trend15, trend), volatility];
        list.extend(past);
        let said = rules::say(&of("BTC-USD", &list));
        (said.stance, said.confidence.to_string())
    };
    let (bullish, bearish, neutral) = (Stance::Bullish, Stance::Bearish, Stance::Neutral);
    let none = past("-0.10", "0.10");
    assert_eq!(stance("0.20", "0.05", none), (bullish, "0.55".to_owned()));
    assert_eq!(stance("0.19", "0.05", none), (neutral, "0.5".to_owned()));
    assert_eq!(stance("0.20", "0.04", none), (neutral, "0.5".to_owned()));
    assert_eq!(stance("0.20", "-0.05", none), (neutral, "0.5".to_owned()));
    assert_eq!(stance("-0.20", "-0.05", none), (bearish, "0.55".to_owned()));
    assert_eq!(stance("0.20", "0.05", past("0.01", "0.10")), (bullish, "0.65".to_owned()));
    assert_eq!(stance("-0.20", "-0.05", past("-0.10", "-0.01")), (bearish, "0.65".to_owned()));
    assert_eq!(stance("0.20", "0.01", past("0.01", "0.10")), (bullish, "0.55".to_owned()));
    assert_eq!(stance("0.20", "0.01", past("0.00", "0.10")), (neutral, "0.5".to_owned()));
    let few = [(Kind::Matches, "4"), (Kind::OutcomeLow, "0.01"), (Kind::OutcomeHigh, "0.10")];
    assert_eq!(stance("0.20", "0.01", few), (neutral, "0.5".to_owned()));
    assert_eq!(rules::say(&of("BTC-USD", &[(Kind::LastClose, "100")])).stance, neutral);
}

#[test]
fn the_text_of_the_rules_is_made_of_the_facts() {
    let all = Facts::of(&candles(240), Some(&quote()), Some(&answer())).expect("facts");
    let text = |facts: &Facts| rules::say(facts).text;
    assert_eq!(
        text(&facts()),
        "The price rose 1.24 % over 60 minutes, and the trend over 15 minutes is -0.41 %. 18 similar hours are known, and \
         the price rose after 67.2 % of them."
    );
    assert!(rules::say(&all).numbers.len() >= 4, "{}", text(&all));
    assert_eq!(text(&of("BTC-USD", &[(Kind::LastClose, "0.5")])), "The last close is 0.5. No similar hour is known.");
    assert_eq!(
        text(&of("00-11", &[(Kind::Change60, "0.00")])),
        "The change over 60 minutes is 0.00 %. No similar hour is known."
    );
}

fn call(stance: Stance, confidence: &str, later: &str) -> Call {
    let opinion = Opinion {
        pair: "BTC-USD".parse().expect("a pair"),
        as_of: EventTime::from_nanos(0),
        stance,
        confidence: Rate::parse(confidence).expect("a rate"),
        note: NoteId::of("a"),
    };
    let price = |text| Price::parse(text).expect("a price");
    Call { opinion, then: price("100"), later: price(later), usual_move: 0.5 }
}

#[test]
fn a_call_is_right_when_the_price_went_its_way() {
    use Stance::{Bearish, Bullish, Neutral};
    for (stance, later, is_hit) in [
        (Bullish, "100.01", true),
        (Bullish, "100", false),
        (Bullish, "99", false),
        (Bearish, "99.99", true),
        (Bearish, "100", false),
        (Neutral, "100.5", true),
        (Neutral, "99.5", true),
        (Neutral, "100.51", false),
        (Neutral, "99.49", false),
    ] {
        assert_eq!(call(stance, "0.5", later).is_hit(), is_hit, "{stance} {later}");
    }
}

#[test]
fn a_score_of_too_few_calls_is_none() {
    let calls = vec![call(Stance::Bullish, "0.75", "101"); FEWEST_CALLS - 1];
    assert_eq!(score(&calls), Score::NotEnough { n: 19 });
    let mut calls = vec![call(Stance::Bullish, "0.75", "101"); 15];
    calls.extend(vec![call(Stance::Bearish, "0.6", "101"); 5]);
    let expected = Calibration {
        n: 20,
        hit_rate: 0.75,
        brier: (15.0 * 0.0625 + 5.0 * 0.36) / 20.0,
        base_rate: 1.0,
        base_brier: 0.0,
    };
    let Score::Of(found) = score(&calls) else { panic!("twenty are enough") };
    assert!((found.brier - expected.brier).abs() < 1e-12);
    assert_eq!(Calibration { brier: expected.brier, ..found }, expected);
    let half: Vec<Call> = (0..20).map(|at| call(Stance::Neutral, "0.5", if at < 5 { "101" } else { "99" })).collect();
    let Score::Of(found) = score(&half) else { panic!("twenty are enough") };
    assert_eq!((found.base_rate, found.base_brier, found.hit_rate), (0.25, 0.1875, 0.0));
}

/// Any facts at all, some of them missing.
fn any_facts() -> impl Strategy<Value = Facts> {
    let values = prop::collection::vec(
        (any::<bool>(), -5_000_000_000i64..5_000_000_000, 1u64..9_000_000_000_000_000_000),
        FACTS.len(),
    );
    (values, prop::sample::select(vec!["BTC-USD", "ONE-USD", "00-11", "1INCH-USD", "BTCUSDT", "A.B_C"])).prop_map(
        |(values, pair)| {
            let mut all = of(pair, &[]);
            let template = facts();
            for (fact, (known, value, price)) in template.list.iter().zip(values) {
                let value = match fact.kind.decimals() {
                    None => i128::from(price),
                    Some(0) => i128::from(value.unsigned_abs() % 10_000) * 100_000_000,
                    Some(decimals) => {
                        let step = 10i128.pow(8 - decimals);
                        let value = i128::from(value) / step * step;
                        if fact.kind.is_signed() { value } else { value.abs() }
                    }
                };
                if known {
                    all.list.push(crate::analyst::Fact { value, ..*fact });
                }
            }
            all
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn rules_never_say_what_would_be_refused(facts in any_facts()) {
        let said = rules::say(&facts);
        let again = check(&facts, &reply(&said.text));
        prop_assert_eq!(again.map(|again| again.numbers), Ok(said.numbers.clone()), "{}", said.text);
        let is_known = |kind| facts.get(kind).is_some();
        if is_known(Kind::LastClose) || is_known(Kind::Change60) {
            prop_assert!(!said.numbers.is_empty(), "{}", said.text);
        }
    }

    #[test]
    fn every_digit_that_is_shown_is_of_a_number_that_leads_to_a_fact(facts in any_facts()) {
        let said = rules::say(&facts);
        for (at, _) in said.text.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_digit()) {
            let leads = said.numbers.iter().any(|number| (number.from as usize..number.to as usize).contains(&at));
            prop_assert!(leads, "{} at {at}", said.text);
        }
    }

    #[test]
    fn a_note_that_is_damaged_in_any_way_is_an_error_and_no_panic(at in any::<prop::sample::Index>(), bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let mut stored = note().to_bytes();
        let at = at.index(stored.len());
        let end = (at + bytes.len()).min(stored.len());
        stored.splice(at..end, bytes);
        if let Ok(read) = Note::from_bytes(&stored) {
            prop_assert_eq!(Note { latency_ms: 812, ..read }, note());
        }
    }

    #[test]
    fn any_bytes_are_read_as_a_note_without_a_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Note::from_bytes(&bytes).is_err());
        bytes.insert(0, 1);
        prop_assert!(Note::from_bytes(&bytes).is_err());
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in "\\PC{0,80}", words in "(price|rose|-|\\+|−|\\$|[0-9]{1,4}|,|\\.| |%|bp|k|and|over|60 minutes|BTC|\\(|\\)|’s|'s){0,30}") {
        for text in [text, words] {
            if let Ok(said) = check(&facts(), &reply(&text)) {
                prop_assert!(said.numbers.iter().all(|number| said.text.get(number.from as usize..number.to as usize).is_some()));
            }
        }
    }
}

/// By other code than the check's: the fact as a float, written with as many decimals, or rounded to two digits or more.
fn is_a_rounding_of_some_fact(number: &str) -> bool {
    let Ok(written) = number.replace(',', "").parse::<f64>() else { return true };
    let decimals = number.split_once('.').map_or(0, |(_, part)| part.len() as i32);
    facts().list.iter().any(|fact| {
        let value = format_decimal(fact.value).parse::<f64>().expect("a number").abs();
        let is_near = |step: f64| (value - written).abs() <= step / 2.0 + 1e-9;
        let zeros = (1..4).filter(|zeros| written >= 10f64.powi(zeros + 1) && written % 10f64.powi(*zeros) == 0.0);
        is_near(10f64.powi(-decimals)) || zeros.into_iter().any(|zeros| is_near(10f64.powi(zeros)))
    })
}

#[test]
fn no_digit_of_a_true_text_can_be_changed() {
    let (mut changed, mut rounded, mut stayed) = (0, Vec::new(), Vec::new());
    for text in super::accepted::shown() {
        let said = check(&facts(), &reply(text)).expect("it is true");
        for (at, old) in text.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_digit()) {
            for new in (b'0'..=b'9').filter(|new| *new != old) {
                let mut bytes = text.as_bytes().to_vec();
                bytes[at] = new;
                let other = String::from_utf8(bytes).expect("a digit for a digit");
                changed += 1;
                if check(&facts(), &reply(&other)).is_err() {
                    continue;
                }
                rounded.push(other.clone());
                let number =
                    said.numbers.iter().find(|number| (number.from as usize..number.to as usize).contains(&at));
                let number = number.expect("every digit is of a number");
                let written = &other[number.from as usize..number.to as usize];
                let digits: String = written.chars().filter(|c| c.is_ascii_digit() || matches!(c, '.' | ',')).collect();
                if !is_a_rounding_of_some_fact(&digits) {
                    stayed.push(other);
                }
            }
        }
    }
    assert!(stayed.is_empty(), "of {changed}: {stayed:#?}");
    assert!(changed > 5_000, "{changed}");
    // Other roundings of the same facts, and other facts of the same subject.
    assert!(rounded.len() < 60, "{}: {rounded:#?}", rounded.len());
}
