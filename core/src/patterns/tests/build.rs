//! The same patterns, however the candles come.

use proptest::prelude::*;

use super::*;

/// What should be usable at a moment: every 120 minutes in a row, of the candles that were known then.
fn expected(tape: &[Candle], cursor: TapeTime) -> BTreeMap<PatternId, Pattern> {
    let known: Vec<Candle> = highest(tape.iter().filter(|c| c.tape_time <= cursor)).into_values().collect();
    let whole = known.windows(120).filter_map(|minutes| Pattern::of(minutes).ok());
    whole.map(|pattern| (pattern.id, pattern)).collect()
}

fn usable(table: &Table, cursor: TapeTime) -> BTreeMap<PatternId, Pattern> {
    let usable = table.0.values().filter(|(pattern, superseded_at)| pattern.past(*superseded_at).is_usable(cursor));
    usable.map(|(pattern, _)| (pattern.id, *pattern)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn at_any_moment_the_usable_patterns_are_those_of_the_candles_known_then(seed: u64) {
        let mut dice = Dice::new(seed);
        let tape = troubled("BTC-USD", 900, &mut dice);
        let table = Table::built(&tape);
        for cursor in [100, 119, 120, 899, 2_000].into_iter().chain((0..6).map(|_| dice.below(900))) {
            let (found, expected) = (usable(&table, closed(cursor)), expected(&tape, closed(cursor)));
            prop_assert!(found == expected, "{} patterns instead of {} at {cursor}", found.len(), expected.len());
        }
    }

    #[test]
    fn built_in_parts_or_twice_over_is_built_once(seed: u64) {
        let mut dice = Dice::new(seed);
        let mut tape = troubled("BTC-USD", 900, &mut dice);
        tape.extend(troubled("ETH-USD", 900, &mut dice));
        tape.sort_by_key(|c| (c.seq, c.pair, c.window_start));
        let at_once = feed(&mut Builder::default(), &tape, &tape);
        prop_assert!(at_once.len() > 100);

        // Stopped after some inputs, each time to go on with nothing in memory.
        let (mut in_parts, mut rest) = (Vec::new(), tape.as_slice());
        while !rest.is_empty() {
            let last = rest[(dice.below(200) as usize).min(rest.len() - 1)].seq;
            let (part, after) = rest.split_at(rest.partition_point(|c| c.seq <= last));
            in_parts.extend(feed(&mut Builder::default(), part, &tape));
            rest = after;
        }
        prop_assert!(in_parts == at_once);

        let mut builder = Builder::default();
        let mut twice = Vec::new();
        for candle in &tape {
            twice.extend(feed(&mut builder, &[*candle], &tape));
            prop_assert_eq!(feed(&mut builder, &[*candle], &tape), []);
        }
        prop_assert!(twice == at_once);
        prop_assert_eq!(feed(&mut builder, &tape, &tape), []);
    }
}

/// Ten hours in which nothing goes wrong.
fn calm() -> Vec<Candle> {
    let mut dice = Dice::new(19);
    let mut price = 40_000 * ONE;
    (0..600)
        .map(|minute| {
            price = dice.moved(price);
            candle(minute, price)
        })
        .collect()
}

#[test]
fn a_pattern_comes_with_every_minute_from_the_second_hour_on() {
    let tape = calm();
    let mut builder = Builder::default();
    for (minute, candle) in tape.iter().enumerate() {
        let events = feed(&mut builder, &[*candle], &tape);
        match events.as_slice() {
            [] => assert!(minute < 119, "{minute}"),
            [Event::Add(pattern)] => {
                assert_eq!(pattern.window.start, tape[minute - 119].window_start);
                assert_eq!(pattern.window.end(), tape[minute - 59].window_start);
                assert_eq!(pattern.usable_from, candle.tape_time);
            }
            more => panic!("{} events at {minute}", more.len()),
        }
    }
}

/// Even of the volume alone: the candle on the chart and the one in the pattern are never two.
#[test]
fn a_corrected_minute_replaces_every_pattern_it_is_part_of_and_no_other() {
    for (minute, patterns) in [(300, 120), (5, 6), (590, 1 + 480 - (590 - 119))] {
        let mut tape = calm();
        let mut builder = Builder::default();
        let before = feed(&mut builder, &tape, &tape);
        let late = Candle { revision: 1, seq: Seq(10_000), tape_time: closed(700), ..tape[minute] };
        tape.push(Candle { volume: Amount::from_units(2), ..late });
        let after = feed(&mut builder, &tape[600..], &tape);
        assert_eq!(after.len(), 2 * patterns, "of minute {minute}");
        let events: Vec<Event> = before.iter().chain(&after).copied().collect();
        for (pattern, superseded_at) in Table::of(&events).0.values() {
            let first = (tape[minute].window_start.nanos() - pattern.window.start.nanos()) / MINUTE;
            let holds_it = (0..120).contains(&first);
            assert_eq!(superseded_at.is_some(), holds_it && pattern.usable_from < closed(700));
            assert_eq!(pattern.usable_from == closed(700), holds_it && superseded_at.is_none());
        }
    }
}

#[test]
fn a_forming_minute_makes_no_pattern_and_does_not_stand_in_the_way_of_its_candle() {
    let tape = calm();
    let mut builder = Builder::default();
    feed(&mut builder, &tape[..119], &tape);
    let forming = Candle { quality: Quality::Forming, ..tape[119] };
    assert_eq!(feed(&mut builder, &[forming], &tape), []);
    assert_eq!(feed(&mut builder, &tape[119..120], &tape).len(), 1);
}

/// History that fails until it is mended.
struct Broken(std::cell::Cell<bool>);

impl Candles for Broken {
    type Error = &'static str;

    fn known(&self, _: Source, _: Pair, _: Range<EventTime>, _: Seq) -> Result<Vec<Candle>, &'static str> {
        if self.0.get() { Err("the disk is gone") } else { Ok(Vec::new()) }
    }
}

#[test]
fn a_candle_that_could_not_be_placed_is_not_lost() {
    let tape = calm();
    let history = Broken(std::cell::Cell::new(true));
    let mut builder = Builder::default();
    assert_eq!(builder.take(&tape[0], &history), Err("the disk is gone"));
    history.0.set(false);
    let mut added = 0;
    for candle in &tape[..120] {
        added += builder.take(candle, &history).expect("mended").len();
    }
    assert_eq!(added, 1);
}

#[test]
fn a_year_of_lanes_is_not_kept_in_memory_and_a_forgotten_one_goes_on() {
    let lane = |month: u64| Source::Import(crate::domain::ImportId(month));
    let tape: Vec<Candle> = calm();
    let mut all = Vec::new();
    // A hundred lanes, each an hour further in turn: every one is forgotten before it moves again.
    for part in tape[..240].chunks(60) {
        for month in 0..100 {
            let seq = |c: &Candle| Seq(all.len() as u64 * 60 + c.seq.0);
            all.push(part.iter().map(|c| Candle { source: lane(month), seq: seq(c), ..*c }).collect::<Vec<_>>());
        }
    }
    let all = all.concat();
    let mut builder = Builder::default();
    let mut added = 0;
    for part in all.chunks(60) {
        // Its own lane is all the history there is: the test would be slow otherwise.
        let own: Vec<Candle> = all.iter().filter(|c| c.source == part[0].source).copied().collect();
        added += feed(&mut builder, part, &own).len();
        assert!(builder.kept() <= 64 * 240, "{} candles are kept", builder.kept());
    }
    assert_eq!(added, 100 * 121);
}
