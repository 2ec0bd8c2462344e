//! The table beside what the same events leave in memory.

use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::domain::{Candle, TapeTime};
use crate::patterns::tests::{Dice, Journal, closed, troubled};
use crate::patterns::{Builder, Candidate, Pattern, Question, WINDOW_MINUTES, Window, nearest, select};
use crate::tiers::sql::{Sql, SqlRequest, Tiers};

type Events = Vec<(Seq, Event)>;

/// A pattern, when it was withdrawn and by which input, and the input it came by.
type Kept = (Pattern, Option<(TapeTime, Seq)>, Seq);

fn events(tape: &[Candle]) -> Events {
    let mut builder = Builder::default();
    let mut told = |candle: &Candle| builder.take(candle, &Journal(tape)).expect("never fails");
    tape.iter().flat_map(|candle| std::iter::repeat(candle.seq).zip(told(candle)).collect::<Vec<_>>()).collect()
}

/// Two troubled pairs, and everything that their candles did.
fn two_pairs(minutes: i64) -> Events {
    let mut dice = Dice::new(7);
    let mut all: Events =
        ["BTC-USD", "ETH-USD"].iter().flat_map(|pair| events(&troubled(pair, minutes, &mut dice))).collect();
    all.sort_by_key(|(seq, _)| *seq);
    all
}

/// As the events leave it: each pattern, and when it was withdrawn by what.
fn remembered(events: &[(Seq, Event)]) -> BTreeMap<String, Kept> {
    let mut table = BTreeMap::new();
    for (seq, event) in events {
        match event {
            Event::Add(pattern) => {
                table.insert(pattern.id.to_string(), (*pattern, None, *seq));
            }
            Event::Supersede { id, at } => {
                let row = table.get_mut(&id.to_string()).expect("it was added");
                row.1 = Some((*at, *seq));
            }
        }
    }
    table
}

async fn rows(vectors: &Vectors) -> BTreeMap<String, Row> {
    let found = vectors.table.query().execute().await.expect("readable");
    let batches: Vec<RecordBatch> = found.try_collect().await.expect("readable");
    let all: Vec<Row> = batches.iter().flat_map(|batch| rows::decode(batch).expect("ours")).collect();
    let count = all.len();
    let by_id: BTreeMap<String, Row> = all.into_iter().map(|row| (row.id().to_string(), row)).collect();
    assert_eq!(by_id.len(), count, "a pattern is there twice");
    by_id
}

fn expected(events: &[(Seq, Event)]) -> BTreeMap<String, Row> {
    let row = |(id, (pattern, withdrawn, seq)): (String, Kept)| {
        let mut row = Row::of(&pattern, seq);
        if let Some((at, by)) = withdrawn {
            row.supersede(at, by);
        }
        (id, row)
    };
    remembered(events).into_iter().map(row).collect()
}

async fn filled(directory: &Path, events: &[(Seq, Event)]) -> Vectors {
    let mut vectors = Vectors::open(directory).await.expect("new");
    let through = events.last().map(|(seq, _)| *seq).unwrap_or_default();
    vectors.put(events, through).await.expect("put");
    vectors
}

fn questions(events: &[(Seq, Event)], dice: &mut Dice, count: usize) -> Vec<Question> {
    let patterns: Vec<Pattern> = remembered(events).into_values().map(|(pattern, ..)| pattern).collect();
    let question = |_| {
        let pattern = patterns[dice.below(patterns.len() as i64) as usize];
        let window: Window = pattern.window;
        let minute = window.start.nanos() / crate::domain::time::MINUTE + WINDOW_MINUTES as i64 + dice.below(600);
        Question { window, cursor: closed(minute), most: 5 }
    };
    (0..count).map(question).collect()
}

#[tokio::test]
async fn what_a_crash_left_is_taken_back_and_each_pattern_is_there_once() {
    let all = two_pairs(700);
    let directory = tempfile::tempdir().expect("a directory");
    let mut dice = Dice::new(11);
    let mut vectors = Vectors::open(directory.path()).await.expect("new");
    let (mut at, mut crashes) = (0, 0);
    while at < all.len() {
        let mut end = (at + 1 + dice.below(160) as usize).min(all.len());
        while end < all.len() && all[end].0 == all[end - 1].0 {
            end += 1;
        }
        if dice.below(3) == 0 {
            vectors.write(&all[at..end]).await.expect("written");
            drop(vectors);
            vectors = Vectors::open(directory.path()).await.expect("again");
            assert_eq!(vectors.through(), if at == 0 { Seq(0) } else { all[at - 1].0 });
            crashes += 1;
            continue;
        }
        vectors.put(&all[at..end], all[end - 1].0).await.expect("put");
        at = end;
    }
    assert!(crashes > 5 && all.iter().any(|(_, event)| matches!(event, Event::Supersede { .. })));
    assert_eq!(rows(&vectors).await, expected(&all));
    vectors.maintain().await.expect("maintained");
    assert_eq!(rows(&vectors).await, expected(&all));
    let earlier = vectors.put(&[], Seq(1)).await;
    assert!(matches!(earlier, Err(VectorsError::Backwards { .. })));
}

#[tokio::test]
async fn near_hours_are_those_a_brute_force_finds_at_any_cursor() {
    let all = two_pairs(900);
    let directory = tempfile::tempdir().expect("a directory");
    let vectors = filled(directory.path(), &all).await;
    let reader = Reader::open(directory.path()).await.expect("made");
    let table = remembered(&all);
    let last = vectors.through();
    let mut matched = 0;
    for question in questions(&all, &mut Dice::new(3), 60) {
        for (across, through) in [(false, None), (true, None), (false, Some(Seq(last.0 / 2)))] {
            let known = |seq: Seq| through.is_none_or(|through| seq <= through);
            let candidates: Vec<Candidate> = table
                .values()
                .filter(|(pattern, _, seq)| known(*seq) && (across || pattern.window.pair == question.window.pair))
                .map(|(pattern, withdrawn, _)| {
                    let withdrawn = withdrawn.filter(|(_, by)| known(*by)).map(|(at, _)| at);
                    Candidate { past: pattern.past(withdrawn), shape: *pattern.shape() }
                })
                .collect();
            let found = reader.search(&question, across, through).await.expect("searched");
            let truth = select(&question, candidates.iter().copied());
            assert!(found.exact);
            assert_eq!(select(&question, found.candidates), truth);
            let usable = candidates.iter().filter(|c| c.past.is_usable(question.cursor)).count() as u64;
            assert_eq!(found.known, usable);
            matched += truth.len();
            if !across {
                let past = reader.past(question.window.pair, question.cursor, through).await.expect("read");
                assert_eq!(past.len() as u64, usable);
            }
        }
    }
    assert!(matched > 200, "nothing was matched");
}

#[tokio::test]
async fn an_index_finds_nearly_all_and_says_that_it_is_one() {
    let mut dice = Dice::new(5);
    let all = events(&troubled("BTC-USD", 2_000, &mut dice));
    let directory = tempfile::tempdir().expect("a directory");
    let mut vectors = filled(directory.path(), &all).await;
    vectors.index_from = 500;
    vectors.maintain().await.expect("indexed");
    let reader = Reader::open(directory.path()).await.expect("made");
    let table = remembered(&all);
    let (mut found_of_ten, mut asked) = (0, 0);
    for question in questions(&all, &mut dice, 8) {
        let question = Question { most: 10, cursor: closed(4_000), ..question };
        let found = reader.search(&question, false, None).await.expect("searched");
        assert!(!found.exact);
        let usable: Vec<Candidate> = table
            .values()
            .map(|(pattern, withdrawn, _)| Candidate {
                past: pattern.past(withdrawn.map(|(at, _)| at)),
                shape: *pattern.shape(),
            })
            .filter(|candidate| candidate.past.is_usable(question.cursor))
            .collect();
        let truth = nearest(&question.window.shape, usable.iter().map(|candidate| &candidate.shape), 10);
        let ids: Vec<_> = found.candidates.iter().map(|candidate| candidate.past.id).collect();
        found_of_ten += truth.iter().filter(|(place, _)| ids.contains(&usable[*place].past.id)).count();
        asked += 10;
    }
    assert!(found_of_ten * 100 >= asked * 95, "recall {found_of_ten} of {asked}");
}

#[tokio::test]
async fn a_table_that_can_not_be_read_is_made_again() {
    let all = two_pairs(300);
    let directory = tempfile::tempdir().expect("a directory");
    drop(filled(directory.path(), &all).await);
    let versions = directory.path().join("vectors/patterns.lance/_versions");
    for manifest in std::fs::read_dir(&versions).expect("manifests") {
        std::fs::write(manifest.expect("an entry").path(), b"not a manifest").expect("written");
    }
    let mut vectors = Vectors::open(directory.path()).await.expect("made again");
    assert_eq!(vectors.through(), Seq(0));
    vectors.put(&all, all.last().expect("some").0).await.expect("put");
    assert_eq!(rows(&vectors).await, expected(&all));
    drop(vectors);
    Vectors::remove(directory.path()).expect("removed");
    let reader = Reader::open(directory.path()).await.expect("nothing is no error");
    assert_eq!(reader.statistics().await.expect("zeros"), Statistics::default());
}

#[tokio::test]
async fn sql_as_of_a_moment_shows_what_was_known_then() {
    let all = two_pairs(600);
    let directory = tempfile::tempdir().expect("a directory");
    drop(filled(directory.path(), &all).await);
    let sql = Sql::new(Tiers::of(directory.path())).expect("threads");
    let withdrawn: Vec<TapeTime> =
        remembered(&all).into_values().filter_map(|(_, withdrawn, _)| Some(withdrawn?.0)).collect();
    let moments = [withdrawn[0], withdrawn[withdrawn.len() / 2], closed(10_000), closed(300)];
    for as_of in moments.into_iter().flat_map(|at| [at, TapeTime::from_nanos(at.nanos() - 1)]) {
        let text = "SELECT count(*), count(superseded_at), count(superseded_seq) FROM vectors.patterns";
        let answer = sql.query(&SqlRequest { as_of: Some(as_of), ..SqlRequest::new(text) }).await.expect("asked");
        let known: Vec<_> =
            remembered(&all).into_values().filter(|(pattern, ..)| pattern.usable_from <= as_of).collect();
        let gone = known.iter().filter(|(_, withdrawn, _)| withdrawn.is_some_and(|(at, _)| at <= as_of)).count();
        let row: Vec<String> = answer.cells(0, 1).remove(0).into_iter().flatten().collect();
        assert_eq!(row, [known.len().to_string(), gone.to_string(), gone.to_string()]);
    }
}
