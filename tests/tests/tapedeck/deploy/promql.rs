//! Which metrics and labels a query names.

use std::collections::BTreeSet;

use tapedeck_core::metrics::names;

/// A name that begins as ours do, with the labels between the braces behind it.
#[derive(Debug, PartialEq)]
pub(super) struct Named {
    pub(super) series: String,
    pub(super) labels: BTreeSet<String>,
}

pub(super) fn named(query: &str) -> Vec<Named> {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    // What stands in quotes names nothing.
    let bare = query.split('"').step_by(2).collect::<Vec<_>>().join("");
    let (mut found, mut rest) = (Vec::new(), bare.as_str());
    while let Some(start) = rest.find(part) {
        let word = &rest[start..];
        let (name, behind) = word.split_at(word.find(|c| !part(c)).unwrap_or(word.len()));
        rest = behind;
        if name.starts_with("tapedeck_") || name.starts_with("process_") {
            let braces = behind.strip_prefix('{').and_then(|inside| Some(inside.split_once('}')?.0));
            let labels = braces.into_iter().flat_map(matched).collect();
            found.push(Named { series: name.to_owned(), labels });
        }
    }
    found
}

/// `a=,b!=` names a and b.
fn matched(braces: &str) -> Vec<String> {
    let label = |matcher: &str| matcher.split(['=', '!', '~']).next().unwrap_or_default().trim().to_owned();
    braces.split(',').map(label).filter(|label| !label.is_empty()).collect()
}

/// Every series that a query names exists, with these labels.
#[track_caller]
pub(super) fn check(place: &str, query: &str) -> Vec<String> {
    let all = named(query);
    for Named { series, labels } in &all {
        let family = names::ALL.iter().find(|family| family.series().contains(series));
        let family = family.unwrap_or_else(|| panic!("{place}: there is no metric {series}, in {query}"));
        for label in labels {
            let of_prometheus = ["job", "instance", "le"].contains(&label.as_str());
            assert!(
                of_prometheus || family.labels.contains(&label.as_str()),
                "{place}: {series} has no label {label}, in {query}"
            );
        }
    }
    all.into_iter().map(|named| named.series).collect()
}

#[test]
fn a_mistyped_name_in_a_query_is_seen() {
    let query =
        r#"sum by (le) (rate(tapedeck_a_bucket{job="tapedeck_no",kind!="x"}[5m])) / process_b > bool tapedeck_c"#;
    let found: Vec<String> = named(query).into_iter().map(|named| named.series).collect();
    assert_eq!(found, ["tapedeck_a_bucket", "process_b", "tapedeck_c"]);
    assert_eq!(named(query)[0].labels, BTreeSet::from(["job".to_owned(), "kind".to_owned()]));
    for wrong in
        ["tapedeck_feed_message_total", r#"tapedeck_feed_messages_total{sort="trade"}"#, "tapedeck_journal_ack_seconds"]
    {
        assert!(std::panic::catch_unwind(|| check("here", wrong)).is_err(), "{wrong} was taken");
    }
}
