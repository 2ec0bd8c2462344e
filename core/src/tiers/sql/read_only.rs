//! What may be asked. The first of two locks: this one looks at the text's syntax tree, the engine's own at the plan.

use std::ops::ControlFlow;

use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{
    self, ObjectName, ObjectNamePart, Query, Select, Spanned, TableFactor, Visit, Visitor,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;

use super::SqlError;

/// Levels of nesting a text may have: the parser recurses.
const NESTING: usize = 50;
/// Functions that make rows out of nothing. Any other in FROM could reach for a file.
const ROW_MAKERS: [&str; 3] = ["generate_series", "range", "unnest"];
const FILE_ENDINGS: [&str; 8] = [".parquet", ".csv", ".json", ".jsonl", ".avro", ".arrow", ".gz", ".zst"];

/// The one statement of a text, if it only reads.
///
/// Errors: `sql_empty`, `sql_syntax` with the place, `sql_read_only`.
pub(super) fn statement(text: &str) -> Result<Statement, SqlError> {
    let parsed = DFParserBuilder::new(text)
        .with_dialect(&GenericDialect {})
        .with_recursion_limit(NESTING)
        .build()
        .and_then(|mut parser| parser.parse_statements());
    let mut statements = parsed.map_err(|error| {
        let error = SqlError::of(&error, &[]);
        if error.line.is_none() && error.message.ends_with("EOF") {
            at_byte(error, text, text.trim_end().len())
        } else {
            error
        }
    })?;
    let Some(statement) = statements.pop_front() else {
        return Err(SqlError::new("sql_empty", "there is no query", "Write one, such as SELECT * FROM warm.candles."));
    };
    if let Some(second) = statements.pop_front() {
        let refused = SqlError::read_only("there is more than one statement");
        return Err(match &second {
            Statement::Statement(second) => {
                let start = second.span().start;
                refused.at(start.line, start.column)
            }
            _ => refused,
        });
    }
    reads(&statement, text)?;
    Ok(statement)
}

fn at_byte(error: SqlError, text: &str, byte: usize) -> SqlError {
    let before = &text[..byte];
    let line = before.rsplit('\n').next().unwrap_or_default();
    error.at(before.matches('\n').count() as u64 + 1, line.chars().count() as u64 + 1)
}

fn reads(statement: &Statement, text: &str) -> Result<(), SqlError> {
    match statement {
        Statement::Statement(statement) => reads_ast(statement, text),
        Statement::Explain(explain) => reads(&explain.statement, text),
        Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => {
            Err(refused(&statement.to_string()))
        }
    }
}

fn reads_ast(statement: &ast::Statement, text: &str) -> Result<(), SqlError> {
    match statement {
        ast::Statement::Query(_) => match statement.visit(&mut Reader { text }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(error) => Err(*error),
        },
        ast::Statement::Explain { statement, .. } => reads_ast(statement, text),
        ast::Statement::ExplainTable { .. }
        | ast::Statement::ShowTables { .. }
        | ast::Statement::ShowColumns { .. }
        | ast::Statement::ShowFunctions { .. }
        | ast::Statement::ShowVariable { .. } => Ok(()),
        other => Err(refused(&other.to_string())),
    }
}

/// Names what was refused by its leading words: `CREATE EXTERNAL TABLE`.
fn refused(statement: &str) -> SqlError {
    let words: Vec<&str> =
        statement.split_whitespace().take(3).take_while(|word| word.bytes().all(|b| b.is_ascii_uppercase())).collect();
    SqlError::read_only(format!("{} is refused", words.join(" ")))
}

/// Walks a query, its subqueries and common tables, and stops at the first thing that does more than read our tables.
struct Reader<'a> {
    text: &'a str,
}

impl Visitor for Reader<'_> {
    type Break = Box<SqlError>;

    fn pre_visit_statement(&mut self, statement: &ast::Statement) -> ControlFlow<Self::Break> {
        match statement {
            ast::Statement::Query(_) => ControlFlow::Continue(()),
            other => ControlFlow::Break(Box::new(refused(&other.to_string()))),
        }
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Self::Break> {
        if query.locks.is_empty() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(Box::new(SqlError::read_only("a lock (FOR UPDATE, FOR SHARE) is refused")))
        }
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Self::Break> {
        if select.into.is_none() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(Box::new(SqlError::read_only("SELECT INTO is refused")))
        }
    }

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<Self::Break> {
        let (name, start) = match table {
            TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => {
                (name.to_string(), name.span().start)
            }
            TableFactor::TableFunction { expr, .. } => (expr.to_string(), expr.span().start),
            _ => return ControlFlow::Continue(()),
        };
        if ROW_MAKERS.contains(&name.to_lowercase().as_str()) {
            return ControlFlow::Continue(());
        }
        let refused = SqlError::read_only(format!("the table function `{name}` is refused"));
        ControlFlow::Break(Box::new(refused.at(start.line, start.column)))
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<Self::Break> {
        if !names_a_file(name) {
            return ControlFlow::Continue(());
        }
        let refused = SqlError::read_only(format!("the file {name} is refused, files are not read"));
        // The parser does not say where a name in single quotes stands.
        let place = self.text.find(&name.to_string());
        ControlFlow::Break(Box::new(match place {
            Some(byte) => at_byte(refused, self.text, byte),
            None => refused,
        }))
    }
}

fn names_a_file(name: &ObjectName) -> bool {
    name.0.iter().any(|part| {
        let ObjectNamePart::Identifier(part) = part else { return false };
        let value = part.value.to_lowercase();
        part.quote_style == Some('\'')
            || value.contains(['/', '\\'])
            || (name.0.len() == 1 && FILE_ENDINGS.iter().any(|ending| value.ends_with(ending)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reads_is_let_through() {
        for text in [
            "SELECT 1",
            "select * from warm.candles where pair = 'BTC-USD' -- INSERT INTO nothing",
            "SELECT 'a;b'; ",
            "WITH t AS (SELECT 1 AS a) SELECT * FROM t",
            "VALUES (1), (2)",
            "EXPLAIN SELECT 1",
            "EXPLAIN ANALYZE SELECT 1",
            "EXPLAIN FORMAT TREE SELECT 1",
            "DESCRIBE warm.candles",
            "SHOW TABLES",
            "SHOW COLUMNS FROM warm.candles",
            "SELECT * FROM generate_series(1, 3)",
            "SELECT * FROM unnest([1, 2])",
        ] {
            assert!(statement(text).is_ok(), "{text}: {:?}", statement(text));
        }
    }

    #[test]
    fn what_writes_or_reaches_for_a_file_is_refused_wherever_it_stands() {
        for text in [
            "INSERT INTO warm.balance VALUES ('a', 'b', 'c', 1)",
            "UPDATE warm.trades SET price = 1",
            "DELETE FROM cold.ticks",
            "TRUNCATE TABLE cold.ticks",
            "MERGE INTO a USING b ON a.x = b.x WHEN MATCHED THEN DELETE",
            "CREATE TABLE t AS SELECT 1",
            "CREATE VIEW v AS SELECT 1",
            "CREATE SCHEMA s",
            "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
            "CREATE FUNCTION f(BIGINT) RETURNS BIGINT RETURN $1",
            "DROP TABLE warm.balance",
            "ALTER TABLE warm.balance RENAME TO b",
            "COPY (SELECT 1) TO '/tmp/x.csv'",
            "COPY warm.candles TO 'x.parquet'",
            "SET datafusion.execution.target_partitions = 1",
            "RESET datafusion.execution.target_partitions",
            "PREPARE p AS SELECT 1",
            "EXECUTE p",
            "DEALLOCATE p",
            "BEGIN",
            "COMMIT",
            "CALL sys.compact('t')",
            "USE warm",
            "GRANT SELECT ON t TO x",
            "SELECT 1; SELECT 2",
            "SELECT 1; DROP TABLE t",
            "SELECT * INTO t FROM warm.candles",
            "SELECT * FROM warm.candles FOR UPDATE",
            "WITH x AS (INSERT INTO t VALUES (1)) SELECT * FROM x",
            "EXPLAIN INSERT INTO t VALUES (1)",
            "EXPLAIN ANALYZE DELETE FROM t",
            "EXPLAIN COPY (SELECT 1) TO '/tmp/x.csv'",
            "SELECT * FROM '/etc/passwd'",
            "SELECT * FROM \"/etc/passwd\"",
            "SELECT * FROM 'https://example.com/a.csv'",
            "SELECT * FROM \"data.parquet\"",
            "SELECT * FROM (SELECT * FROM 'a.csv') AS t",
            "SELECT (SELECT count(*) FROM '/etc/passwd')",
            "SELECT 1 UNION ALL SELECT * FROM 'a.csv'",
            "SELECT * FROM read_csv('/etc/passwd')",
            "SELECT * FROM parquet_metadata('a.parquet')",
            "SELECT * FROM TABLE(read_csv('/etc/passwd'))",
        ] {
            match statement(text) {
                Err(error) => assert_eq!(error.code, "sql_read_only", "{text}: {error:?}"),
                Ok(parsed) => panic!("{text} was let through as {parsed:?}"),
            }
        }
    }

    #[test]
    fn a_refusal_names_what_it_refuses_and_where() {
        let error = statement("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION 'x'").expect_err("a write");
        assert_eq!(error.message, "CREATE EXTERNAL TABLE is refused: SQL reads here, and changes nothing");
        let error = statement("SELECT 1\nFROM  '/etc/passwd'").expect_err("a file");
        assert_eq!((error.line, error.column), (Some(2), Some(7)));
    }

    #[test]
    fn an_empty_text_and_a_broken_one_say_so() {
        assert_eq!(statement(" ; -- nothing\n").expect_err("empty").code, "sql_empty");
        let error = statement("SELECT *\nFORM warm.candles").expect_err("a slip");
        assert_eq!((error.code, error.line), ("sql_syntax", Some(2)), "{error:?}");
        let error = statement("SELECT 'open").expect_err("an open quote");
        assert_eq!((error.code, error.line, error.column), ("sql_syntax", Some(1), Some(8)), "{error:?}");
        let deep = format!("SELECT {}1{}", "(".repeat(500), ")".repeat(500));
        assert_eq!(statement(&deep).expect_err("too deep").code, "sql_syntax");
    }
}
