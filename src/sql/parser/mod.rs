//! Tokens to statements: the first keyword decides who reads on.
//!
//! sqlparser can only give statements of its own, so it reads SELECTs and expressions and the rest is read by
//! hand: one file a family of statements. What the dialect has and Rivermill has not yet is refused by name.

mod alter;
mod assert;
mod copy;
mod create;
mod create_type;
mod cursor;
mod datatypes;
mod drop;
mod expr;
mod insert;
mod inspect;
mod lift;
mod query;
mod refuse;
mod rewrite;
mod session;
mod settings;
mod show;
mod window;

use sqlparser::ast::Spanned;
use sqlparser::tokenizer::Token;

pub use rewrite::{LAMBDA, TYPE_MARK};

use self::cursor::Cursor;
use super::ast::{Name, Statement, StatementKind};
use super::lexer::Lexed;
use super::variables::{RawStatement, Splitter, Variables};
use super::{Position, SqlError, format::quote_ident, sqlstate};

/// First words of the statements that are read.
const STATEMENTS: [&str; 39] = [
    "CREATE",
    "DROP",
    "INSERT",
    "SELECT",
    "WITH",
    "VALUES",
    "TABLE",
    "TERMINATE",
    "SHOW",
    "LIST",
    "DESCRIBE",
    "EXPLAIN",
    "SET",
    "UNSET",
    "RESET",
    "DEFINE",
    "UNDEFINE",
    "PRINT",
    "COPY",
    "BEGIN",
    "START",
    "COMMIT",
    "END",
    "ROLLBACK",
    "ABORT",
    "SAVEPOINT",
    "RELEASE",
    "DISCARD",
    "DEALLOCATE",
    "DECLARE",
    "FETCH",
    "CLOSE",
    "LISTEN",
    "UNLISTEN",
    "NOTIFY",
    "ALTER",
    "PAUSE",
    "RESUME",
    "ASSERT",
];

/// First words of statements of Postgres and ksqlDB that are understood and not built.
const NOT_SUPPORTED: [&str; 21] = [
    "DELETE",
    "UPDATE",
    "TRUNCATE",
    "MERGE",
    "GRANT",
    "REVOKE",
    "PREPARE",
    "EXECUTE",
    "LOCK",
    "ANALYZE",
    "VACUUM",
    "CALL",
    "DO",
    "MOVE",
    "CLUSTER",
    "COMMENT",
    "REINDEX",
    "REFRESH",
    "CHECKPOINT",
    "SECURITY",
    "IMPORT",
];

/// Parses a text of many statements; the last semicolon may be missing, empty statements are skipped.
///
/// `variables` are those of the session; a DEFINE or UNDEFINE in the text holds for the statements after it, and the
/// session takes it over when it runs the statement. Every position, also the spans inside of expressions, is a
/// place in `text`: what comes from a variable stands where its `${name}` stands.
///
/// # Errors
/// The first error of any statement: syntax (42601), what is not built (0A000), an unknown variable (42704), a
/// limit (54000); always with its place.
pub fn parse(text: &str, variables: &Variables) -> Result<Vec<Statement>, SqlError> {
    let mut variables = variables.clone();
    let mut splitter = Splitter::new(text);
    let mut statements = Vec::new();
    while let Some(raw) = splitter.next(&variables)? {
        let lexed = Lexed::new(raw)?;
        if lexed.tokens.is_empty() {
            continue;
        }
        let statement = nested(Cursor::new(&lexed))?;
        match &statement.kind {
            StatementKind::Define { name, value } => {
                variables.define(name, value.as_str()).map_err(|error| error.at(Some(statement.position)))?;
            }
            StatementKind::Undefine { name } => {
                variables.undefine(name);
            }
            _ => {}
        }
        statements.push(statement);
    }
    Ok(statements)
}

/// Parses the text of one statement as [`Statement::text`] has it: variables are replaced already, so that `${` in a literal
/// is just that.
pub fn parse_stored(text: &str) -> Result<Statement, SqlError> {
    let map = super::source_map::SourceMap::default();
    nested(Cursor::new(&Lexed::new(RawStatement { text: text.to_owned(), map })?))
}

/// The name in a text that is nothing but a name, such as an argument of a command: folded to upper case unless quoted.
pub fn parse_ident(text: &str) -> Result<Name, SqlError> {
    let map = super::source_map::SourceMap::default();
    let lexed = Lexed::new(RawStatement { text: text.to_owned(), map })?;
    let mut cursor = Cursor::new(&lexed);
    let name = cursor.name("a name")?;
    cursor.finish()?;
    Ok(name)
}

/// The type in a text that is nothing but a type, such as `ARRAY<INT>`.
pub fn parse_type(text: &str) -> Result<super::ast::TypeName, SqlError> {
    datatypes::parse(text)
}

/// Where an expression or another node of sqlparser's begins, in the text that was given to [`parse`].
pub fn position_of(node: &impl Spanned) -> Option<Position> {
    let start = node.span().start;
    (start.line > 0 && start.column > 0).then_some(Position { line: start.line, column: start.column })
}

/// The statement that the cursor holds, with its own text and place.
fn nested(cursor: Cursor) -> Result<Statement, SqlError> {
    let kind = kind(cursor)?;
    Ok(Statement { kind, text: cursor.text().to_owned(), position: cursor.position() })
}

fn kind(cursor: Cursor) -> Result<StatementKind, SqlError> {
    if query_follows(&cursor) {
        return query::query(cursor);
    }
    if let Some(kind) = session::session(cursor)? {
        return Ok(kind);
    }
    let word = match cursor.peek_word() {
        Some(word) if word.quote_style.is_none() => word.value.to_uppercase(),
        _ => return Err(cursor.expected("a statement")),
    };
    match word.as_str() {
        "CREATE" => create::create(cursor),
        "DROP" => drop::drop(cursor),
        "ALTER" => alter::alter(cursor),
        "ASSERT" => assert::assert(cursor),
        "INSERT" => insert::insert(cursor),
        "TERMINATE" => inspect::of_query(cursor, |query| StatementKind::Terminate { query }),
        "PAUSE" => inspect::of_query(cursor, |query| StatementKind::Pause { query }),
        "RESUME" => inspect::of_query(cursor, |query| StatementKind::Resume { query }),
        "SHOW" | "LIST" => show::show(cursor),
        "DESCRIBE" => show::describe(cursor),
        "EXPLAIN" => inspect::explain(cursor),
        "PRINT" => inspect::print(cursor),
        "SET" => settings::set(cursor),
        "UNSET" => settings::unset(cursor),
        "RESET" => settings::reset(cursor),
        "DEFINE" => settings::define(cursor),
        "UNDEFINE" => settings::undefine(cursor),
        "COPY" => copy::copy(cursor),
        "RUN" if cursor.nth_is(1, "SCRIPT") => Err(run_script(&cursor)),
        word if NOT_SUPPORTED.contains(&word) => Err(cursor.not_supported(word)),
        _ => Err(unknown(&cursor, &word)),
    }
}

/// RUN SCRIPT names a file of the client's, which the server must not read.
fn run_script(cursor: &Cursor) -> SqlError {
    SqlError::new(sqlstate::WRONG_OBJECT_TYPE, "RUN SCRIPT is not a statement of the server")
        .hint("rivermill apply runs it, and psql has \\i for files")
        .at(Some(cursor.position()))
}

/// Whether a query begins here.
fn query_follows(cursor: &Cursor) -> bool {
    let mut at = *cursor;
    while at.accept_token(&Token::LParen) {}
    at.is_any(&["SELECT", "WITH", "VALUES", "TABLE"])
}

fn unknown(cursor: &Cursor, word: &str) -> SqlError {
    let near = STATEMENTS.iter().map(|known| (distance(word, known), *known)).min();
    match near {
        Some((distance @ 1..=2, known)) if distance * 2 < word.len() => {
            cursor.unexpected().hint(format!("did you mean {known}?"))
        }
        _ => cursor.expected("a statement: CREATE, SELECT, INSERT, DROP, SHOW, DESCRIBE, EXPLAIN, SET, …"),
    }
}

/// Levenshtein's distance; words longer than any keyword are far from all.
fn distance(left: &str, right: &str) -> usize {
    if left.len() > 20 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (at, l) in left.chars().enumerate() {
        let mut next = vec![at + 1];
        for ((r, pair), before) in right.chars().zip(row.windows(2)).zip(0..) {
            let &[diagonal, above] = pair else { continue };
            let beside = next.get(before).copied().unwrap_or(usize::MAX - 1);
            next.push((diagonal + usize::from(l != r)).min(above + 1).min(beside + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}

/// `SELECT columns FROM name` as the statement that COPY name TO stands for; all of it is at the name's place.
fn select_from(name: &Name, columns: &[Name]) -> Result<Statement, SqlError> {
    let list: Vec<String> = columns.iter().map(|column| quote_ident(&column.value)).collect();
    let list = if list.is_empty() { "*".to_owned() } else { list.join(", ") };
    let mut map = super::source_map::SourceMap::default();
    map.push(Position { line: 1, column: 1 }, name.position, false);
    let text = format!("SELECT {list} FROM {}", quote_ident(&name.value));
    let lexed = Lexed::new(RawStatement { text, map })?;
    nested(Cursor::new(&lexed))
}
