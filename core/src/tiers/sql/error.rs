//! Why a query gave no answer, where in its text, and what to do.

use std::collections::BTreeSet;

use datafusion::common::{Column, SchemaError, Span};
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;

/// The answer to a query that has none. `code` is stable; the position counts from 1, in characters, where one is known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SqlError {
    pub code: &'static str,
    pub message: String,
    pub r#do: String,
    pub line: Option<u32>,
    pub column: Option<u32>,
}

impl SqlError {
    pub(super) fn new(code: &'static str, message: impl Into<String>, what_to_do: impl Into<String>) -> Self {
        Self { code, message: message.into(), r#do: what_to_do.into(), line: None, column: None }
    }

    pub(super) fn read_only(what: impl std::fmt::Display) -> Self {
        Self::new(
            "sql_read_only",
            format!("{what}: SQL reads here, and changes nothing"),
            "Ask one SELECT, WITH, VALUES, EXPLAIN, DESCRIBE or SHOW at a time.",
        )
    }

    pub(super) fn at(mut self, line: u64, column: u64) -> Self {
        // Line 0 is the parser's way of saying that it does not know.
        if line > 0 {
            self.line = u32::try_from(line).ok();
            self.column = u32::try_from(column).ok();
        }
        self
    }

    fn at_span(self, span: Option<Span>) -> Self {
        match span {
            Some(span) => self.at(span.start.line, span.start.column),
            None => self,
        }
    }

    /// A way for our own errors through the engine, which knows only its own.
    pub(super) fn through_engine(self) -> DataFusionError {
        DataFusionError::External(Box::new(self))
    }

    /// `tables` are the names a misspelt one is compared with.
    pub(super) fn of(error: &DataFusionError, tables: &[String]) -> Self {
        let span = error.diagnostic().and_then(|diagnostic| diagnostic.span);
        let root = root(error);
        match root {
            DataFusionError::External(inner) => match inner.downcast_ref::<Self>() {
                Some(ours) => ours.clone(),
                None => failed(inner),
            },
            DataFusionError::SQL(parser, _) => syntax(parser, span),
            DataFusionError::SchemaError(schema, _) => column(schema).at_span(span),
            DataFusionError::ResourcesExhausted(_) => Self::new(
                "sql_memory_limit",
                "this query needs more memory than a query may have",
                "Narrow it with WHERE, select fewer columns, or leave out what sorts or groups many rows.",
            ),
            DataFusionError::Plan(text) | DataFusionError::NotImplemented(text) => match missing_table(error, text) {
                Some(table) => unknown_table(&table, tables).at_span(span),
                None => invalid(error, text).at_span(span),
            },
            other => failed(other).at_span(span),
        }
    }
}

/// The error the others were wrapped around.
fn root(error: &DataFusionError) -> &DataFusionError {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => root(inner),
        DataFusionError::Shared(inner) => root(inner),
        DataFusionError::Collection(errors) => errors.first().map_or(error, root),
        DataFusionError::External(inner) => match inner.downcast_ref::<DataFusionError>() {
            Some(inner) => root(inner),
            None => error,
        },
        DataFusionError::ArrowError(inner, _) => match inner.as_ref() {
            arrow::error::ArrowError::ExternalError(inner) => {
                inner.downcast_ref::<DataFusionError>().map_or(error, root)
            }
            _ => error,
        },
        _ => error,
    }
}

fn failed(error: impl std::fmt::Display) -> SqlError {
    SqlError::new(
        "sql_failed",
        sentence(&error.to_string()),
        "Correct the query; when it is right, run `tapedeck doctor` to see whether the data can be read.",
    )
}

/// The parser puts the place at the end of its sentence: `… found: FORM at Line: 1, Column: 10`.
fn syntax(error: &ParserError, span: Option<Span>) -> SqlError {
    let what_to_do = "Correct the query at that place and run it again.";
    let text = match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text,
        ParserError::RecursionLimitExceeded => {
            return SqlError::new("sql_syntax", "the query is nested too deeply", "Split it, for example with WITH.");
        }
    };
    let (said, place) = match text.rsplit_once(" at Line: ") {
        Some((said, place)) => (said, place.split_once(", Column: ")),
        None => (text.as_str(), None),
    };
    let error = SqlError::new("sql_syntax", sentence(said), what_to_do);
    match place.and_then(|(line, column)| Some((line.parse().ok()?, column.parse().ok()?))) {
        Some((line, column)) => error.at(line, column),
        None => error.at_span(span),
    }
}

fn column(error: &SchemaError) -> SqlError {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let names: Vec<String> = valid_fields.iter().map(|field| field.name.clone()).collect();
            let near = nearest(&field.name, &names);
            let what_to_do = if near.is_empty() {
                "DESCRIBE a table to see its columns.".to_owned()
            } else {
                format!("Did you mean {}?", list(&near))
            };
            SqlError::new("sql_unknown_column", format!("there is no column `{}`", plain(field)), what_to_do)
        }
        SchemaError::AmbiguousReference { field } => SqlError::new(
            "sql_ambiguous_column",
            format!("`{}` is a column of more than one of the tables", field.name),
            format!("Name the table, as in `t.{}`.", field.name),
        ),
        other => {
            SqlError::new("sql_invalid", sentence(&other.to_string()), "Give the columns different names with AS.")
        }
    }
}

fn plain(column: &Column) -> String {
    match &column.relation {
        Some(relation) => format!("{}.{}", relation.table(), column.name),
        None => column.name.clone(),
    }
}

/// The engine's note for people, where it has one, is clearer than its error.
fn invalid(error: &DataFusionError, text: &str) -> SqlError {
    let Some(diagnostic) = error.diagnostic() else {
        return SqlError::new("sql_invalid", sentence(text), "Correct the query and run it again.");
    };
    let notes = diagnostic.notes.iter().map(|note| &note.message);
    let helps = diagnostic.helps.iter().map(|help| &help.message);
    let advice: Vec<String> = notes.chain(helps).map(|advice| format!("{}.", sentence(advice))).collect();
    let what_to_do = match advice.is_empty() {
        true => "Correct the query and run it again.".to_owned(),
        false => advice.join(" "),
    };
    SqlError::new("sql_invalid", sentence(&diagnostic.message), what_to_do)
}

/// The name as it was written, where an error is about a table that is not there.
fn missing_table(error: &DataFusionError, text: &str) -> Option<String> {
    let said = error.diagnostic().map_or(text, |diagnostic| diagnostic.message.as_str());
    let name = said.strip_prefix("table '")?.split_once("' not found")?.0;
    Some(name.trim_start_matches("tapedeck.").trim_start_matches("unnamed.").to_owned())
}

fn unknown_table(name: &str, tables: &[String]) -> SqlError {
    let near = nearest(name, tables);
    let what_to_do = match near.is_empty() {
        true => format!("The tables are {}.", list(tables)),
        false => format!("Did you mean {}?", list(&near)),
    };
    SqlError::new("sql_unknown_table", format!("there is no table `{name}`"), what_to_do)
}

/// Names that hold the word, or are a few slips of the finger away, the nearest first.
fn nearest(name: &str, names: &[String]) -> Vec<String> {
    let name = name.to_lowercase();
    let slips = |known: &String| {
        let known = known.to_lowercase();
        if name.len() > 2 && known.contains(&name) { 1 } else { distance(&name, &known) }
    };
    let possible = |known: &String| (known.chars().count() / 3).max(1);
    let near: BTreeSet<(usize, &String)> =
        names.iter().map(|known| (slips(known), known)).filter(|(slips, known)| *slips <= possible(known)).collect();
    let least = near.first().map_or(0, |(slips, _)| *slips);
    near.into_iter().take_while(|(slips, _)| *slips <= least + 1).take(3).map(|(_, known)| known.clone()).collect()
}

/// Letters to add, drop or change to make one of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let changed = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// One line, without the engine's own prefixes and without a full stop.
fn sentence(text: &str) -> String {
    let text = text.trim().trim_start_matches("Error during planning: ").trim_start_matches("Execution error: ");
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ").trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_another_word_is_not() {
        let names = ["warm.candles", "warm.trades", "cold.ticks", "hot.ticks", "best_bid", "side"].map(str::to_owned);
        for (name, expected) in [
            ("warm.candels", vec!["warm.candles"]),
            ("COLD.TICK", vec!["cold.ticks"]),
            ("ticks", vec!["cold.ticks", "hot.ticks"]),
            ("candle", vec!["warm.candles"]),
            ("bid", vec!["best_bid"]),
            ("sied", vec![]),
            ("sid", vec!["side"]),
            ("positions", vec![]),
        ] {
            assert_eq!(nearest(name, &names), expected, "{name}");
        }
    }
}
