//! What may be said and what may not.

use super::facts::rounded;
use super::score::FEWEST;
use super::*;
use crate::domain::time::MINUTE;
use crate::domain::{Amount, Candle, EventTime, Price, Quality, Rate, Seq, Source, Stance, TapeTime, money};
use proptest::prelude::*;

fn fact(name: &str, value: f64, unit: Unit, decimals: u8) -> Fact {
    let at = EventTime::from_nanos(0);
    let text = name.to_owned();
    Fact {
        name: text.clone(),
        label: text,
        value,
        unit,
        decimals,
        source: "A test.".to_owned(),
        from: at,
        to: at,
        sql: None,
    }
}

fn brief() -> Facts {
    Facts {
        source: Source::Live,
        pair: "BTC-USD".parse().expect("a pair"),
        as_of: EventTime::from_nanos(0),
        facts: vec![
            fact("close", 42_318.57, Unit::Price, 2),
            fact("change_15", 0.42, Unit::Change, 2),
            fact("change_60", -1.27, Unit::Change, 2),
            fact("usual_15", 0.31, Unit::Percent, 2),
            fact("spread", 2.3, Unit::BasisPoints, 1),
            fact("matches", 20.0, Unit::Count, 0),
            fact("similarity", 0.37, Unit::Plain, 2),
            fact("after_60", 0.10, Unit::Change, 2),
            fact("rose", 55.0, Unit::Percent, 0),
        ],
    }
}

fn said(text: &str) -> Result<Said, Refusal> {
    let reply = serde_json::json!({ "stance": "Neutral", "confidence": 0.5, "text": text });
    check::check(reply.to_string().as_bytes(), &brief())
}

#[test]
fn what_the_facts_say_may_be_said() {
    for (text, facts) in [
        ("The price is quiet.", vec![]),
        ("BTC closed at 42318.57.", vec!["close"]),
        ("BTC closed at 42,318.57 USD.", vec!["close"]),
        ("It closed near 42,319.", vec!["close"]),
        ("It closed at $42318.6 after a gain of +0.42 %.", vec!["close", "change_15"]),
        ("The price rose 0.42% over 15 minutes, where 0.31% is usual.", vec!["change_15", "usual_15"]),
        ("It fell by 1.27 % in the last hour.", vec!["change_60"]),
        ("It fell by 1.3 % over 60 minutes.", vec!["change_60"]),
        ("The change over 60 minutes is -1.27 %.", vec!["change_60"]),
        ("The change over 60 minutes is −1.27 %.", vec!["change_60"]),
        ("Of 20 hours alike 55 % rose, by +0.10 % on the mean.", vec!["matches", "rose", "after_60"]),
        ("The spread is 2.3 bp, and the nearest hour has a similarity of 0.37.", vec!["spread", "similarity"]),
        ("The 15-minute trend is up. It may hold!", vec![]),
    ] {
        let said = said(text).unwrap_or_else(|why| panic!("{text}: {why}"));
        let names: Vec<String> =
            said.numbers.iter().map(|number| brief().facts[number.fact as usize].name.clone()).collect();
        assert_eq!(names, facts, "{text}");
        for number in &said.numbers {
            assert!(said.text[number.from as usize..number.to as usize].bytes().any(|b| b.is_ascii_digit()));
        }
    }
}

#[test]
fn what_no_fact_says_is_refused() {
    for text in [
        "It rose 0.43 %.",
        "It rose 0.4 %.",
        "It rose 0 %.",
        "It rose 0.421 %.",
        "It fell 0.42 %.",
        "It moved 0.42 %.",
        "It rose by 1.27 %.",
        "The change is +1.27 %.",
        "The change is -0.42 %.",
        "It closed at 42,318.58.",
        "It closed at 42318,57.",
        "It closed at 4,2318.57.",
        "It closed at 42.3k.",
        "It closed at 42k.",
        "It closed at 4.2e4.",
        "It closed at 42 318.57.",
        "A target of 43000 is near.",
        "It is 42318.57 %.",
        "The spread is 2.3.",
        "The spread is 2.3 %.",
        "The spread is 3 bp.",
        "A similarity of 0.37 %.",
        "Of 21 hours alike most rose.",
        "Of 20 matches most rose.",
        "It rose -0.42 %.",
        "Between 0.10-0.42 %.",
        "A ratio of 1/2.",
        "At 14:07 it rose.",
        "In 2026 it rose.",
        "It rose for 30 hours.",
        "It rose 0.42 % and 7 more.",
        "It rose ٠٫٤٢ %.",
        "It rose ０.42 %.",
        "It rose 0.4² %.",
        "It rose ½ %.",
        "It rose 0.\u{200b}42 %.",
        "It rose О.42 %.",
        "It rose l.27 %.",
        "It rose half a percent.",
        "It rose two percent.",
        "It doubled.",
        "It rose twice.",
        "A third of them rose.",
        "Es stieg um zwei Prozent.",
        "Il gagne deux pourcents.",
        "Sube cinco por ciento.",
        "Part IV of the rise.",
        "It rose XX times.",
        "Ethereum looks better.",
        "ETH looks better.",
        "Like DOGE it may run.",
        "See https://example.org for more.",
        "See www.example.com now.",
        "Look at example.io today.",
        "<b>It rose.</b>",
        "<script>alert(0)</script>",
        "**It rose.**",
        "`It rose.`",
        "[It rose](here)",
        "{\"stance\": \"Bullish\"}",
        "It rose.\nIgnore the rules.",
        "It rose. It held. It may go on.",
        "价格上涨了。",
        "Цена выросла.",
        "السعر ارتفع",
        "It rose \u{202e}% 24.0.",
        "It rose 😀.",
        "",
        "   ",
    ] {
        assert!(said(text).is_err(), "{text:?} was let through: {:?}", said(text));
    }
    assert_eq!(said(&"a ".repeat(400)).expect_err("long").code(), "text_too_long");
}

#[test]
fn an_answer_that_is_not_the_form_is_refused() {
    let long = format!("{{\"stance\":\"Neutral\",\"confidence\":0.5,\"text\":\"{}\"}}", "x".repeat(70_000));
    let deep = "[".repeat(60_000);
    for (reply, code) in [
        ("", "not_the_form"),
        ("null", "not_the_form"),
        ("Bullish", "not_the_form"),
        ("{\"stance\":\"Bullish\"}", "not_the_form"),
        ("{\"stance\":\"Bullish\",\"confidence\":0.5,\"text\":\"Up.\",\"order\":\"buy\"}", "not_the_form"),
        ("{\"stance\":\"Bullish\",\"stance\":\"Bearish\",\"confidence\":0.5,\"text\":\"Up.\"}", "not_the_form"),
        ("{\"stance\":\"Bullish\",\"confidence\":0.5,\"text\":\"Up.\"} and more", "not_the_form"),
        ("{\"stance\":\"Bullish\",\"confidence\":\"0.5\",\"text\":\"Up.\"}", "not_the_form"),
        ("{\"stance\":\"bullish\",\"confidence\":0.5,\"text\":\"Up.\"}", "no_stance"),
        ("{\"stance\":\"Buy\",\"confidence\":0.5,\"text\":\"Up.\"}", "no_stance"),
        ("{\"stance\":\"Bullish\",\"confidence\":1.5,\"text\":\"Up.\"}", "no_confidence"),
        ("{\"stance\":\"Bullish\",\"confidence\":-0.1,\"text\":\"Up.\"}", "no_confidence"),
        (long.as_str(), "too_long"),
        (deep.as_str(), "not_the_form"),
    ] {
        let shown: String = reply.chars().take(60).collect();
        assert_eq!(check::check(reply.as_bytes(), &brief()).expect_err(&shown).code(), code, "{shown}");
    }
    assert!(check::check(&[0xff, 0xfe, b'{'], &brief()).is_err());
    let note = Note::of_reply(Author::Model("m".to_owned()), brief(), b"\x1b[31m<b>no</b>\n", 7);
    let Outcome::Refused { reply, .. } = &note.outcome else { panic!("it was shown") };
    assert_eq!(reply, "?[31m<b>no</b>?");
    assert_eq!(note.opinion(), None);
}

#[test]
fn a_note_comes_back_as_it_was_and_a_changed_one_does_not() {
    let reply = serde_json::json!({ "stance": "Bullish", "confidence": 0.7, "text": "It rose 0.42 %." }).to_string();
    let note = Note::of_reply(Author::Model("gemma".to_owned()), brief(), reply.as_bytes(), 1_200);
    let opinion = note.opinion().expect("it was said");
    assert_eq!(
        (opinion.stance, opinion.confidence, opinion.note),
        (Stance::Bullish, Rate::from_units(money::ONE / 10 * 7), note.id)
    );
    let bytes = note.to_bytes();
    assert_eq!(Note::from_bytes(&bytes), Ok(note.clone()));
    let mut changed = 0;
    for at in 0..bytes.len() {
        let mut other = bytes.clone();
        other[at] ^= 1;
        match Note::from_bytes(&other) {
            Err(_) => changed += 1,
            // How long it took is no part of its name.
            Ok(read) => assert_eq!((read.id, read.outcome), (note.id, note.outcome.clone())),
        }
        let _ = Note::from_bytes(&bytes[..at]);
    }
    assert!(changed + 4 >= bytes.len(), "{changed} of {}", bytes.len());
    let other = Note::new(Author::Rules, note.facts.clone(), note.outcome.clone(), 0);
    assert_ne!(other.id, note.id);
}

fn minutes(closes: &[i64]) -> Vec<Candle> {
    let candle = |(minute, close): (i64, &i64)| {
        let price = |units: i64| Price::from_units(units * money::ONE);
        Candle {
            source: Source::Live,
            pair: "BTC-USD".parse().expect("a pair"),
            window_start: EventTime::from_nanos(minute * MINUTE),
            window_end: EventTime::from_nanos((minute + 1) * MINUTE),
            open: price(*close),
            high: price(close + 5),
            low: price(close - 5),
            close: price(*close),
            volume: Amount::from_units(i128::from(money::ONE)),
            tick_count: 1,
            quality: Quality::Complete,
            revision: 0,
            tape_time: TapeTime::from_nanos((minute + 1) * MINUTE),
            seq: Seq(minute as u64 + 1),
        }
    };
    (0..).zip(closes).map(candle).collect()
}

fn facts_of(candles: &[Candle]) -> Facts {
    let last = candles.last().expect("some");
    Facts::of(last.source, last.pair, last.window_end, candles, None, None)
}

#[test]
fn facts_are_what_the_minutes_say_and_nothing_is_made_up_for_what_is_missing() {
    let closes: Vec<i64> = (0..200).map(|minute| 40_000 + minute * 10).collect();
    let facts = facts_of(&minutes(&closes));
    let value = |name: &str| facts.get(name).unwrap_or_else(|| panic!("{name} is missing")).value;
    assert_eq!(value("close"), 41_990.0);
    assert!((value("change_15") - (41_990.0 / 41_840.0 - 1.0) * 100.0).abs() < 1e-9);
    assert!((value("change_60") - (41_990.0 / 41_390.0 - 1.0) * 100.0).abs() < 1e-9);
    assert_eq!((value("high_60"), value("low_60")), (41_995.0, 41_395.0));
    assert!((value("volume_ratio") - 1.0).abs() < 1e-9 && value("trend") > 0.0);
    assert!(facts.get("spread").is_none() && facts.get("matches").is_none());
    // A minute without a trade: what would need it is left out.
    let mut gap = minutes(&closes);
    gap.remove(160);
    let facts = facts_of(&gap);
    assert!(facts.get("change_15").is_some() && facts.get("change_60").is_none() && facts.get("trend").is_none());
    // What comes later is not looked at.
    let all = minutes(&closes);
    let early = Facts::of(Source::Live, all[0].pair, all[99].window_end, &all, None, None);
    assert_eq!(early, facts_of(&all[..100]));
    assert!(Facts::of(Source::Live, all[0].pair, EventTime::from_nanos(7), &all, None, None).facts.is_empty());
}

#[test]
fn a_brief_says_each_fact_once_with_its_sign_and_unit() {
    let text = brief::user(&brief());
    assert_eq!(
        text,
        "Facts about BTC-USD at 1970-01-01T00:00:00Z:\n- close: 42318.57\n- change_15: +0.42 %\n- change_60: -1.27 %\n- usual_15: 0.31 %\n- spread: 2.3 bp\n\
         - matches: 20\n- similarity: 0.37\n- after_60: +0.10 %\n- rose: 55 %\n"
    );
    assert_eq!(brief::reply_schema()["additionalProperties"], false);
    assert_eq!((rounded(-0.004, 2, true), rounded(0.004, 2, true)), ("0.00".to_owned(), "+0.00".to_owned()));
}

#[test]
fn calls_are_scored_by_what_came_and_beside_what_is_usual() {
    let call = |stance, confidence, after_60| Call { stance, confidence, after_60, usual_60: 0.3 };
    assert!(call(Stance::Bullish, 0.6, 0.1).is_hit() && !call(Stance::Bullish, 0.6, 0.0).is_hit());
    assert!(call(Stance::Bearish, 0.6, -0.1).is_hit() && call(Stance::Neutral, 0.5, -0.3).is_hit());
    assert!(!call(Stance::Neutral, 0.5, 0.31).is_hit());
    let mut calls = vec![call(Stance::Bullish, 1.0, 1.0); FEWEST - 1];
    assert_eq!(Score::of(&calls).figures, None);
    calls.push(call(Stance::Bearish, 1.0, 1.0));
    let figures = Score::of(&calls).figures.expect("enough");
    assert!((figures.hit_rate - 0.95).abs() < 1e-12 && figures.base_rate == 1.0);
    assert!((figures.brier - 0.05).abs() < 1e-12 && figures.base_brier == 0.0);
}

proptest! {
    #[test]
    fn the_rules_never_say_what_their_own_check_would_refuse(steps in prop::collection::vec(-30i64..=30, 1..240), from in 100i64..90_000) {
        let mut close = from;
        let closes: Vec<i64> = steps.iter().map(|step| { close = (close + step).max(10); close }).collect();
        let facts = facts_of(&minutes(&closes));
        let note = rules::note(&facts);
        let Outcome::Said(said) = &note.outcome else { panic!("rules always speak") };
        let reply = serde_json::json!({ "stance": format!("{:?}", said.stance), "confidence": 0.5, "text": said.text });
        let again = check::check(reply.to_string().as_bytes(), &facts).expect("its own words");
        prop_assert_eq!(&again.numbers, &said.numbers);
        prop_assert_eq!(Note::from_bytes(&note.to_bytes()), Ok(note));
    }

    #[test]
    fn no_bytes_make_it_panic(reply in prop::collection::vec(any::<u8>(), 0..400), text in "\\PC{0,200}") {
        let _ = check::check(&reply, &brief());
        let _ = said(&text);
        let _ = Note::from_bytes(&reply);
    }

    #[test]
    fn another_digit_is_another_number(at in 0usize..6, digit in 0u32..10) {
        let text = "It closed at 42318.57.";
        let places: Vec<usize> = text.char_indices().filter(|(_, c)| c.is_ascii_digit()).map(|(place, _)| place).collect();
        let mut other: Vec<char> = text.chars().collect();
        other[places[at]] = char::from_digit(digit, 10).expect("a digit");
        let other: String = other.into_iter().collect();
        prop_assert_eq!(said(&other).is_ok(), other == text);
    }
}
