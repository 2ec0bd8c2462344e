use proptest::collection::vec;
use proptest::prelude::*;

use super::super::names::{Family, Kind};
use super::*;

const PLAIN: Family = Family { name: "plain", kind: Kind::Gauge, labels: &[], help: "A \\ and \n and \"." };
const TWO: Family = Family { name: "two_total", kind: Kind::Counter, labels: &["pair", "side"], help: "Two labels." };
const WAIT: Family = Family { name: "wait_seconds", kind: Kind::Histogram, labels: &["tier"], help: "A histogram." };

/// One line as the format's own page describes it: name, labels, value.
#[derive(Debug, PartialEq)]
struct Line {
    name: String,
    labels: Vec<(String, String)>,
    value: String,
}

/// Reads a line letter by letter, sharing nothing with what wrote it.
fn read(line: &str) -> Line {
    let letters: Vec<char> = line.chars().collect();
    let mut at = letters.iter().position(|c| *c == '{' || *c == ' ').expect("an end of the name");
    let name = letters[..at].iter().collect();
    let mut labels = Vec::new();
    if letters[at] == '{' {
        while letters[at] != '}' {
            at += 1;
            let equals = at + letters[at..].iter().position(|c| *c == '=').expect("a value");
            let label = letters[at..equals].iter().collect();
            assert_eq!(letters[equals + 1], '"');
            at = equals + 2;
            let mut value = String::new();
            while letters[at] != '"' {
                if letters[at] == '\\' {
                    at += 1;
                    value.push(match letters[at] {
                        'n' => '\n',
                        other @ ('\\' | '"') => other,
                        other => panic!("\\{other} means nothing"),
                    });
                } else {
                    value.push(letters[at]);
                }
                at += 1;
            }
            labels.push((label, value));
            at += 1;
            assert!(matches!(letters[at], ',' | '}'), "{line}");
        }
        at += 1;
    }
    assert_eq!(letters[at], ' ', "{line}");
    let value: String = letters[at + 1..].iter().collect();
    assert!(!value.is_empty() && !value.contains(' '), "{line}");
    Line { name, labels, value }
}

fn samples(text: &str) -> Vec<Line> {
    assert!(text.is_empty() || text.ends_with('\n'));
    text.split_terminator('\n').filter(|line| !line.starts_with('#')).map(read).collect()
}

#[test]
fn what_is_not_known_is_not_there() {
    let mut out = Exposition::new();
    out.one(&PLAIN, None::<u64>);
    out.sample(&TWO, &["a", "b"], None::<f64>);
    out.histogram(&WAIT, &["warm"], None);
    assert_eq!(out.finish(), "");
}

#[test]
fn a_scrape_is_written_as_the_format_says() {
    let mut out = Exposition::new();
    out.one(&PLAIN, Some(0.1 + 0.2));
    out.sample(&TWO, &["BTC-USD", "buy"], Some(Amount::from_units(-123_450_000_001)));
    out.sample(&TWO, &["a\\b\"c\nd", "sell"], Some(7u64));
    let mut waits = Distribution::new(&[0.5, 1.0]);
    waits.record(0.75);
    waits.record(3.0);
    out.histogram(&WAIT, &["warm"], Some(&waits));
    let wanted = r#"# HELP plain A \\ and \n and ".
# TYPE plain gauge
plain 0.30000000000000004
# HELP two_total Two labels.
# TYPE two_total counter
two_total{pair="BTC-USD",side="buy"} -1234.50000001
two_total{pair="a\\b\"c\nd",side="sell"} 7
# HELP wait_seconds A histogram.
# TYPE wait_seconds histogram
wait_seconds_bucket{tier="warm",le="0.5"} 0
wait_seconds_bucket{tier="warm",le="1"} 1
wait_seconds_bucket{tier="warm",le="+Inf"} 2
wait_seconds_sum{tier="warm"} 3.75
wait_seconds_count{tier="warm"} 2
"#;
    assert_eq!(out.finish(), wanted);
}

#[test]
fn moments_are_seconds_to_ten_nanoseconds() {
    let mut out = Exposition::new();
    out.one(&PLAIN, Some(TapeTime::from_nanos(1_773_964_800_123_456_789)));
    assert_eq!(samples(&out.finish())[0].value, "1773964800.12345678");
}

proptest! {
    #[test]
    fn any_label_is_read_back_as_it_was(pair in any::<String>(), side in "[\\\\\"\n a-z]{0,8}", count in any::<u64>()) {
        let mut out = Exposition::new();
        out.sample(&TWO, &[&pair, &side], Some(count));
        let wanted = Line {
            name: "two_total".to_owned(),
            labels: vec![("pair".to_owned(), pair), ("side".to_owned(), side)],
            value: count.to_string(),
        };
        prop_assert_eq!(samples(&out.finish()), vec![wanted]);
    }

    #[test]
    fn any_figure_is_read_back_to_the_last_bit(figure in any::<f64>()) {
        let mut out = Exposition::new();
        out.one(&PLAIN, Some(figure));
        let text = out.finish();
        let read: f64 = samples(&text)[0].value.parse().expect("a number");
        prop_assert!(read == figure || (read.is_nan() && figure.is_nan()), "{text}");
    }

    #[test]
    fn money_is_written_to_its_last_digit(units in any::<i128>()) {
        let mut out = Exposition::new();
        out.one(&PLAIN, Some(Amount::from_units(units)));
        let text = samples(&out.finish()).remove(0).value;
        let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
        let read: i128 = format!("{whole}{part:0<8}").parse().expect("digits");
        prop_assert_eq!(read, units, "{}", text);
    }

    #[test]
    fn buckets_never_fall_and_end_in_the_count(all in vec(0.0..9.0f64, 0..50)) {
        let mut waits = Distribution::new(&[0.5, 1.0, 2.0, 4.0]);
        all.iter().for_each(|sample| waits.record(*sample));
        let mut out = Exposition::new();
        out.histogram(&WAIT, &["cold"], Some(&waits));
        let lines = samples(&out.finish());
        let buckets: Vec<u64> = lines[..5].iter().map(|line| line.value.parse().expect("a count")).collect();
        prop_assert!(buckets.is_sorted());
        for (bucket, bound) in buckets.iter().zip([0.5, 1.0, 2.0, 4.0, f64::INFINITY]) {
            prop_assert_eq!(*bucket, all.iter().filter(|sample| **sample <= bound).count() as u64);
        }
        prop_assert_eq!(&lines[6].value, &buckets[4].to_string());
    }
}
