//! The dashboards of Grafana.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tapedeck_core::metrics::names;

use super::{folder, list, promql, read, text, under, yaml};

/// What the first pipeline showed, and what a panel is called that shows it here.
const ORIGINAL: &[(&str, &[&str])] = &[
    (
        "live",
        &[
            "Price",
            "Spread",
            "24 h volume",
            "Price with bid and ask",
            "1-minute candles",
            "Socket state",
            "Throughput by pair",
            "All pairs",
        ],
    ),
    ("pipeline", &["Records/s into the hot tier", "Bytes/s into the hot tier", "Total into the hot tier"]),
    ("replay", &["Progress", "Speed", "Sent of total", "Throughput", "Pipeline in and out"]),
    (
        "patterns",
        &["Top similarity now", "Top similarity over time", "Index size", "Queries", "Annotations", "Buffer fill"],
    ),
    (
        "paper",
        &[
            "Equity",
            "Cash",
            "Trades",
            "Buys and sells",
            "Health",
            "Equity curve",
            "Position values",
            "Unrealised P&L",
            "Signal checks a minute",
            "Trade log",
        ],
    ),
];

/// By name, and what layer of notes each is: yellow, cyan, green, red.
const LAYERS: [(&str, &str); 4] =
    [("AI analyst", "analyst"), ("Pattern match", "pattern"), ("Buy", "buy"), ("Sell", "sell")];

const ENDPOINTS: [&str; 9] =
    ["candles", "signals", "latest", "trades", "positions", "audit", "health", "annotations", "killswitch"];

fn boards() -> BTreeMap<String, Value> {
    let files = std::fs::read_dir(folder().join("grafana/dashboards")).expect("the folder of dashboards");
    let boards = files.map(|file| {
        let path = file.expect("a file").path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        let board = serde_json::from_str(&read(&path)).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        (name, board)
    });
    boards.collect()
}

fn queries(board: &Value) -> Vec<&str> {
    let expressions = under(board, "expr").into_iter().chain(under(board, "definition"));
    expressions.map(text).collect()
}

#[test]
fn every_panel_of_the_first_pipeline_is_there() {
    let boards = boards();
    assert_eq!(
        boards.keys().map(String::as_str).collect::<Vec<_>>(),
        ["live", "paper", "patterns", "pipeline", "replay"]
    );
    for (name, panels) in ORIGINAL {
        let found: BTreeSet<&str> = list(&boards[*name]["panels"]).iter().map(|panel| text(&panel["title"])).collect();
        for panel in *panels {
            assert!(found.contains(panel), "{name} has no panel `{panel}`");
        }
    }
    for (name, layer) in LAYERS {
        let layers = list(&boards["live"]["annotations"]["list"]);
        let found = layers.iter().find(|found| found["name"] == name).unwrap_or_else(|| panic!("no layer {name}"));
        let url = text(&found["target"]["url"]);
        assert!(url.contains(&format!("layer={layer}")), "{name}: {url}");
        assert!(url.contains("pair=${pair}"), "{name} would be drawn on the chart of another pair: {url}");
    }
}

#[test]
fn what_is_drawn_is_measured_and_what_is_measured_is_drawn() {
    let mut drawn = BTreeSet::new();
    for (name, board) in boards() {
        for query in queries(&board) {
            drawn.extend(promql::check(&name, query));
        }
    }
    let rules = yaml(&folder().join("prometheus/rules/tapedeck.rules.yml"));
    for rule in under(&rules, "expr") {
        drawn.extend(promql::check("rules", text(rule)));
    }
    let forgotten: Vec<&str> = names::ALL
        .iter()
        .filter(|family| !family.series().iter().any(|series| drawn.contains(series)))
        .map(|family| family.name)
        .filter(|name| ![names::FEED_FRAMES.name, names::FEED_HELD.name].contains(name))
        .collect();
    assert!(forgotten.is_empty(), "on no dashboard and in no alert: {forgotten:?}");
}

#[test]
fn a_legend_names_labels_that_its_metrics_have() {
    for (name, board) in boards() {
        for target in under(&board, "targets").into_iter().flat_map(list) {
            let (Some(query), Some(legend)) = (target["expr"].as_str(), target["legendFormat"].as_str()) else {
                continue;
            };
            let asked = promql::named(query);
            let family = |series: &String| names::ALL.iter().find(|family| family.series().contains(series));
            let labels: BTreeSet<&str> = asked
                .iter()
                .filter_map(|named| family(&named.series))
                .flat_map(|family| family.labels)
                .copied()
                .collect();
            for label in legend.split("{{").skip(1).filter_map(|rest| Some(rest.split_once("}}")?.0)) {
                assert!(labels.contains(label), "{name}: {legend} of {query}");
            }
        }
    }
}

#[test]
fn every_source_a_panel_asks_is_provisioned() {
    let sources = yaml(&folder().join("grafana/provisioning/datasources/tapedeck.yaml"));
    let known: BTreeMap<&str, &str> =
        list(&sources["datasources"]).iter().map(|source| (text(&source["uid"]), text(&source["type"]))).collect();
    for (name, board) in boards() {
        let asked = under(&board, "datasource");
        assert!(!asked.is_empty());
        for source in asked {
            let (uid, kind) = (text(&source["uid"]), text(&source["type"]));
            assert_eq!(known.get(uid), Some(&kind), "{name} asks {source}");
        }
        for panel in list(&board["panels"]) {
            assert!(!list(&panel["targets"]).is_empty(), "{name}: {} asks nothing", panel["title"]);
        }
    }
}

#[test]
fn boards_have_their_own_names_and_panels_their_own_places() {
    let mut uids = BTreeSet::new();
    for (name, board) in boards() {
        assert!(uids.insert(text(&board["uid"]).to_owned()), "{name}");
        assert_eq!(board["timezone"], "utc", "{name}: times are of the tape");
        let (mut ids, mut taken) = (BTreeSet::new(), BTreeSet::new());
        for panel in list(&board["panels"]) {
            let title = text(&panel["title"]);
            assert!(ids.insert(panel["id"].as_u64().expect("an id")), "{name}: the id of {title} is another's");
            let place = |key: &str| panel["gridPos"][key].as_u64().expect("a place");
            let (x, y, w, h) = (place("x"), place("y"), place("w"), place("h"));
            assert!(w > 0 && h > 0 && x + w <= 24, "{name}: {title} is outside");
            for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                assert!(taken.insert(cell), "{name}: {title} lies on another panel");
            }
        }
    }
}

#[test]
fn the_desk_answers_what_the_dashboards_ask() {
    let written = read(&folder().join("README.md"));
    let mut asked = BTreeSet::new();
    for (name, board) in boards() {
        for url in under(&board, "url").into_iter().map(text).filter(|url| !url.is_empty()) {
            let endpoint = url.strip_prefix("/api/").unwrap_or_else(|| panic!("{name} asks {url}"));
            let endpoint = endpoint.split(['/', '?']).next().expect("a first part");
            assert!(ENDPOINTS.contains(&endpoint), "{name} asks {url}");
            asked.insert(endpoint.to_owned());
        }
        for target in under(&board, "targets").into_iter().flat_map(list).chain(under(&board, "target")) {
            let Some(url) = target["url"].as_str() else { continue };
            let endpoint = url.split(['?', '/']).nth(2).expect("/api/x");
            let row = written.lines().find(|line| line.starts_with(&format!("| `/api/{endpoint}")));
            let row = row.unwrap_or_else(|| panic!("README.md does not say what /api/{endpoint} answers"));
            for column in list(&target["columns"]) {
                let column = text(&column["selector"]);
                assert!(row.contains(&format!("`{column}`")), "README.md: /api/{endpoint} has no {column}");
            }
        }
    }
    assert_eq!(asked, ENDPOINTS.map(str::to_owned).into());
}
