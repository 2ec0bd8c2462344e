//! What a hand does with the desk.

use std::time::{Duration, Instant};

use tapedeck_tests::exchange::Faults;

use crate::backfill;
use crate::desk::{Desk, until};
use crate::support::say;

/// The sample tape: 2024-01-01 00:00 → 24:00 UTC.
const FROM_MS: f64 = 1_704_067_200_000.0;
const DAY_MS: f64 = 86_400_000.0;
const BAR_MS: f64 = 60_000.0;

fn a_desk_can_be_used(name: &'static str, language: &str) {
    let began = Instant::now();
    let Some(desk) = Desk::open(name, language) else { return };

    // Candles are on the canvas, not only in the page.
    let drawn = until(Duration::from_secs(60), || {
        desk.session.find("chart").ok()?;
        let (up, down) = desk.coloured();
        (up > 100 && down > 100).then_some((up, down))
    });
    let Some((up, down)) = drawn else {
        desk.fail(&format!("no candles on the canvas: {:?} pixels up and down", desk.coloured()))
    };
    say(&format!("{name}: candles after {:.1} s, {up} pixels up, {down} down", began.elapsed().as_secs_f64()));

    // The feed can not be reached, and the desk says so.
    let told = until(Duration::from_secs(20), || desk.text("notices").contains("Coinbase").then_some(()));
    if told.is_none() {
        desk.fail(&format!("nothing is said of Coinbase: {:?}", desk.text("notices")));
    }
    assert!(!desk.text("badge").trim().is_empty());

    // The watchlist moves, and the clock with it.
    desk.click("speed-60");
    desk.set_playing(true);
    let rows = desk.session.find_all(r#"[data-testid^="last-BTC"]"#).unwrap_or_else(|e| desk.fail(&e.to_string()));
    let Some(row) = rows.first() else { desk.fail("no pair of BTC on the watchlist") };
    let price = |row| desk.session.text(row).unwrap_or_else(|e| desk.fail(&e.to_string()));
    let first = price(row);
    let moved = until(Duration::from_secs(15), || (price(row) != first && !first.is_empty()).then_some(()));
    if moved.is_none() {
        desk.fail(&format!("BTC stays at {first:?} while the tape plays"));
    }

    // Pause stops the clock.
    desk.set_playing(false);
    std::thread::sleep(Duration::from_millis(500));
    let (clock, cursor) = (desk.text("clock"), desk.cursor_ms());
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!((desk.text("clock"), desk.cursor_ms()), (clock.clone(), cursor), "{name}: the clock runs while paused");
    desk.set_playing(true);
    let resumed = until(Duration::from_secs(5), || (desk.text("clock") != clock).then_some(()));
    if resumed.is_none() {
        desk.fail("the clock does not go on after a pause");
    }

    // Faster is faster.
    let (slow, fast) = (desk.pace("speed-60"), desk.pace("speed-600"));
    say(&format!("{name}: 60× moves {slow:.0} tape seconds a second, 600× {fast:.0}"));
    assert!(slow > 20.0 && slow < 90.0, "{name}: 60× moves {slow:.1} tape seconds a second");
    assert!(fast > 3.0 * slow && fast < 900.0, "{name}: 600× moves {fast:.1} tape seconds a second, 60× {slow:.1}");

    // A drag lands where the hand let go, there and back.
    desk.set_playing(false);
    for (from, to) in [(0.2, 0.65), (0.65, 0.3)] {
        let generation = desk.attribute("chart", "data-generation");
        let timeline = desk.session.find("timeline").unwrap_or_else(|e| desk.fail(&e.to_string()));
        let place = desk.session.rectangle(&timeline).unwrap_or_else(|e| desk.fail(&e.to_string()));
        let x = |share: f64| (place.x + place.width * share).round() as i64;
        let y = (place.y + place.height / 2.0).round() as i64;
        let points: Vec<(i64, i64)> = (0..=6).map(|step| (x(from + (to - from) * f64::from(step) / 6.0), y)).collect();
        desk.session.drag(&points).unwrap_or_else(|e| desk.fail(&format!("the drag: {e}")));
        let expected = FROM_MS + (x(to) as f64 - place.x) / place.width * DAY_MS;
        let landed = until(Duration::from_secs(30), || ((desk.cursor_ms() - expected).abs() <= BAR_MS).then_some(()));
        if landed.is_none() {
            let off = (desk.cursor_ms() - expected) / 1_000.0;
            desk.fail(&format!("dragged to {:.0} % of {:.0} pixels, landed {off:.1} s off", to * 100.0, place.width));
        }
        // It stays there, and what is drawn is of there.
        std::thread::sleep(Duration::from_secs(1));
        assert!((desk.cursor_ms() - expected).abs() <= BAR_MS, "{name}: the cursor moved away after the drag");
        let redrawn =
            until(Duration::from_secs(10), || (desk.attribute("chart", "data-generation") != generation).then_some(()));
        if redrawn.is_none() {
            desk.fail("the chart was not drawn again after the drag");
        }
        let (up, down) = desk.coloured();
        assert!(up > 100 && down > 100, "{name}: after the drag {up} pixels up, {down} down");
    }
}

#[test]
fn the_desk_draws_plays_pauses_and_seeks() {
    a_desk_can_be_used("the_desk_draws_plays_pauses_and_seeks", "C.UTF-8");
}

/// In a C locale `navigator.language` is `"C"`, on which lightweight-charts threw and left the canvas blank.
#[test]
fn the_desk_is_not_blank_in_a_c_locale() {
    a_desk_can_be_used("the_desk_is_not_blank_in_a_c_locale", "C");
}

#[test]
fn earlier_history_is_a_button_away() {
    let name = "earlier_history_is_a_button_away";
    let exchange = backfill::venue(56, Faults::none());
    let Some(desk) = Desk::open_with(name, "C.UTF-8", Some(&backfill::config(&exchange))) else { return };
    let offered = until(Duration::from_secs(60), || desk.session.find("earlier-offer").ok());
    if offered.is_none() {
        desk.fail("earlier history is not offered on the live deck");
    }
    desk.click("earlier-offer");
    desk.click("earlier-1");
    let told = until(Duration::from_secs(60), || {
        let ended = desk.session.find("earlier-ended").ok()?;
        desk.session.text(&ended).ok()
    });
    let Some(told) = told else { desk.fail("it does not end") };
    assert!(told.contains("candles of 1 month loaded"), "{name}: {told:?}");
    let drawn = until(Duration::from_secs(20), || {
        let (up, down) = desk.coloured();
        (up > 100 && down > 100).then_some(())
    });
    if drawn.is_none() {
        desk.fail(&format!("what was loaded is not drawn: {:?}", desk.coloured()));
    }
}
