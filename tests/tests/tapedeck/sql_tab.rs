//! The SQL tab in the real window, over tiers that are being written.

use std::time::Duration;

use tapedeck_tests::exchange::{Exchange, Options};

use crate::desk::{Desk, until};
use crate::support::say;

/// Ctrl and A, by WebDriver's code points, and both let go.
const SELECT_ALL: &str = "\u{e009}a\u{e000}";

/// Of the grid: the row number is the first column.
const PRICE: usize = 4;

impl Desk {
    fn column(&self, number: usize) -> Vec<f64> {
        let script = format!(
            r#"return [...document.querySelectorAll('[data-testid="grid"] [role="gridcell"][aria-colindex="{number}"]')].map((cell) => cell.textContent)"#
        );
        let cells = self.session.run(&script).unwrap_or_else(|e| self.fail(&e.to_string()));
        let cells = cells.as_array().cloned().unwrap_or_default();
        cells.iter().filter_map(|cell| cell.as_str()?.replace(',', "").parse().ok()).collect()
    }

    fn rows_answered(&self) -> usize {
        let rows = self.session.find("sql-rows").and_then(|rows| self.session.text(&rows)).unwrap_or_default();
        rows.replace([',', '\u{202f}', '\u{2009}', ' '], "").parse().unwrap_or(0)
    }

    fn ask(&self, query: &str) {
        let editor = self.await_element(r#"[data-testid="sql-text"]"#);
        for keys in [SELECT_ALL, query] {
            self.session.press(&editor, keys).unwrap_or_else(|e| self.fail(&format!("the editor: {e}")));
        }
        self.click("sql-run");
    }
}

#[test]
fn hot_and_warm_are_joined_sorted_and_exported_in_the_window() {
    let name = "hot_and_warm_are_joined_sorted_and_exported_in_the_window";
    // A minute of the venue in each second, so that candles close while we look.
    let venue = Exchange::open(Options { time_scale: 60, ..Options::new(31) }).expect("an exchange");
    let config = format!("feed = \"{}\"\nrest = \"\"\narchive_every_s = 1\n", venue.feed_url());
    let Some(desk) = Desk::open_with(name, "C.UTF-8", Some(&config)) else { return };
    // A query reads as of the deck, which goes live by itself when the feed answers.
    let live = until(Duration::from_secs(60), || {
        (desk.session.find("badge").is_ok() && desk.text("badge").contains("LIVE")).then_some(())
    });
    if live.is_none() {
        desk.fail("the desk does not go live");
    }
    desk.click("tab-sql");
    let examples = desk.await_element(r#"[data-testid="sql-example"]:nth-of-type(2)"#);
    // The first candles are in the warm tier some seconds after the first minute has closed.
    std::thread::sleep(Duration::from_secs(6));
    desk.session.click(&examples).unwrap_or_else(|e| desk.fail(&e.to_string()));
    let answered = until(Duration::from_secs(60), || {
        // While another run is under way, its answer would come in place of the one that is looked at.
        if desk.session.find("sql-cancel").is_ok() {
            return None;
        }
        if desk.rows_answered() > 50 {
            return Some(desk.rows_answered());
        }
        std::thread::sleep(Duration::from_secs(1));
        if let Ok(run) = desk.session.find("sql-run") {
            let _ = desk.session.click(&run);
        }
        None
    });
    let Some(rows) = answered else { desk.fail("hot.ticks joined with warm.candles answers next to nothing") };

    // One click sorts the prices upwards, the next downwards.
    let header = format!(r#"[data-testid="grid"] [role="columnheader"][aria-colindex="{PRICE}"]"#);
    for (order, sorted) in [("ascending", f64::le as fn(&f64, &f64) -> bool), ("descending", f64::ge)] {
        let header = desk.await_element(&header);
        desk.session.click(&header).unwrap_or_else(|e| desk.fail(&e.to_string()));
        let prices = until(Duration::from_secs(10), || {
            let prices = desk.column(PRICE);
            let there = desk.session.attribute(&header, "aria-sort").ok()??;
            (there == order && prices.len() > 5 && prices.windows(2).all(|pair| sorted(&pair[0], &pair[1])))
                .then_some(prices)
        });
        if prices.is_none() {
            desk.fail(&format!("prices are not {order}: {:?}", desk.column(PRICE)));
        }
    }

    desk.click("sql-csv");
    let file = desk.await_element(r#"[data-testid="sql-exported"]"#);
    let file = desk.session.text(&file).unwrap_or_else(|e| desk.fail(&e.to_string()));
    let written = std::fs::read_to_string(&file).unwrap_or_else(|e| desk.fail(&format!("{file}: {e}")));
    assert_eq!(written.lines().count(), rows + 1, "{file}");
    assert!(written.starts_with("tape_time,pair,price,"), "{}", written.lines().next().unwrap_or_default());

    // A query that can not be understood is told where.
    desk.ask("SELECT pair, prise FROM cold.ticks");
    let error = until(Duration::from_secs(20), || Some(desk.text("sql-error")).filter(|text| text.contains("prise")));
    let Some(error) = error else { desk.fail("nothing is said of the bad query") };
    assert!(error.contains("line 1, column 14"), "{error}");
    desk.await_element(r#"[data-testid="sql-text"] .cm-lintRange-error"#);

    // The archive's own example, typed, over what was recorded so far.
    desk.ask("SELECT pair, count(*) AS trades, sum(price * size) AS notional FROM cold.ticks WHERE kind = 'trade' GROUP BY pair");
    let pairs = until(Duration::from_secs(30), || Some(desk.rows_answered()).filter(|&pairs| pairs == 6));
    if pairs.is_none() {
        desk.fail(&format!("the archive answers {} pairs: {}", desk.rows_answered(), desk.text("sql-error")));
    }
    say(&format!("{name}: {rows} rows joined, sorted both ways, exported to the last row"));
}
