//! The compose file and the unit of systemd.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use super::{folder, list, read, text, under, yaml};
use crate::support::skipped;

fn services() -> Vec<(String, Value)> {
    let compose = yaml(&folder().join("compose.yaml"));
    let services = compose["services"].as_object().expect("services").clone();
    services.into_iter().collect()
}

#[test]
fn nothing_listens_beyond_this_machine_and_nothing_changes_by_itself() {
    for (name, service) in services() {
        let image = text(&service["image"]);
        let tag =
            image.rsplit_once(':').map(|(_, tag)| tag).unwrap_or_else(|| panic!("{name}: {image} has no version"));
        assert!(tag.chars().any(|c| c.is_ascii_digit()) && tag != "latest", "{name}: {image} is not pinned");
        for port in service.get("ports").map(list).unwrap_or_default() {
            assert!(text(port).starts_with("127.0.0.1:"), "{name} listens on {port}");
        }
        if service["network_mode"] == "host" {
            let settings = service.to_string();
            assert!(
                settings.contains("127.0.0.1:9090") || settings.contains(r#""GF_SERVER_HTTP_ADDR":"127.0.0.1""#),
                "{name}"
            );
        }
        let profiles = list(&service["profiles"]);
        assert!(profiles == ["watch"] || profiles == ["wide"], "{name} would start unasked");
    }
}

#[test]
fn every_part_is_there_and_waits_for_what_it_needs() {
    let services = services();
    let names: BTreeSet<&str> = services.iter().map(|(name, _)| name.as_str()).collect();
    for part in [
        "iggy",
        "flink-jobmanager",
        "flink-taskmanager",
        "fluss-coordinator",
        "fluss-tablet",
        "zookeeper",
        "prometheus",
        "grafana",
        "minio",
        "iceberg-rest",
    ] {
        assert!(names.contains(part), "{part} is missing");
    }
    let compose = yaml(&folder().join("compose.yaml"));
    let volumes = compose["volumes"].as_object().expect("volumes");
    for (name, service) in &services {
        let needed: Vec<&str> = match &service["depends_on"] {
            Value::Array(names) => names.iter().map(text).collect(),
            Value::Object(names) => names.keys().map(String::as_str).collect(),
            _ => Vec::new(),
        };
        assert!(needed.iter().all(|needed| names.contains(needed)), "{name} waits for {needed:?}");
        for mount in service.get("volumes").map(list).unwrap_or_default() {
            let from = text(mount).split(':').next().expect("a first part");
            let there = if from.starts_with("./") { folder().join(from).exists() } else { volumes.contains_key(from) };
            assert!(there, "{name} mounts {from}, which is not there");
        }
    }
}

#[test]
fn grafana_is_given_what_its_provisioning_names() {
    let (_, grafana) = services().into_iter().find(|(name, _)| name == "grafana").expect("Grafana");
    let given = grafana["environment"].as_object().expect("an environment");
    let sources = read(&folder().join("grafana/provisioning/datasources/tapedeck.yaml"));
    let named: BTreeSet<&str> = sources.split("${").skip(1).map(|rest| rest.split_once('}').expect("}").0).collect();
    assert_eq!(named.len(), 3);
    for name in named {
        assert!(given.contains_key(name), "{name} is not given");
    }
    let provider = yaml(&folder().join("grafana/provisioning/dashboards/tapedeck.yaml"));
    let path = text(under(&provider, "path")[0]).to_owned();
    assert!(list(&grafana["volumes"]).iter().any(|mount| text(mount).contains(&path)), "{path} is not mounted");

    let targets = yaml(&folder().join("prometheus/targets/tapedeck.yml"));
    let target = text(&targets[0]["targets"][0]).to_owned();
    assert_eq!(given["TAPEDECK_API"], format!("http://{target}"), "Prometheus and Grafana ask different desks");
}

#[test]
fn jobs_find_the_servers_that_the_compose_file_starts() {
    let names: BTreeSet<String> = services().into_iter().map(|(name, _)| name).collect();
    let files = ["sources.sql", "lakehouse.sql", "hot.sql", "clearing_house.sql"];
    let sql: String = files.map(|name| read(&folder().join("flink").join(name))).concat();
    for line in sql.lines().filter(|line| !line.starts_with("--")) {
        let Some((key, value)) = line.trim().trim_end_matches(',').split_once(" = ") else { continue };
        if ["'host'", "'uri'", "'s3.endpoint'", "'bootstrap.servers'"].contains(&key) {
            let host = value.trim_matches('\'').trim_start_matches("http://").split(':').next().expect("a host");
            assert!(names.contains(host), "no service is called {host}: {line}");
        }
    }
}

#[test]
fn systemd_takes_the_unit() {
    let unit = read(&folder().join("systemd/tapedeck-record.service"));
    assert!(unit.contains("\nExecStart=/usr/bin/tapedeck record\n"));
    for wanted in ["NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=\n", "StateDirectory=tapedeck"]
    {
        assert!(unit.contains(wanted), "the unit lacks {wanted}");
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("tapedeck-record.service");
    // It looks for the program, which is installed on no machine that builds it.
    std::fs::write(&path, unit.replace("/usr/bin/tapedeck record", "/bin/true record")).expect("written");
    let test = "systemd_takes_the_unit";
    match Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&path).output() {
        Err(error) => skipped(test, &format!("systemd-analyze: {error}")),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && !said.contains("tapedeck-record"), "{said}");
        }
    }
}
