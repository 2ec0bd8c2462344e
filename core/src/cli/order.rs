use clap::Args;

use super::trading::fresh_id;
use crate::api::trading::OrderRequest;

/// A market order, unless a price or a trail says otherwise.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[arg(value_parser = ["buy", "sell"])]
    side: String,
    /// Such as BTC-USD
    pair: String,
    /// Of the base asset, such as 0.05
    qty: String,
    /// At this price or better
    #[arg(long, value_name = "P")]
    limit: Option<String>,
    /// Once a trade prints at or beyond this; with --limit a stop-limit order
    #[arg(long, value_name = "P")]
    stop: Option<String>,
    /// With --limit and --stop: two orders, of which one takes what the other leaves
    #[arg(long, requires = "limit", requires = "stop")]
    oco: bool,
    /// A stop that follows the price at this distance, or share such as 1.5%
    #[arg(long, value_name = "D", conflicts_with_all = ["limit", "stop"])]
    trail: Option<String>,
    /// Take-profit and stop-loss for what fills, such as 45000,41000
    #[arg(long, value_name = "TP,SL", value_delimiter = ',', num_args = 2)]
    bracket: Vec<String>,
    #[arg(long, value_parser = ["gtc", "ioc", "fok", "gtd"])]
    tif: Option<String>,
    /// For gtd
    #[arg(long, value_name = "T")]
    until: Option<String>,
    #[arg(long)]
    reduce_only: bool,
    #[arg(long)]
    post_only: bool,
    /// A name: given again it is the same order
    #[arg(long)]
    id: Option<String>,
}

impl Arguments {
    pub(super) fn request(&self) -> OrderRequest {
        let kind = match (&self.limit, &self.stop, &self.trail) {
            (_, _, Some(_)) => "trailing_stop",
            (Some(_), Some(_), None) if self.oco => "oco",
            (Some(_), Some(_), None) => "stop_limit",
            (Some(_), None, None) => "limit",
            (None, Some(_), None) => "stop",
            (None, None, None) => "market",
        };
        let mut exits = self.bracket.iter().cloned();
        OrderRequest {
            id: self.id.clone().unwrap_or_else(|| fresh_id("order")),
            pair: self.pair.clone(),
            side: self.side.clone(),
            r#type: kind.to_owned(),
            qty: self.qty.clone(),
            limit: self.limit.clone(),
            stop: self.stop.clone(),
            trail: self.trail.clone(),
            tif: self.tif.clone(),
            until: self.until.clone(),
            reduce_only: self.reduce_only,
            post_only: self.post_only,
            take_profit: exits.next(),
            stop_loss: exits.next(),
        }
    }
}
