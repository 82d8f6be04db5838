//! The page `docs/functions.md`, made from the registry.

use super::{FunctionKind, list, scalar};

/// The whole page as Markdown.
pub fn markdown() -> String {
    let mut page = String::from(HEAD);
    page += "\n## Scalar functions\n";
    let mut families: Vec<&str> = scalar::families().map(|(family, _)| family).collect();
    families.sort_unstable();
    families.dedup();
    for family in families {
        page += &format!("\n### {family}\n");
        for (_, function) in scalar::families().filter(|(of, _)| *of == family) {
            let aliases: Vec<_> =
                scalar::aliases_of(function.name).map(|alias| format!("`{alias}`")).collect();
            let aliases = match aliases.is_empty() {
                true => String::new(),
                false => format!(" Also called {}.", aliases.join(", ")),
            };
            entry(&mut page, function.name, function.summary, &aliases, &scalar::signatures(function));
        }
    }
    let others: Vec<_> =
        list().into_iter().filter(|function| function.kind != FunctionKind::Scalar).collect();
    let mut kinds: Vec<String> = others.iter().map(|function| function.kind.to_string()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    for kind in kinds {
        let (first, rest) = kind.split_at(1);
        page += &format!("\n## {}{rest} functions\n", first.to_uppercase());
        for function in others.iter().filter(|function| function.kind.to_string() == kind) {
            entry(&mut page, function.name, function.summary, "", &function.signatures);
        }
    }
    page
}

fn entry(page: &mut String, name: &str, summary: &str, aliases: &str, signatures: &[String]) {
    *page += &format!("\n#### {name}\n\n{summary}.{aliases}\n\n");
    for signature in signatures {
        *page += &format!("- `{signature}`\n");
    }
}

const HEAD: &str = r#"# Functions

<!-- Made from src/functions. To renew: UPDATE_EXPECT=1 cargo test --lib functions::docs -->

What continuous queries can call. Names are the same in any case. `SHOW FUNCTIONS` lists the functions, and
`DESCRIBE FUNCTION name` tells what one takes. Ad-hoc SQL (`SELECT` without `EMIT`) has them too, where Postgres has no function
of the same name.

In the signatures a single letter stands for any type, the same one wherever it stands; `DECIMAL` for a decimal of any
precision and scale; `STRING...` for any number of arguments; `UNIT` for one of the words `DAYS`, `HOURS`, `MINUTES`, `SECONDS`
and `MILLISECONDS`; and `(T) => R` for a lambda function.

An argument that is NULL makes the result NULL, unless the function says otherwise. A row on which a function fails has NULL
in that column, and an entry in the processing log. Patterns of dates and times are those of Java's `DateTimeFormatter`,
regular expressions those of Java's `Pattern`; what cannot be translated is refused by name.
"#;

#[cfg(test)]
mod tests {
    use expect_test::expect_file;

    #[test]
    fn the_page_is_up_to_date() {
        expect_file!["../../docs/functions.md"].assert_eq(&super::markdown());
    }
}
