//! The account of a replay: asked and told as the live one is, and kept as a session.

use std::collections::BTreeMap;

use super::decisions::Wanted;
use super::{Answer, Refusal, Request, TradingFrame, told, views};
use crate::api::ApiError;
use crate::api::comparison::Subjects;
use crate::api::view::SessionRow;
use crate::domain::time::SECOND;
use crate::domain::{Action, DeskOutput, Pair, Reason, Side, TapeTime, time};
use crate::session::account::AccountTerms;
use crate::session::played::{Played, Row};
use crate::session::player::{Player, Way};

pub(in crate::api) fn ask(played: &mut Played, request: &Request, terms: &AccountTerms) -> Result<Answer, ApiError> {
    if let Some(action) = request.action()? {
        if played.player.is_seeking() {
            return Err(ApiError::refused("seeking", "The tape is still being read to there.", "Wait a moment."));
        }
        if let Action::Place(order) = action
            && order.side == Side::Buy
            && price_is_old(&played.player, order.pair)
        {
            return Ok(Answer::Refused(Refusal::of(Reason::StalePrice)));
        }
        return Ok(told(&played.act(action, terms)?));
    }
    let player = &played.player;
    if let Some(answer) = request.of_desk(player.desk(), player.market())? {
        return Ok(answer);
    }
    let deeds = player.deeds()?;
    Ok(match request {
        Request::Orders { all } => Answer::Orders(views::order_rows(&deeds, *all)),
        Request::Trades { limit } => Answer::Trades(newest(views::trade_rows(&deeds), *limit)),
        Request::Transfers { limit } => Answer::Transfers(newest(views::transfer_rows(&deeds), *limit)),
        Request::Decisions { pair, at, limit } => {
            let wanted = Wanted::parse(pair.as_deref(), at.as_deref(), *limit)?;
            let newest = deeds.iter().rev().filter_map(|deed| match deed.output {
                DeskOutput::Decision(decision) => Some(Ok(decision)),
                _ => None,
            });
            Answer::Decisions(wanted.of(newest)?)
        }
        other => unreachable!("{other:?} is told, or is answered by the desk alone"),
    })
}

/// Whether the price is too old at the moment of the deck. The account is told things at the place of the tape before it, and in a hole of the tape
/// that may be long ago.
fn price_is_old(player: &Player, pair: Pair) -> bool {
    let desk = player.desk();
    let since = player.moment().nanos().saturating_sub(desk.now().nanos()).max(0);
    let limit = i64::from(desk.settings().max_price_age_s).saturating_mul(SECOND);
    desk.price_age(pair).is_some_and(|age| age.saturating_add(since) > limit)
}

pub(in crate::api) fn frame(player: &Player, pair: Pair) -> TradingFrame {
    views::frame(player.desk(), player.market(), pair)
}

/// Two sessions, by their numbers, as far as either was played.
pub(in crate::api) fn subjects(played: &mut Played, first: u32, second: u32) -> Result<Subjects, ApiError> {
    let names: BTreeMap<u32, String> = sessions(played, true).into_iter().map(|row| (row.number, row.name)).collect();
    let subject = |number: u32, player: &mut Player| {
        let (name, way) = (names.get(&number), player.ways().get(number as usize));
        name.cloned()
            .zip(way.cloned())
            .ok_or_else(|| ApiError::refused("unknown_session", "There is no such session.", "Choose two of the list."))
    };
    let (first_name, first_way) = subject(first, &mut played.player)?;
    let (second_name, second_way) = subject(second, &mut played.player)?;
    let until = first_way.reached.at.max(second_way.reached.at);
    if until == TapeTime::default() {
        return Err(ApiError::refused("not_played", "Neither of them was played yet.", "Play one of them first."));
    }
    Ok(Subjects {
        tape: played.player.shared_tape(),
        numbers: [first, second],
        names: [first_name, second_name],
        ways: [first_way, second_way],
        until,
    })
}

/// With `beside_live` none of them is on the deck.
pub(in crate::api) fn sessions(played: &mut Played, beside_live: bool) -> Vec<SessionRow> {
    let on_deck = played.player.way();
    let placed = |way: &Way| way.commands.iter().filter(|c| matches!(c.action, Action::Place(_))).count();
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let clock = |at: TapeTime| time::format_clock(at.nanos());
    let row = |row: Row<'_>| {
        let Row { manifest, way, number } = row;
        let recorded = way.follows.is_some() && way.left.is_none();
        let unnamed = if recorded { "Live account" } else { "New account" };
        let played = way.reached.at != TapeTime::default();
        SessionRow {
            number: count(number),
            id: manifest.map(|manifest| manifest.id.clone()),
            name: manifest.map_or_else(|| unnamed.to_owned(), |manifest| manifest.name.clone()),
            left: way.left.map(|(left, _)| count(left)),
            left_at: way.left.map(|(_, at)| clock(at)),
            orders: way.follows.is_none().then(|| count(placed(way))),
            reached_at: played.then(|| clock(way.reached.at)),
            equity: played.then(|| way.reached.equity.to_string()),
            archived: manifest.is_some_and(|manifest| manifest.archived),
            on_deck: number == on_deck && !beside_live,
        }
    };
    played.rows().into_iter().map(row).collect()
}

fn newest<T>(mut rows: Vec<T>, limit: u32) -> Vec<T> {
    rows.drain(..rows.len().saturating_sub(limit as usize));
    rows
}
