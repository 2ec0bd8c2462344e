//! Every step of every commit to a tier is one at which the power can go, or the disk fail. Afterwards each row is there once.

use std::path::PathBuf;

use crate::support::{Tapedeck, counts, number, say};

/// Steps of an append to the cold tier, in order.
const COLD: [&str; 9] = [
    "cold.file.write",
    "cold.file.sync",
    "cold.file.synced",
    "cold.file.named",
    "cold.append.written",
    "cold.commit.metadata",
    "cold.commit.begin",
    "cold.commit.swapped",
    "cold.commit.done",
];

/// Steps of joining its files, which comes with every ninth import here.
const COLD_COMPACTION: [&str; 3] = ["cold.compact.written", "cold.compact.manifests", "cold.compact.published"];

const WARM: [&str; 2] = ["warm.put.prepared", "warm.put.committed"];

/// A minute of trades, different ones for each number.
fn ticks(deck: &Tapedeck, number: u64) -> PathBuf {
    let file = deck.data.path().join(format!("ticks-{number}.csv"));
    let mut text = String::from("trade_id,time,price,size,taker_side\n");
    for trade in 0..200 {
        let second = 1_704_067_200 + number * 120 + trade / 4;
        text += &format!("{},{second},{}.25,0.5,buy\n", number * 1_000 + trade, 40_000 + trade);
    }
    std::fs::write(&file, text).expect("written");
    file
}

struct Steps {
    deck: Tapedeck,
    files: u64,
}

impl Steps {
    /// Imports the next file. `None` when the program was killed on the way.
    fn import(&mut self, fail_at: Option<&str>) -> (PathBuf, Option<i32>) {
        self.files += 1;
        let file = ticks(&self.deck, self.files);
        let code = self.again(&file, fail_at);
        (file, code)
    }

    fn again(&self, file: &std::path::Path, fail_at: Option<&str>) -> Option<i32> {
        let mut command = self.deck.command("import");
        command.args(["--pair", "BTC-USD"]).arg(file);
        if let Some(step) = fail_at {
            command.env("TAPEDECK_FAIL_AT", step);
        }
        command.output().expect("the command starts").status.code()
    }

    fn all_there_once(&self, after: &str) {
        let found = self.deck.run::<&str>("reconcile", []);
        assert_eq!(found.code, Some(0), "after {after}: {found:#?}");
        let found = found.json();
        assert_eq!(number(&found, "ticks"), self.files * 200, "after {after}: {found}");
    }
}

#[test]
fn whatever_step_of_a_commit_is_the_last_each_row_is_there_once() {
    let mut steps = Steps { deck: Tapedeck::new(), files: 0 };
    let (mut kills, mut failures) = (0, 0);
    for _ in 0..counts(1, 8) {
        for step in COLD.into_iter().chain(WARM) {
            let (file, code) = steps.import(Some(step));
            assert_eq!(code, None, "{step} was not reached");
            kills += 1;
            assert_eq!(steps.again(&file, None), Some(0), "{step} could not be recovered from");
        }
        steps.all_there_once("being killed at each step");
        for step in COLD {
            let (file, code) = steps.import(Some(&format!("error:{step}")));
            // What had happened by then is done, and said to be: only the last steps leave nothing to report.
            let after_the_fact = step == "cold.commit.done";
            assert_eq!(code, Some(if after_the_fact { 0 } else { 2 }), "an error at {step}");
            failures += 1;
            assert_eq!(steps.again(&file, None), Some(0), "{step} could not be recovered from");
        }
        steps.all_there_once("an error at each step");
        for step in COLD_COMPACTION {
            let killed = (0..12).any(|_| steps.import(Some(step)).1.is_none());
            assert!(killed, "{step} was not reached in twelve imports");
            kills += 1;
            steps.all_there_once(step);
        }
    }
    say(&format!(
        "{kills} kills and {failures} errors at named steps of commits: {} rows, each there once",
        steps.files * 200
    ));
}
