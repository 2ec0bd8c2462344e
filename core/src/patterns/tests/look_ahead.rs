//! Two futures, one answer.

use proptest::prelude::*;

use super::*;

/// The minutes after `moment` are of another tape, and what they say of the ones before is too.
fn other_future(tape: &[Candle], other: &[Candle], moment: TapeTime) -> Vec<Candle> {
    let past = tape.iter().filter(|c| c.tape_time <= moment);
    let future = other.iter().filter(|c| c.tape_time > moment);
    // A correction of a minute that never was is its first candle; what matters is that all of it is another.
    let seq = |c: &Candle| Seq(c.seq.0 + 1_000_000);
    let future = future.map(|c| Candle { revision: c.revision + 7, seq: seq(c), ..*c });
    past.copied().chain(future).collect()
}

fn ask(tape: &[Candle], moment: TapeTime) -> Option<Vec<u8>> {
    let table = Table::built(tape);
    let known: Vec<Candle> =
        highest(tape.iter().filter(|c| c.tape_time <= moment && c.pair == pair("BTC-USD"))).into_values().collect();
    let window = Window::of(known.last_chunk::<WINDOW_MINUTES>()?).ok()?;
    let question = Question { window, cursor: moment, most: DEFAULT_MATCHES };
    let base = base_rate(window.source, window.pair, moment, table.past());
    let answer = answer(&question, table.candidates(), base);
    Some(postcard::to_allocvec(&answer).expect("an answer has only sized fields"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn what_came_later_has_no_part_in_an_answer(seed: u64, minute in 300i64..900) {
        let mut dice = Dice::new(seed);
        let mut both = || {
            let mut tape = troubled("BTC-USD", 1_000, &mut dice);
            tape.extend(troubled("ETH-USD", 1_000, &mut dice));
            tape.sort_by_key(|c| (c.seq, c.pair, c.window_start));
            tape
        };
        let (tape, other) = (both(), both());
        let moment = closed(minute);
        let changed = other_future(&tape, &other, moment);
        prop_assert_eq!(ask(&tape, moment), ask(&changed, moment));
    }
}

#[test]
fn the_question_of_the_property_is_answered_with_matches() {
    let mut dice = Dice::new(23);
    let tape = troubled("BTC-USD", 1_500, &mut dice);
    let bytes = ask(&tape, closed(1_400)).expect("sixty minutes in a row");
    let answer: Answer = postcard::from_bytes(&bytes).expect("an answer");
    assert!(answer.matches.len() >= 5, "{}", answer.matches.len());
    let followed = answer.followed.expect("matches");
    assert!(followed.n == answer.matches.len() && followed.outcomes.after_60.mean.confidence.is_some());
    assert!(answer.base_rate.is_some_and(|base| base.n > 500 && base.rose.confidence.is_some()));
}
