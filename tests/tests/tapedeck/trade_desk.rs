//! Trading in the real window, by keyboard, against a venue that prints.

use std::time::Duration;

use tapedeck_tests::exchange::{Exchange, Options};

use crate::desk::{Desk, until};
use crate::support::say;

const ENTER: &str = "\u{e007}";
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
    fn wait_for(&self, what: &str, seconds: u64, is_so: impl Fn() -> bool) {
        if until(Duration::from_secs(seconds), || is_so().then_some(())).is_none() {
            self.fail(what);
        }
    }

    fn there(&self, css: &str) -> bool {
        self.session.find_all(css).is_ok_and(|found| !found.is_empty())
    }
}

#[test]
fn a_bracket_is_placed_by_keyboard_and_a_halt_refuses_entries_and_lets_its_stop_sell() {
    let name = "a_bracket_is_placed_by_keyboard_and_a_halt_refuses_entries_and_lets_its_stop_sell";
    let venue = Exchange::open(Options { messages_per_second: 300, ..Options::new(63) }).expect("an exchange");
    let config = format!(
        "feed = \"{}\"\nrest = \"\"\npairs = [\"BTC-USD\", \"ETH-USD\"]\narchive_every_s = 1\n",
        venue.feed_url()
    );
    let Some(desk) = Desk::open_with(name, "C.UTF-8", Some(&config)) else { return };
    desk.wait_for("the desk does not go live", 60, || {
        desk.session.find("badge").is_ok() && desk.text("badge").contains("LIVE")
    });
    desk.wait_for("it can not be traded", 30, || desk.there(r#"[data-testid="can-trade"]"#));

    // T, a size, a limit the market is within, where to take the profit and where to stop the loss, Enter.
    let page = desk.await_element("body");
    desk.session.press(&page, "t").unwrap_or_else(|e| desk.fail(&e.to_string()));
    let last = desk.last();
    desk.field("ticket-qty", "0.02");
    desk.field("ticket-limit", &format!("{:.2}", last * 1.02));
    desk.field("ticket-takeProfit", &format!("{:.2}", last * 1.2));
    desk.field("ticket-stopLoss", &format!("{:.2}", last * 0.8));
    desk.wait_for("nothing is estimated", 10, || desk.text("ticket-estimate").chars().any(|c| c.is_ascii_digit()));
    desk.field("ticket-qty", &format!("0.02{ENTER}"));
    desk.wait_for("there is no position", 30, || {
        desk.there(r#"[data-testid="position-BTC-USD"]"#) && desk.text("position-BTC-USD").contains("0.02")
    });
    let stop = r#"[data-testid^="order-"][data-testid$=".sl"]"#;
    desk.wait_for("the stop is not listed", 10, || desk.there(stop));

    desk.click("tab-trades");
    desk.wait_for("the fill is not in Trades", 20, || {
        desk.text("trades").contains("buy") && desk.text("trades-count").starts_with(|c: char| c.is_ascii_digit())
    });
    desk.click("tab-ledger");
    desk.wait_for("the transfers are not in Ledger", 20, || desk.text("ledger").contains("opening deposit"));

    // Halt, by its key and with a confirmation.
    desk.session.press(&page, HALT).unwrap_or_else(|e| desk.fail(&e.to_string()));
    desk.await_element(r#"[data-testid="risk-halted"]"#);
    desk.click("risk-halted");
    desk.wait_for("it does not say that trading is halted", 10, || {
        desk.text("can-trade").to_lowercase().contains("halt")
    });
    desk.field("ticket-qty", "0.01");
    desk.field("ticket-limit", &format!("{:.2}{ENTER}", desk.last() * 1.02));
    desk.wait_for("the entry is not refused with the reason", 10, || {
        desk.there(r#"[data-testid="ticket-said"]"#) && desk.text("ticket-said").contains("halted")
    });

    // The stop is moved above the market: it triggers, and sells, halted or not.
    let change = desk.await_element(&format!(r#"{stop} button[aria-label^="Change"]"#));
    desk.session.click(&change).unwrap_or_else(|e| desk.fail(&e.to_string()));
    desk.field("amend-stop", &format!("{:.2}{ENTER}", desk.last() * 1.05));
    desk.wait_for("the exit did not go through", 30, || !desk.there(stop));
    desk.click("tab-trades");
    desk.wait_for("the exit is not in Trades", 20, || desk.text("trades").contains("sell"));
    say(&format!("{name}: {}", desk.text("trades-count")));
}
