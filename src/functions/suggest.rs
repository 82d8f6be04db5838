//! "Did you mean": the nearest of some names.

/// The candidate with the fewest edits from `name`, where it is near enough to be a slip.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name: Vec<char> = name.to_uppercase().chars().take(200).collect();
    let budget = (name.len() / 3).clamp(1, 3);
    candidates
        .map(|candidate| (distance(&name, &candidate.to_uppercase()), candidate))
        .filter(|(edits, _)| *edits <= budget && *edits < name.len())
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance.
fn distance(a: &[char], b: &str) -> usize {
    let b: Vec<char> = b.chars().take(200).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for ((y, above), diagonal) in b.iter().zip(row.iter().skip(1)).zip(&row) {
            let left = next.last().copied().unwrap_or_default();
            next.push((diagonal + usize::from(x != y)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #[test]
    fn slips_are_found() {
        let names = ["UCASE", "LCASE", "SUBSTRING"];
        let nearest = |name| super::nearest(name, names.into_iter());
        assert_eq!(nearest("ucas"), Some("UCASE"));
        assert_eq!(nearest("SUBSTRNIG"), Some("SUBSTRING"));
        assert_eq!(nearest("GEO_DISTANCE"), None);
        assert_eq!(nearest(""), None);
    }
}
