//! Signals in the real window: the hours alike, the analyst's notes with the rows behind their numbers, and the votes.

use serde_json::Value;

use crate::desk::Desk;
use crate::trade_desk::live_at;

/// Four minutes of the venue a second, so that notes come while we look.
const TIME_SCALE: u32 = 240;

impl Desk {
    fn count(&self, css: &str) -> usize {
        self.session.find_all(css).map_or(0, |found| found.len())
    }

    fn press_on(&self, css: &str) {
        let element = self.await_element(css);
        self.session.click(&element).unwrap_or_else(|e| self.fail(&format!("{css}: {e}")));
    }

    fn ask_page(&self, script: &str) -> Value {
        self.session.run(script).unwrap_or_else(|e| self.fail(&e.to_string()))
    }

    fn shown(&self, css: &str) -> String {
        let element = self.await_element(css);
        self.session.text(&element).unwrap_or_else(|e| self.fail(&format!("{css}: {e}")))
    }
}

#[test]
fn a_match_is_laid_over_the_chart_a_number_leads_to_its_rows_and_votes_explain_themselves() {
    let name = "a_match_is_laid_over_the_chart_a_number_leads_to_its_rows_and_votes_explain_themselves";
    let Some((desk, _venue)) = live_at(name, TIME_SCALE) else { return };
    desk.press_on(r#"[data-testid="consensus"]"#);

    // Notes come by themselves; one more is asked for, and each of its numbers is a fact.
    desk.key("a");
    desk.wait_for("no note came by itself", 60, || desk.count(r#"[data-testid="note"]"#) >= 2);
    desk.key("n");
    desk.wait_for("the note that was asked for is not shown", 60, || {
        desk.count(r#"[data-testid="note-text"] button.number"#) > 0
    });
    let number = desk.shown(r#"[data-testid="note-text"] button.number"#);
    desk.press_on(r#"[data-testid="note-text"] button.number"#);
    desk.wait_for("the number's fact is not shown", 10, || desk.count(r#"[data-testid="fact"].on"#) == 1);
    let fact = desk.shown(r#"[data-testid="fact"].on"#);
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    assert!(digits(&fact).contains(&digits(&number)), "{number:?} leads to {fact:?}");
    assert!(desk.shown(r#"[data-testid="fact-source"]"#).ends_with('.'), "it says where the fact came from");

    // Its rows, in the table that keeps them.
    desk.press_on(r#"[data-testid="fact-sql"]"#);
    desk.wait_for("the query is not in the editor", 10, || {
        desk.session.find("sql-text").and_then(|text| desk.session.text(&text)).is_ok_and(|t| t.contains("SELECT"))
    });
    // It ran at once; the minute may be on its way to the table still.
    desk.wait_for("the fact has no rows", 60, || {
        let answered = desk.count(r#"[data-testid="grid"] [role="gridcell"]"#) > 0;
        if !answered && let Ok(run) = desk.session.find("sql-run") {
            let _ = desk.session.click(&run);
            std::thread::sleep(std::time::Duration::from_secs(1));
        }
        answered
    });

    // The votes say why the last minute was decided as it was.
    desk.wait_for("nothing is decided", 60, || desk.count(r#"[data-testid="votes"] .vote"#) == 3);
    let votes =
        desk.ask_page(r#"return [...document.querySelectorAll('[data-testid="votes"] .vote')].map((v) => v.title)"#);
    let votes: Vec<&str> = votes.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    assert!(votes.len() == 3 && votes.iter().all(|why| why.ends_with('.')), "{votes:?}");
    assert!(!desk.shown(r#"[data-testid="votes"] p"#).is_empty());

    // The venue's price hardly moves, and is refused as flat. The sample's does: some hours into it there is one like the last.
    desk.key("s");
    desk.press_on(r#"[data-testid="deck-switch"]"#);
    desk.press_on(r#"[data-testid="speed-600"]"#);
    desk.wait_for("no hour like this one was found", 120, || desk.count(r#"[data-testid="match"]"#) > 0);
    desk.set_playing(false);
    desk.wait_for("the hours alike are gone with the play", 30, || desk.count(r#"[data-testid="match"]"#) > 0);
    // What was asked for while it played is answered.
    std::thread::sleep(std::time::Duration::from_secs(3));
    desk.press_on(r#"[data-testid="match"] .main"#);
    desk.wait_for("it is not laid over the chart", 10, || desk.there(r#"[data-testid="laid"]"#));
    assert!(desk.shown(r#"[data-testid="laid"]"#).contains("similarity"));
    desk.key("\u{e00c}");
    desk.wait_for("Escape does not take it away", 10, || !desk.there(r#"[data-testid="laid"]"#));
}
