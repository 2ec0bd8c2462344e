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
    #[arg(long, value_name = "TP,SL", value_parser = parse_bracket)]
    bracket: Option<Bracket>,
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

/// Where to take the profit, and where to stop the loss.
#[derive(Clone, Debug)]
struct Bracket {
    take_profit: String,
    stop_loss: String,
}

fn parse_bracket(text: &str) -> Result<Bracket, String> {
    match text.split_once(',') {
        Some((take_profit, stop_loss)) if !stop_loss.contains(',') => {
            Ok(Bracket { take_profit: take_profit.trim().to_owned(), stop_loss: stop_loss.trim().to_owned() })
        }
        _ => Err(format!("`{text}` is not two prices, such as 45000,41000")),
    }
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
            take_profit: self.bracket.as_ref().map(|bracket| bracket.take_profit.clone()),
            stop_loss: self.bracket.as_ref().map(|bracket| bracket.stop_loss.clone()),
        }
    }
}
