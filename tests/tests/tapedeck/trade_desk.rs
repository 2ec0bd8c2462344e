//! Trading in the real window, by keyboard, against a venue that prints.

use std::time::Duration;

use tapedeck_tests::exchange::{Exchange, Options};

use crate::desk::{Desk, until};
use crate::support::say;

const ENTER: &str = "\u{e007}";
const POSITION: &str = r#"[data-testid="position-BTC-USD"]"#;
const STOP: &str = r#"[data-testid^="order-"][data-testid$=".sl"]"#;
/// Ctrl, Shift and H, and all let go.
const HALT: &str = "\u{e009}\u{e008}h\u{e000}";

impl Desk {
    fn field(&self, test_id: &str, keys: &str) {
        let element = self.await_element(&format!(r#"[data-testid="{test_id}"]"#));
        // What was there is written over.
        for keys in ["\u{e009}a\u{e000}", keys] {
            self.session.press(&element, keys).unwrap_or_else(|e| self.fail(&format!("{test_id}: {e}")));
        }
    }

    fn last(&self) -> f64 {
        self.text("last").replace(',', "").parse().unwrap_or_else(|_| self.fail("the last price is no number"))
    }

    #[track_caller]
    pub(crate) fn wait_for(&self, what: &str, seconds: u64, is_so: impl Fn() -> bool) {
        if until(Duration::from_secs(seconds), || is_so().then_some(())).is_none() {
            self.fail(what);
        }
    }

    /// As `press` into no field: a key of the desk.
    pub(crate) fn key(&self, keys: &str) {
        let page = self.await_element("body");
        self.session.press(&page, keys).unwrap_or_else(|e| self.fail(&e.to_string()));
    }

    pub(crate) fn there(&self, css: &str) -> bool {
        self.session.find_all(css).is_ok_and(|found| !found.is_empty())
    }

    fn number_in(&self, test_id: &str) -> f64 {
        let value = self.session.run(&format!(r#"return document.querySelector('[data-testid="{test_id}"]').value"#));
        let value = value.unwrap_or_else(|e| self.fail(&e.to_string()));
        value.as_str().and_then(|v| v.parse().ok()).unwrap_or_else(|| self.fail(&format!("{test_id} is {value}")))
    }

    fn drag(&self, from: (f64, f64), to: (f64, f64)) {
        let at = |share: f64| {
            let between = |from: f64, to: f64| (from + (to - from) * share).round() as i64;
            (between(from.0, to.0), between(from.1, to.1))
        };
        let points: Vec<_> = (0..=5).map(|step| at(f64::from(step) / 5.0)).collect();
        self.session.drag(&points).unwrap_or_else(|e| self.fail(&format!("the drag: {e}")));
    }

    /// Where the stop of the one bracket stands.
    fn stop(&self) -> Option<f64> {
        let row = self.session.find_all(STOP).ok()?.into_iter().next()?;
        let text = self.session.text(&row).ok()?;
        let after = text.split("Stop loss").nth(1)?;
        after.split_whitespace().next()?.replace(',', "").parse().ok()
    }

    /// What has filled, as the chart marks it: bought and sold.
    fn marked(&self) -> (u32, u32) {
        let count = |name| self.attribute("plot", name).parse().unwrap_or_else(|_| self.fail("no count of marks"));
        (count("data-bought"), count("data-sold"))
    }
}

/// Heights of the chart and the prices at them, as a hand finds them: by two points.
struct Scale {
    x: f64,
    first: (f64, f64),
    second: (f64, f64),
}

impl Scale {
    /// Stretches the axis until a hundred dollars are on it, and picks two prices off the chart.
    fn of(desk: &Desk) -> Self {
        let plot = desk.session.find("plot").and_then(|plot| desk.session.rectangle(&plot));
        let plot = plot.unwrap_or_else(|e| desk.fail(&format!("the plot: {e}")));
        let axis = plot.x + plot.width - 30.0;
        for _ in 0..4 {
            desk.drag((axis, plot.y + 20.0), (axis, plot.y + plot.height - 60.0));
        }
        let x = plot.x + plot.width * 0.3;
        let pick = |share: f64| {
            let y = (plot.y + plot.height * share).round();
            desk.session.alt_click((x as i64, y as i64)).unwrap_or_else(|e| desk.fail(&format!("a pick: {e}")));
            (y, desk.number_in("ticket-limit"))
        };
        let scale = Self { x, first: pick(0.2), second: pick(0.7) };
        let apart = scale.first.1 - scale.second.1;
        if !(50.0..2_000.0).contains(&apart) {
            desk.fail(&format!("half the axis is {apart} USD"));
        }
        scale
    }

    fn at(&self, price: f64) -> (f64, f64) {
        let share = (price - self.first.1) / (self.second.1 - self.first.1);
        (self.x, self.first.0 + share * (self.second.0 - self.first.0))
    }

    fn dollars_a_pixel(&self) -> f64 {
        ((self.first.1 - self.second.1) / (self.first.0 - self.second.0)).abs()
    }
}

#[test]
fn a_bracket_is_placed_by_keyboard_and_its_dragged_stop_fills_on_the_tape() {
    let name = "a_bracket_is_placed_by_keyboard_and_its_dragged_stop_fills_on_the_tape";
    let Some((desk, _venue)) = live(name) else { return };

    // T, a size, a limit the market is within, where to take the profit and where to stop the loss, Enter.
    desk.key("t");
    let last = desk.last();
    desk.field("ticket-qty", "0.02");
    desk.field("ticket-limit", &format!("{:.2}", last * 1.02));
    desk.field("ticket-takeProfit", &format!("{:.2}", last * 1.2));
    desk.field("ticket-stopLoss", &format!("{:.2}", last - 40.0));
    desk.wait_for("nothing is estimated", 10, || desk.text("ticket-estimate").chars().any(|c| c.is_ascii_digit()));
    desk.field("ticket-qty", &format!("0.02{ENTER}"));
    desk.wait_for("there is no position", 30, || {
        desk.there(POSITION) && desk.text("position-BTC-USD").contains("0.02")
    });
    desk.wait_for("the stop is not listed", 10, || desk.stop().is_some());
    desk.wait_for("the fill is not on the chart", 10, || desk.marked().0 > 0);
    assert_eq!(desk.marked().1, 0, "{name}: nothing was sold yet");

    // Its line on the chart is taken by the mouse: lower risk first, then through the market, where it sells.
    let scale = Scale::of(&desk);
    let stop = desk.stop().unwrap_or_else(|| desk.fail("the stop is gone"));
    let nearer = desk.last() - 20.0;
    desk.drag(scale.at(stop), scale.at(nearer));
    desk.wait_for("the dragged stop does not stand where it was dropped", 10, || {
        desk.stop().is_some_and(|stop| (stop - nearer).abs() <= 2.0 * scale.dollars_a_pixel())
    });
    assert!(desk.there(POSITION), "{name}: the stop sold without the market reaching it");
    let stop = desk.stop().unwrap_or_else(|| desk.fail("the stop is gone"));
    desk.drag(scale.at(stop), scale.at(desk.last() + 20.0));
    desk.wait_for("the stop did not sell", 30, || !desk.there(POSITION) && desk.stop().is_none());
    desk.wait_for("the sale is not on the chart", 10, || desk.marked().1 > 0);
    say(&format!("{name}: marks of {:?} fills, {:.2} USD a pixel", desk.marked(), scale.dollars_a_pixel()));

    // On the chart of its own pair alone.
    desk.click("watch-row-ETH-USD");
    desk.wait_for("another pair's chart shows the fills", 10, || {
        desk.attribute("chart", "data-pair") == "ETH-USD" && desk.marked() == (0, 0)
    });
    desk.click("tab-trades");
    desk.wait_for("the fills are not in Trades", 20, || {
        let trades = desk.text("trades");
        trades.contains("buy") && trades.contains("sell")
    });
    desk.click("tab-ledger");
    desk.wait_for("the transfers are not in Ledger", 20, || desk.text("ledger").contains("fill "));
}

#[test]
fn a_halt_refuses_entries_with_the_reason_and_lets_an_exit_through() {
    let name = "a_halt_refuses_entries_with_the_reason_and_lets_an_exit_through";
    let Some((desk, _venue)) = live(name) else { return };
    desk.key("t");
    desk.field("ticket-limit", &format!("{:.2}", desk.last() * 1.02));
    desk.field("ticket-qty", &format!("0.01{ENTER}"));
    desk.wait_for("there is no position", 30, || desk.there(POSITION));

    // By its key, and with a confirmation.
    desk.key(HALT);
    desk.await_element(r#"[data-testid="risk-halted"]"#);
    desk.click("risk-halted");
    desk.wait_for("it does not say that trading is halted", 10, || {
        desk.text("can-trade").to_lowercase().contains("halt")
    });
    desk.field("ticket-qty", "0.01");
    desk.field("ticket-limit", &format!("{:.2}{ENTER}", desk.last() * 1.02));
    desk.wait_for("the entry is not refused with the reason", 10, || {
        desk.there(r#"[data-testid="ticket-warning"][data-code="halted"]"#)
            && desk.text("ticket-warning").starts_with("Refused: Trading is halted")
    });

    let close = desk.await_element(&format!("{POSITION} .close"));
    desk.session.click(&close).unwrap_or_else(|e| desk.fail(&e.to_string()));
    desk.wait_for("no exit is in the ticket", 10, || desk.text("ticket-send").starts_with("Sell 0.01"));
    desk.click("ticket-send");
    desk.wait_for("the exit did not go through", 30, || !desk.there(POSITION));
    desk.click("tab-trades");
    desk.wait_for("the exit is not in Trades", 20, || desk.text("trades").contains("sell"));
}

fn live(name: &'static str) -> Option<(Desk, Exchange)> {
    live_at(name, 1)
}

/// A desk that records from a venue which prints, and can be traded on. Its seconds are so much faster than ours.
pub(crate) fn live_at(name: &'static str, time_scale: u32) -> Option<(Desk, Exchange)> {
    let options = Options { messages_per_second: 300, time_scale, ..Options::new(63) };
    let venue = Exchange::open(options).expect("an exchange");
    let config = format!(
        "feed = \"{}\"\nrest = \"\"\npairs = [\"BTC-USD\", \"ETH-USD\"]\narchive_every_s = 1\n",
        venue.feed_url()
    );
    let desk = Desk::open_with(name, "C.UTF-8", Some(&config))?;
    desk.wait_for("the desk does not go live", 60, || {
        desk.session.find("badge").is_ok() && desk.text("badge").contains("LIVE")
    });
    desk.wait_for("it can not be traded", 30, || desk.there(r#"[data-testid="can-trade"]"#));
    Some((desk, venue))
}

#[test]
fn an_order_of_a_replay_is_gone_before_it_was_placed_and_its_session_is_kept() {
    let name = "an_order_of_a_replay_is_gone_before_it_was_placed_and_its_session_is_kept";
    let Some(desk) = Desk::open(name, "C.UTF-8") else { return };
    desk.wait_for("the sample does not play", 30, || {
        desk.session.find("badge").is_ok() && desk.text("badge").contains("REPLAY")
    });
    desk.wait_for("it can not be traded", 30, || {
        desk.there(r#"[data-testid="can-trade"]"#) && desk.text("can-trade").contains("Can trade")
    });
    desk.set_playing(false);
    let before = desk.text("clock");
    desk.key("t");
    desk.field("ticket-limit", &format!("{:.2}", desk.last() * 1.02));
    desk.field("ticket-qty", &format!("0.05{ENTER}"));
    desk.wait_for("the order is not listed", 10, || !desk.text("orders").contains("None"));
    desk.set_playing(true);
    desk.wait_for("no print fills it", 20, || desk.there(POSITION) && desk.text("position-BTC-USD").contains("0.05"));
    desk.set_playing(false);
    desk.wait_for("the fill is not on the chart", 10, || desk.marked().0 > 0);
    desk.click("tab-ledger");
    desk.wait_for("the transfers are not in Ledger", 20, || desk.text("ledger").contains("fill "));

    // Back before it, by the bar.
    for _ in 0..60 {
        if desk.text("clock") < before {
            break;
        }
        desk.key("\u{e008}\u{e012}\u{e000}");
        std::thread::sleep(Duration::from_millis(200));
    }
    desk.wait_for("it is still in positions", 10, || !desk.there(POSITION));
    desk.wait_for("the ledger still has its transfers", 10, || !desk.text("ledger").contains("fill "));
    desk.wait_for("the chart still marks it", 10, || desk.marked() == (0, 0));

    // What is done now parts from what was done then, which can be gone on with.
    desk.field("ticket-limit", &format!("{:.2}", desk.last() * 0.9));
    desk.field("ticket-qty", &format!("0.01{ENTER}"));
    desk.click("tab-sessions");
    desk.wait_for("there is no fork", 10, || desk.there(r#"[data-testid="way-1"][aria-current="true"]"#));
    assert_eq!(desk.text("way-0-orders"), "1", "{name}: the first session has its order");
    desk.click("take-way-0");
    desk.wait_for("the first session is not gone on with", 10, || {
        desk.there(r#"[data-testid="way-0"][aria-current="true"]"#)
    });
    desk.set_playing(true);
    desk.wait_for("the order does not fill again", 30, || {
        desk.there(POSITION) && desk.text("position-BTC-USD").contains("0.05")
    });
    desk.set_playing(false);
}

#[test]
fn a_click_on_a_candle_replays_from_there_and_the_live_account_is_never_changed() {
    let name = "a_click_on_a_candle_replays_from_there_and_the_live_account_is_never_changed";
    let Some((mut desk, _venue)) = live_at(name, 60) else { return };
    desk.key("t");
    desk.field("ticket-limit", &format!("{:.2}", desk.last() * 1.05));
    desk.field("ticket-qty", &format!("0.02{ENTER}"));
    desk.wait_for("there is no position", 30, || {
        desk.there(POSITION) && desk.text("position-BTC-USD").contains("0.02")
    });
    // A minute of the venue passes in a second.
    std::thread::sleep(Duration::from_secs(12));
    let live_clock = desk.text("clock");

    let plot = desk.session.find("plot").and_then(|plot| desk.session.rectangle(&plot));
    let plot = plot.unwrap_or_else(|e| desk.fail(&format!("the plot: {e}")));
    // Somewhere down this column the candle is hit; a click beside it does nothing.
    let column = (plot.x + plot.width - 200.0) as i64;
    for y in ((plot.y as i64 + 10)..(plot.y + plot.height - 30.0) as i64).step_by(12) {
        desk.session.drag(&[(column, y), (column, y)]).unwrap_or_else(|e| desk.fail(&format!("the click: {e}")));
        if desk.attribute("deck", "data-deck") == "replay" {
            break;
        }
    }
    desk.wait_for("the badge does not say REPLAY", 10, || desk.text("badge").contains("REPLAY"));
    assert_eq!(desk.attribute("deck", "data-deck"), "replay");
    desk.wait_for("the clock is not in the past", 10, || desk.text("clock") < live_clock);
    assert!(!desk.playing(), "{name}: it plays before it was looked at");
    let clicked = desk.text("clock");
    assert!(clicked.contains(":00.000"), "{name}: {clicked} is not the start of a candle");
    desk.wait_for("the account is not as it was then", 10, || {
        desk.there(POSITION) && desk.text("position-BTC-USD").contains("0.02")
    });

    // Trading in the past is a fork, and live does not know of it.
    desk.field("ticket-limit", &format!("{:.2}", desk.last() * 1.05));
    desk.field("ticket-qty", &format!("0.05{ENTER}"));
    desk.click("speed-60");
    desk.set_playing(true);
    desk.wait_for("no print fills it", 30, || desk.text("position-BTC-USD").contains("0.07"));
    desk.set_playing(false);
    desk.click("tab-sessions");
    desk.wait_for("there is no fork", 10, || desk.there(r#"[data-testid="way-1"][aria-current="true"]"#));
    let picture = desk.session.picture().unwrap_or_else(|e| desk.fail(&e.to_string()));
    assert!(picture.len() > 10_000, "{name}: the window is empty");
    for _ in 0..60 {
        if desk.text("clock") < clicked {
            break;
        }
        desk.key("\u{e008}\u{e012}\u{e000}");
        std::thread::sleep(Duration::from_millis(200));
    }
    desk.wait_for("what was bought in the past is still there before it", 10, || {
        !desk.there(POSITION) || desk.text("position-BTC-USD").contains("0.02")
    });
    assert!(desk.there(r#"[data-testid="way-1"]"#), "{name}: the fork is not in the tree any more");
    let before = desk.text("clock");

    // A power cut: it stands where it stood, and the fork is there.
    std::thread::sleep(Duration::from_millis(2_500));
    desk.kill_and_open_again();
    desk.wait_for("the replay is not gone on with", 60, || {
        desk.session.find("badge").is_ok() && desk.text("badge").contains("REPLAY")
    });
    desk.wait_for("it does not stand where it stood", 20, || desk.text("clock") == before);
    desk.click("tab-sessions");
    desk.wait_for("the fork is lost", 20, || desk.there(r#"[data-testid="way-1"][aria-current="true"]"#));

    // Back to live: the last candle is the current minute, and the account is what it was.
    desk.click("deck-switch");
    desk.wait_for("the badge does not say LIVE", 10, || desk.text("badge").contains("LIVE"));
    desk.wait_for("live does not go on", 60, || desk.text("clock") > live_clock);
    let newest = || desk.attribute("plot", "data-newest");
    desk.wait_for("the last candle is not the current minute", 30, || {
        let clock = desk.text("clock");
        newest().get(..16) == clock.get(..16)
    });
    desk.wait_for("live has another position", 10, || {
        desk.there(POSITION) && desk.text("position-BTC-USD").contains("0.02")
    });
}
