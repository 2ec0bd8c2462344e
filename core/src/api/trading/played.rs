//! The account of a replay: asked and told as the live one is. It is kept as long as the player is.

use super::{Answer, Request, TradingFrame, told, views};
use crate::api::ApiError;
use crate::api::view::WayRow;
use crate::domain::{Action, Pair, TapeTime, time};
use crate::session::player::{Player, Way};

pub(in crate::api) fn ask(player: &mut Player, request: &Request) -> Result<Answer, ApiError> {
    if let Some(action) = request.action()? {
        if player.is_seeking() {
            return Err(ApiError::refused("seeking", "The tape is still being read to there.", "Wait a moment."));
        }
        return Ok(told(&player.act(action)));
    }
    if let Some(answer) = request.of_desk(player.desk(), player.market())? {
        return Ok(answer);
    }
    let deeds = player.deeds();
    Ok(match request {
        Request::Orders { all } => Answer::Orders(views::order_rows(&deeds, *all)),
        Request::Trades { limit } => Answer::Trades(newest(views::trade_rows(&deeds), *limit)),
        Request::Transfers { limit } => Answer::Transfers(newest(views::transfer_rows(&deeds), *limit)),
        other => unreachable!("{other:?} is told, or is answered by the desk alone"),
    })
}

pub(in crate::api) fn frame(player: &Player, pair: Pair) -> TradingFrame {
    views::frame(player.desk(), player.market(), pair)
}

pub(in crate::api) fn ways(player: &mut Player) -> Vec<WayRow> {
    let gone = player.way();
    let placed = |way: &Way| way.commands.iter().filter(|c| matches!(c.action, Action::Place(_))).count();
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let clock = |at: TapeTime| time::format_clock(at.nanos());
    let row = |(place, way): (usize, &Way)| WayRow {
        left: way.left.map(|(left, _)| number(left)),
        left_at: way.left.map(|(_, at)| clock(at)),
        orders: number(placed(way)),
        reached_at: clock(way.reached.at),
        equity: way.reached.equity.to_string(),
        gone: place == gone,
    };
    player.ways().iter().enumerate().map(row).collect()
}

fn newest<T>(mut rows: Vec<T>, limit: u32) -> Vec<T> {
    rows.drain(..rows.len().saturating_sub(limit as usize));
    rows
}
