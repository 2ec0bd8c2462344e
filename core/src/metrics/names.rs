//! Every metric: its name, its kind, its labels and what it says.

/// How Prometheus is to read the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, and begins at zero when the program starts.
    Counter,
    Gauge,
    /// `_bucket`, `_sum` and `_count` of a name.
    Histogram,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric. Its samples have a value for each of the labels, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    pub name: &'static str,
    pub kind: Kind,
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

impl Family {
    /// The names its samples have: its own, or the three of a histogram.
    pub fn series(&self) -> Vec<String> {
        match self.kind {
            Kind::Counter | Kind::Gauge => vec![self.name.to_owned()],
            Kind::Histogram => ["_bucket", "_sum", "_count"].map(|end| format!("{}{end}", self.name)).to_vec(),
        }
    }
}

macro_rules! families {
    ($($constant:ident: $kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(
            #[doc = $help]
            pub const $constant: Family =
                Family { name: $name, kind: Kind::$kind, labels: &[$($label),*], help: $help };
        )*

        /// All of them, in the order they are written.
        pub const ALL: &[Family] = &[$($constant),*];
    };
}

families! {
    BUILD_INFO: Gauge "tapedeck_build_info" ["version", "engine_version"] "Always 1; the labels say what runs.";
    PROCESS_START: Gauge "process_start_time_seconds" [] "When the program started, in seconds since 1970 UTC.";
    PROCESS_CPU: Counter "process_cpu_seconds_total" [] "Processor time used, of user and system.";
    PROCESS_MEMORY: Gauge "process_resident_memory_bytes" [] "Memory that is resident.";
    DISK_FREE: Gauge "tapedeck_disk_free_bytes" [] "Left for the user on the disk of the data directory.";
    DISK_SIZE: Gauge "tapedeck_disk_size_bytes" [] "Size of the disk of the data directory.";

    FEED_CONNECTED: Gauge "tapedeck_feed_connected" [] "1 while the feed is connected, 0 while it is not.";
    FEED_AGE: Gauge "tapedeck_feed_age_seconds" [] "Since anything came by the feed, heartbeats included.";
    FEED_RECONNECTS: Counter "tapedeck_feed_reconnects_total" [] "Connections after the first.";
    FEED_FRAMES: Counter "tapedeck_feed_frames_total" [] "Frames of the feed; the sum of all kinds of messages and of what is held.";
    FEED_HELD: Gauge "tapedeck_feed_held_frames" [] "1 while a frame waits for the next one to say whether its time can be true.";
    FEED_MESSAGES: Counter "tapedeck_feed_messages_total" ["kind"] "Frames of the feed, by what became of each; duplicates and quarantined ones too.";
    FEED_LATE: Counter "tapedeck_feed_late_total" [] "Trades that were taken after their minute had closed.";
    FEED_GAPS: Counter "tapedeck_feed_gaps_total" [] "Runs of trades that were found missing.";
    FEED_OPEN_GAPS: Gauge "tapedeck_feed_open_gaps" [] "Runs of trades that are missing now.";
    FEED_MISSING: Gauge "tapedeck_feed_missing_trades" [] "Trades that are missing now.";

    MARKET_TICKS: Counter "tapedeck_market_ticks_total" ["pair"] "Trades and quotes taken.";
    MARKET_PRICE: Gauge "tapedeck_market_price" ["pair"] "Of the last trade, in the asset the pair is quoted in.";
    MARKET_BID: Gauge "tapedeck_market_best_bid" ["pair"] "Best bid, in the asset the pair is quoted in.";
    MARKET_ASK: Gauge "tapedeck_market_best_ask" ["pair"] "Best ask, in the asset the pair is quoted in.";
    MARKET_SPREAD: Gauge "tapedeck_market_spread" ["pair"] "Best ask less best bid, in the asset the pair is quoted in.";
    MARKET_VOLUME: Gauge "tapedeck_market_volume_24h" ["pair"] "Traded in 24 hours as the venue says, in the asset that is traded.";
    MARKET_PRICE_AGE: Gauge "tapedeck_market_price_age_seconds" ["pair"] "Tape time since the newest trade or quote of the pair.";

    SPINE_CONNECTED: Gauge "tapedeck_spine_connected" [] "1 while the Iggy server answers, 0 while it does not; absent where none is configured.";
    SPINE_PUBLISHED: Counter "tapedeck_spine_published_total" ["topic"] "Messages the server has acknowledged.";
    SPINE_CONSUMED: Counter "tapedeck_spine_consumed_total" ["topic"] "Messages read, duplicates included.";
    SPINE_DUPLICATES: Counter "tapedeck_spine_duplicates_total" ["topic"] "Messages read that were known already.";
    SPINE_WAITING: Gauge "tapedeck_spine_waiting_messages" [] "Messages the server has not acknowledged yet.";

    JOURNAL_RECORDS: Counter "tapedeck_journal_records_total" [] "Inputs synced to disk.";
    JOURNAL_ACK: Histogram "tapedeck_journal_ack_seconds" [] "From an input to its sync.";
    JOURNAL_SIZE: Gauge "tapedeck_journal_size_bytes" [] "Of the journal on disk.";
    JOURNAL_SEQ: Gauge "tapedeck_journal_last_seq" [] "Place of the newest input that is synced.";
    JOURNAL_FAILED: Gauge "tapedeck_journal_failed" [] "1 when the journal takes nothing any more.";

    ENGINE_TICKS: Counter "tapedeck_engine_ticks_total" [] "Trades and quotes stepped on.";
    ENGINE_CANDLES: Counter "tapedeck_engine_candles_total" [] "Minutes closed for the first time.";
    ENGINE_REVISIONS: Counter "tapedeck_engine_revisions_total" [] "Closed minutes that a late trade changed.";
    ENGINE_SEQ: Gauge "tapedeck_engine_seq" [] "Place of the newest input that was stepped on.";
    ENGINE_TAPE_TIME: Gauge "tapedeck_engine_tape_timestamp_seconds" [] "Tape time of the live lane, in seconds since 1970 UTC.";

    TIER_THROUGH: Gauge "tapedeck_tier_through_seq" ["tier"] "Place of the newest input a tier holds.";
    TIER_LAG: Gauge "tapedeck_tier_lag_seconds" ["tier"] "Since a tier held all that the journal has; 0 while it does.";
    TIER_ROWS: Gauge "tapedeck_tier_rows" ["tier"] "Rows a tier holds.";
    TIER_SIZE: Gauge "tapedeck_tier_size_bytes" ["tier"] "What a tier takes of the disk, or of memory.";
    TIER_SNAPSHOTS: Gauge "tapedeck_tier_snapshots" ["tier"] "States of a tier that can still be read.";
    TIER_ROWS_WRITTEN: Counter "tapedeck_tier_written_rows_total" ["tier"] "Rows written to a tier.";
    TIER_BYTES_WRITTEN: Counter "tapedeck_tier_written_bytes_total" ["tier"] "Bytes written to a tier, without rewrites.";
    TIER_COMMITS: Counter "tapedeck_tier_commits_total" ["tier"] "Commits to a tier.";
    TIER_COMMIT: Histogram "tapedeck_tier_commit_seconds" ["tier"] "From the first row of a commit to its end.";
    TIER_FAILED: Gauge "tapedeck_tier_failed" ["tier"] "1 when the last try to carry inputs to a tier failed.";

    PATTERNS_KNOWN: Gauge "tapedeck_patterns_known" [] "Hours that can be looked up.";
    PATTERNS_ADDED: Counter "tapedeck_patterns_added_total" [] "Hours that were added.";
    PATTERNS_WITHDRAWN: Counter "tapedeck_patterns_withdrawn_total" [] "Hours that a corrected candle withdrew.";
    PATTERNS_SEARCH: Histogram "tapedeck_patterns_search_seconds" [] "From a question to the hours that look alike.";
    PATTERNS_MATCHES: Counter "tapedeck_patterns_matches_total" ["pair"] "Minutes for which a known hour reached the similarity an entry asks for.";
    PATTERNS_SIMILARITY: Gauge "tapedeck_patterns_top_similarity_ratio" ["pair"] "Of the nearest hour to the last one, 0 to 1.";
    PATTERNS_BUFFER: Gauge "tapedeck_patterns_buffer_candles" ["pair"] "Closed minutes in a row, of the 60 that a question needs.";

    ANALYST_NOTES: Counter "tapedeck_analyst_notes_total" ["author", "outcome"] "Notes asked for, by who wrote and what came of it.";
    ANALYST_LATENCY: Histogram "tapedeck_analyst_note_seconds" ["author"] "From the question to the whole answer.";
    ANALYST_MODEL: Gauge "tapedeck_analyst_model_info" ["model"] "Always 1; the model that is asked.";

    CONSENSUS_ON: Gauge "tapedeck_consensus_enabled" [] "1 while votes trade.";
    CONSENSUS_DECISIONS: Counter "tapedeck_consensus_decisions_total" ["verdict"] "Decisions, one for each closed minute of a pair.";

    RISK_STATE: Gauge "tapedeck_risk_state" ["state"] "1 for the state the gate is in, 0 for the others.";
    RISK_TRIPPED: Gauge "tapedeck_risk_tripped" [] "1 when the breaker has tripped and nobody has said to go on.";
    RISK_DRAWDOWN: Gauge "tapedeck_risk_drawdown_ratio" [] "Loss since the day's highest marked equity, as a share of it.";
    RISK_BLOCKED: Counter "tapedeck_risk_blocked_total" ["rule"] "Entries refused, by the rule.";

    LEDGER_TRANSFERS: Counter "tapedeck_ledger_transfers_total" [] "Transfers posted since the program started.";
    LEDGER_HEAD: Gauge "tapedeck_ledger_head_transfers" [] "Transfers in the chain.";
    LEDGER_EQUITY: Gauge "tapedeck_ledger_equity_usd" [] "Cash and positions at their marks.";
    LEDGER_CASH: Gauge "tapedeck_ledger_cash_usd" [] "Cash, what orders have reserved included.";
    LEDGER_FEES: Gauge "tapedeck_ledger_fees_usd" [] "Fees paid in the life of the account.";
    LEDGER_PROFIT: Gauge "tapedeck_ledger_realised_usd" [] "Profit of what was sold, in the life of the account, by average cost.";
    LEDGER_POSITION: Gauge "tapedeck_ledger_position" ["pair"] "Held, in the asset that is traded.";
    LEDGER_POSITION_VALUE: Gauge "tapedeck_ledger_position_value_usd" ["pair"] "Of a position at its mark.";
    LEDGER_UNREALISED: Gauge "tapedeck_ledger_unrealised_usd" ["pair"] "Profit of a position at its mark.";
    LEDGER_TRADES: Counter "tapedeck_ledger_trades_total" ["pair", "side"] "Fills since the program started.";

    RECONCILE_DRIFT: Gauge "tapedeck_reconcile_drift" ["asset"] "Ledger less tables, in the asset; anything but 0 is wrong.";
    RECONCILE_FINDINGS: Gauge "tapedeck_reconcile_findings" [] "Differences the last comparison found.";
    RECONCILE_RUN: Gauge "tapedeck_reconcile_run_timestamp_seconds" [] "When the books were last compared, in seconds since 1970 UTC.";

    REPLAY_PLAYING: Gauge "tapedeck_replay_playing" [] "1 while a replay plays, 0 while it is paused; absent without one.";
    REPLAY_PROGRESS: Gauge "tapedeck_replay_progress_ratio" [] "Of the range that is played, 0 to 1.";
    REPLAY_SPEED: Gauge "tapedeck_replay_speed_ratio" [] "Tape time for each second asked for; +Inf is as fast as it can.";
    REPLAY_PLAYED: Counter "tapedeck_replay_played_total" [] "Inputs played.";
    REPLAY_RANGE: Gauge "tapedeck_replay_range_inputs" [] "Inputs in the range that is played.";
    REPLAY_POSITION: Gauge "tapedeck_replay_position_inputs" [] "Inputs of the range that lie behind the cursor.";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn is_name(text: &str) -> bool {
        text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    }

    #[test]
    fn names_are_once_and_by_the_convention() {
        let mut seen = BTreeSet::new();
        for family in ALL {
            let name = family.name;
            assert!(family.series().into_iter().all(|series| seen.insert(series)), "{name} is there twice");
            assert!(is_name(name) && family.labels.iter().all(|label| is_name(label)), "{name}");
            assert!(name.starts_with("tapedeck_") || name.starts_with("process_"), "{name}");
            assert_eq!(name.ends_with("_total"), family.kind == Kind::Counter, "{name}");
            assert!(!["_bucket", "_sum", "_count"].iter().any(|end| name.ends_with(end)), "{name}");
            assert!(!family.labels.contains(&"le") || family.kind != Kind::Histogram, "{name}: `le` is the bucket's");
            assert!(family.help.ends_with('.') && !family.help.contains('\n'), "{name}");
            for unit in ["milliseconds", "_ms", "minutes", "kilobytes", "percent", "_pct"] {
                assert!(!name.contains(unit), "{name} is not in a base unit");
            }
        }
    }
}
