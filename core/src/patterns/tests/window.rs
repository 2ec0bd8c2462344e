//! What an hour looks like, whatever it cost; and what is no hour at all.

use proptest::prelude::*;

use super::*;

/// Closes that go up and down by up to `swing` parts in ten thousand.
fn closes(base: i64, swing: i64, dice: &mut Dice) -> Vec<i64> {
    (0..120).map(|_| base + base / 10_000 * (dice.below(2 * swing + 1) - swing)).collect()
}

fn minutes(closes: &[i64]) -> Vec<Candle> {
    (0..).zip(closes).map(|(minute, close)| candle(minute, *close)).collect()
}

fn window(closes: &[i64]) -> Result<Window, Refusal> {
    Window::of(&minutes(&closes[..WINDOW_MINUTES]))
}

fn farthest(one: &Window, other: &Window) -> f32 {
    let pairs = one.shape.as_stored().iter().zip(other.shape.as_stored());
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

proptest! {
    #[test]
    fn an_hour_has_the_same_shape_at_any_price(
        seed: u64,
        base in 1_000_000i64..1_000_000_000_000,
        swing in 20i64..2_000,
        (times, over) in (1i64..1_000, 1i64..1_000),
        constant in 0i64..1_000_000_000_000_000,
    ) {
        let closes = closes(base, swing, &mut Dice::new(seed));
        // A rational factor, applied to prices that it divides, so that the test rounds nothing.
        let whole: Vec<i64> = closes.iter().map(|close| close * over).collect();
        let found = window(&whole).expect("not flat");
        let scaled = window(&closes.iter().map(|close| close * times).collect::<Vec<_>>()).expect("not flat");
        prop_assert!(farthest(&found, &scaled) <= 1e-6);
        prop_assert!((found.volatility / scaled.volatility - 1.0).abs() < 1e-12);
        // Added to the price an hour may become flat, so that the constant is taken off again.
        let shifted: Vec<i64> = whole.iter().map(|close| close - (constant % (base * over / 2))).collect();
        prop_assert!(farthest(&found, &window(&shifted).expect("swings more")) <= 1e-6);
    }

    #[test]
    fn distance_is_twenty_four_times_what_the_correlation_lacks(seed: u64) {
        let mut dice = Dice::new(seed);
        let (one, other) = (closes(ONE, 100, &mut dice), closes(ONE, 100, &mut dice));
        let (one, other) = (window(&one).expect("not flat"), window(&other).expect("not flat"));
        let products = one.shape.points().iter().zip(other.shape.points()).map(|(a, b)| f64::from(a * b));
        let correlation = products.sum::<f64>() / 60.0;
        prop_assert!((distance(&one.shape, &other.shape) - 24.0 * (1.0 - correlation)).abs() < 1e-4);
    }
}

#[test]
fn a_stored_shape_is_sixty_deviations_and_four_zeros() {
    let found = window(&closes(ONE, 300, &mut Dice::new(3))).expect("not flat");
    let (sum, squares) = found
        .shape
        .points()
        .iter()
        .fold((0.0, 0.0), |(sum, squares), z| (sum + f64::from(*z), squares + f64::from(z * z)));
    assert!(sum.abs() < 1e-4 && (squares - 60.0).abs() < 1e-4, "{sum} {squares}");
    assert_eq!(found.shape.as_stored().len(), SHAPE_WIDTH);
    assert_eq!(found.shape.as_stored()[WINDOW_MINUTES..], [0.0; 4]);
    assert_eq!(Shape::from_stored(found.shape.as_stored()), Some(found.shape));
    assert_eq!(Shape::from_stored(found.shape.points()), None);
    // The oldest first: an hour that only rises begins below its mean.
    let rising = window(&(0..60).map(|k| ONE + k * ONE / 1_000).collect::<Vec<_>>()).expect("not flat");
    assert!(rising.shape.points()[0] < -1.7 && rising.shape.points()[59] > 1.7);
    assert!((rising.mean_price - 1.0295).abs() < 1e-9);
    assert!((rising.volatility - 0.017_318 / 1.029_5).abs() < 1e-6, "{}", rising.volatility);
}

/// An hour that changes between two prices each minute deviates by half of what lies between.
#[test]
fn an_hour_in_which_nothing_happened_resembles_nothing() {
    for price in [ONE / 100, 60_000 * ONE] {
        let hour = |parts: i64| {
            let beside = price / 1_000_000 * parts;
            window(&(0..60).map(|k| price + if k % 2 == 0 { beside } else { -beside }).collect::<Vec<_>>())
        };
        assert!(matches!(hour(0), Err(Refusal::Flat { volatility: 0.0 })), "{price}");
        assert!(matches!(hour(499), Err(Refusal::Flat { .. })), "{price}");
        assert!(hour(501).is_ok(), "{price}");
    }
    let said = Refusal::Flat { volatility: 0.000_123_4 }.to_string();
    assert_eq!(said, "the price hardly moved: 0.0123 %, where a shape needs 0.05 %");
}

#[test]
fn an_hour_with_a_hole_is_no_hour() {
    let closes = closes(ONE, 300, &mut Dice::new(5));
    let whole = minutes(&closes);
    assert!(Pattern::of(&whole).is_ok());
    assert_eq!(Pattern::of(&whole[..119]), Err(Refusal::Length { found: 59, expected: 60 }));
    assert_eq!(Pattern::of(&whole[..7]), Err(Refusal::Length { found: 7, expected: 120 }));
    for minute in [0, 1, 59, 60, 61, 119] {
        let with = |quality| {
            let mut candles = whole.clone();
            candles[minute].quality = quality;
            Pattern::of(&candles)
        };
        let start = whole[minute].window_start;
        assert_eq!(with(Quality::Gap), Err(Refusal::Gap(start)), "{minute}");
        assert_eq!(with(Quality::Forming), Err(Refusal::Forming(start)), "{minute}");
        for good in [Quality::Late, Quality::Backfilled, Quality::Synthetic] {
            assert!(with(good).is_ok(), "{minute} {good:?}");
        }
        let mut other = whole.clone();
        other[minute].pair = pair("ETH-USD");
        assert_eq!(Pattern::of(&other), Err(Refusal::Mixed), "{minute}");
        if minute > 0 {
            let mut missing = whole.clone();
            missing.remove(minute);
            missing.push(candle(120, closes[119]));
            assert_eq!(Pattern::of(&missing), Err(Refusal::Missing(start)), "{minute}");
        }
    }
}

#[test]
fn an_outcome_is_what_the_hour_after_brought_and_is_known_when_its_last_minute_is() {
    let mut minutes = minutes(&closes(ONE, 30, &mut Dice::new(7)));
    minutes[59].close = Price::from_units(200 * ONE);
    for (minute, price) in [(74, 203), (89, 199), (119, 202)] {
        minutes[minute].close = Price::from_units(price * ONE);
    }
    for candle in &mut minutes[60..] {
        (candle.high, candle.low) = (Price::from_units(204 * ONE), Price::from_units(197 * ONE));
    }
    minutes[100].high = Price::from_units(210 * ONE);
    minutes[119].low = Price::from_units(190 * ONE);
    // Of the window, which is past: no outcome.
    (minutes[59].high, minutes[59].low) = (Price::from_units(500 * ONE), Price::from_units(ONE));
    let found = Pattern::of(&minutes).expect("whole");
    let expected = Outcome { after_15: 1.5, after_30: -0.5, after_60: 1.0, max: 5.0, min: -5.0 };
    assert_eq!(found.outcome, expected);
    assert_eq!(found.usable_from, closed(119));

    // A minute that was corrected later was not known as it is now.
    for corrected in [3, 70] {
        let mut minutes = minutes.clone();
        minutes[corrected].tape_time = closed(500);
        assert_eq!(Pattern::of(&minutes).expect("whole").usable_from, closed(500));
    }
}

#[test]
fn a_pattern_has_one_name_in_every_process_and_another_for_every_correction() {
    let minutes = minutes(&closes(ONE, 300, &mut Dice::new(11)));
    let name = |minutes: &[Candle]| Pattern::of(minutes).expect("whole").id;
    let id = name(&minutes);
    assert_eq!(id.to_string(), "f20d190e40bb76fa5446e16b20f76db8");
    assert_eq!(id.to_string().parse(), Ok(id));
    for wrong in ["", "0", "+0000000000000000000000000000000", "ZZ000000000000000000000000000000"] {
        assert!(wrong.parse::<PatternId>().is_err(), "{wrong:?} was taken for an id");
    }
    // Where it was stored and when it was known are not part of it.
    let mut again = minutes.clone();
    for candle in &mut again {
        (candle.seq, candle.tape_time) = (Seq(candle.seq.0 + 1_000), TapeTime::from_nanos(1));
    }
    assert_eq!(name(&again), id);

    let changes: [fn(&mut Candle); 4] = [
        |candle| candle.revision += 1,
        |candle| candle.close = Price::from_units(candle.close.units() + 1),
        |candle| candle.high = Price::from_units(candle.high.units() + 1),
        |candle| candle.low = Price::from_units(candle.low.units() - 1),
    ];
    let mut names = vec![id];
    for change in changes {
        for minute in [0, 59, 60, 119] {
            let mut corrected = minutes.clone();
            change(&mut corrected[minute]);
            names.push(name(&corrected));
        }
    }
    let lanes: [fn(&mut Candle); 3] = [
        |candle| candle.source = Source::Sample,
        |candle| candle.pair = pair("ETH-USD"),
        |candle| candle.window_start = candle.window_start.plus_nanos(MINUTE),
    ];
    for lane in lanes {
        let mut other = minutes.clone();
        other.iter_mut().for_each(lane);
        for candle in &mut other {
            candle.window_end = candle.window_start.plus_nanos(MINUTE);
        }
        names.push(name(&other));
    }
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn an_id_is_digits_in_json_and_bytes_in_the_journal() {
    let id = Pattern::of(&minutes(&closes(ONE, 300, &mut Dice::new(13)))).expect("whole").id;
    let text = serde_json::to_string(&id).expect("text");
    assert_eq!(text, format!("\"{id}\""));
    assert_eq!(serde_json::from_str::<PatternId>(&text).expect("an id"), id);
    let bytes = postcard::to_allocvec(&id).expect("bytes");
    assert_eq!((bytes.len(), postcard::from_bytes::<PatternId>(&bytes).expect("an id")), (16, id));
}

#[test]
fn the_nearest_are_found_and_the_earlier_of_equals_comes_first() {
    let mut dice = Dice::new(17);
    let shapes: Vec<Shape> = (0..200).map(|_| window(&closes(ONE, 300, &mut dice)).expect("not flat").shape).collect();
    let asked = shapes[50];
    let doubled: Vec<Shape> = shapes.iter().chain(&shapes).copied().collect();
    let found = nearest(&asked, &doubled, 8);
    let mut all: Vec<(usize, f64)> =
        (0..).zip(&doubled).map(|(place, shape)| (place, distance(&asked, shape))).collect();
    all.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    assert_eq!(found, all[..8]);
    assert_eq!(found[..2], [(50, 0.0), (250, 0.0)]);
    assert_eq!((similarity(0.0), similarity(4.0)), (1.0, 0.2));
    assert_eq!(nearest(&asked, &shapes, 0), []);
}
