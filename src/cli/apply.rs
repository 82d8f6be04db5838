//! `apply`: makes what SQL files describe exist on a running server.
//!
//! The files say what shall be, so that running them again changes nothing. A statement that would do something again each
//! time (INSERT, DROP …) is refused before the first one is sent. RUN SCRIPT is replaced by the statements of its file. How
//! the server tells what it did: `server::apply`.

use std::path::PathBuf;

use clap::Args;

use super::client::{Connection, ServerArgs, text};
use super::include;
use super::script::Piece;
use super::{Failure, Result, tokio_runtime};
use crate::server::Script;
use crate::server::apply::{Outcome, SETTING};

#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// SQL files, applied in this order: CREATE, ASSERT, SET, UNSET, DEFINE, UNDEFINE and RUN SCRIPT statements
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    server: ServerArgs,
}

/// The statements that can be run again and again.
const REPEATABLE: &[&str] = &["ASSERT", "CREATE", "SET", "UNSET", "DEFINE", "UNDEFINE"];

pub fn run(args: ApplyArgs) -> Result<()> {
    let scripts = include::with_includes(&args.files)?;
    let statements: Vec<(&Script, Piece<'_>)> = include::statements(&scripts);
    for (script, piece) in &statements {
        refuse_what_is_not_repeatable(script, piece)?;
    }
    tokio_runtime()?.block_on(async {
        let mut connection = args.server.connect().await?;
        let mode = if args.dry_run { "plan" } else { "true" };
        connection
            .client
            .simple_query(&format!("SET '{SETTING}' = '{mode}'"))
            .await
            .map_err(|error| Failure::new(format!("the server does not take part: {}", text(&error))))?;
        for (script, piece) in &statements {
            let outcome = send(&mut connection, script, piece).await?;
            println!("{}:{}: {} … {outcome}", script.name, piece.line, piece.head());
        }
        Ok(())
    })
}

fn refuse_what_is_not_repeatable(script: &Script, piece: &Piece<'_>) -> Result<()> {
    let keyword = piece.keyword();
    if REPEATABLE.contains(&keyword.as_str()) {
        return Ok(());
    }
    let what = if keyword.is_empty() { piece.head() } else { keyword };
    Err(Failure::usage(format!(
        "{}:{}: apply does not run {what}; nothing was done",
        script.name, piece.line
    ))
    .hint("apply files can be run again and again; run a statement that cannot with psql"))
}

async fn send(connection: &mut Connection, script: &Script, piece: &Piece<'_>) -> Result<String> {
    let result = connection.client.simple_query(piece.text).await;
    let mut outcome = None;
    while let Ok(notice) = connection.notices.try_recv() {
        match Outcome::of_notice(notice.message()) {
            Some(found) => outcome = Some(found),
            None => eprintln!(
                "{}:{}: {}: {}",
                script.name,
                piece.line,
                notice.severity().to_lowercase(),
                notice.message()
            ),
        }
    }
    match result {
        Ok(_) => Ok(outcome.map_or_else(|| "done".to_owned(), |outcome| outcome.to_string())),
        Err(error) => Err(failure(&error, script, piece)),
    }
}

/// The server's error, with the place in the file.
fn failure(error: &tokio_postgres::Error, script: &Script, piece: &Piece<'_>) -> Failure {
    let Some(db) = error.as_db_error() else {
        return Failure::new(format!("{}:{}: {}", script.name, piece.line, text(error)));
    };
    let place = match db.position() {
        Some(tokio_postgres::error::ErrorPosition::Original(at)) => {
            let (line, column) = place_in(piece.text, *at);
            match line {
                1 => format!("{}:{}", script.name, piece.line),
                _ => format!("{}:{}:{column}", script.name, piece.line + line - 1),
            }
        }
        _ => format!("{}:{}", script.name, piece.line),
    };
    let mut message = format!("{place}: {}", db.message());
    if let Some(detail) = db.detail() {
        message += &format!("\ndetail: {detail}");
    }
    let failure = Failure::new(message);
    match db.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Line and column, both from 1, of a character counted from 1.
fn place_in(text: &str, at: u32) -> (usize, usize) {
    let mut place = (1, 1);
    for c in text.chars().take(at.saturating_sub(1) as usize) {
        place = if c == '\n' { (place.0 + 1, 1) } else { (place.0, place.1 + 1) };
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::script;

    #[test]
    fn what_is_not_repeatable_is_refused() {
        let script =
            Script { name: "a.sql".into(), text: "CREATE STREAM a;\n\ninsert into a values (1);".into() };
        let messages: Vec<String> = script::split(&script.text)
            .iter()
            .filter_map(|piece| refuse_what_is_not_repeatable(&script, piece).err())
            .map(|failure| failure.message)
            .collect();
        assert_eq!(messages, ["a.sql:3: apply does not run INSERT; nothing was done"]);
    }

    #[test]
    fn places() {
        assert_eq!(place_in("ab\ncd", 1), (1, 1));
        assert_eq!(place_in("ab\ncd", 5), (2, 2));
        assert_eq!(place_in("ab\ncd", 500), (2, 3));
    }
}
