//! What somebody probably meant by a name that does not exist. Asked only about mistakes, never while a request waits.

/// `; did you mean …?` where one of `known` is near, or else `; there are …` with all of them.
pub(crate) fn suggestion(written: &str, known: &[&str]) -> String {
    match nearest(written, known) {
        Some(near) => format!("; did you mean {near}?"),
        None => format!("; there are {}", known.join(", ")),
    }
}

/// The one of `known` that `written` most probably stands for, if any is near enough not to mislead.
pub(crate) fn nearest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    let lower = written.to_ascii_lowercase();
    // Comparing costs the product of both lengths, and who wrote the name chose its length.
    if lower.len() > 64 {
        return None;
    }
    let distance = |name: &&str| strsim::osa_distance(&lower, &name.to_ascii_lowercase());
    let near = known.iter().map(|name| (distance(name), *name)).min_by_key(|(distance, _)| *distance);
    let is_near = |distance: usize| distance <= lower.chars().count().div_ceil(4);
    near.filter(|(distance, _)| is_near(*distance)).map(|(_, name)| name).or_else(|| begun(&lower, known))
}

/// The only one of `known` that begins with `lower`, or that it goes on from.
fn begun<'a>(lower: &str, known: &[&'a str]) -> Option<&'a str> {
    let is_begun = |name: &&&str| {
        let name = name.to_ascii_lowercase();
        lower.len() >= 4 && name.len() >= 4 && (name.starts_with(lower) || lower.starts_with(&name))
    };
    let mut begun = known.iter().filter(is_begun);
    match (begun.next(), begun.next()) {
        (Some(name), None) => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised_and_a_strange_word_is_not() {
        let known = ["Path", "PathPrefix", "Method", "Host", "HeaderRegexp", "ClientIP", "leewaySeconds"];
        for (written, expected) in [
            ("Pth", Some("Path")),
            ("path", Some("Path")),
            ("Ptah", Some("Path")),
            ("Pathprefix", Some("PathPrefix")),
            ("PathPerfix", Some("PathPrefix")),
            ("Methd", Some("Method")),
            ("Header", Some("HeaderRegexp")),
            ("clientAddress", None),
            ("ClientIp", Some("ClientIP")),
            ("leeway", Some("leewaySeconds")),
            ("Query", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, &known), expected, "{written}");
        }
        assert_eq!(nearest(&"P".repeat(65), &known), None);
    }

    #[test]
    fn without_a_near_name_all_are_listed() {
        assert_eq!(suggestion("Pth", &["Path", "Host"]), "; did you mean Path?");
        assert_eq!(suggestion("Query", &["Path", "Host"]), "; there are Path, Host");
    }
}
