use proptest::prelude::*;

use super::*;

const MATCH: &str = r#"{"type":"match","trade_id":1087540758,"maker_order_id":"5b268d37-559d-4b16-935c-3854d4cf956d","taker_order_id":"b281704b-3d2e-4631-bc49-75ca291b445b","side":"buy","size":"0.00000009","price":"77572.87","product_id":"BTC-USD","sequence":135437581854,"time":"2026-09-02T07:44:10.104422Z"}"#;
const TICKER: &str = r#"{"type":"ticker","sequence":135437581854,"product_id":"BTC-USD","price":"77572.87","open_24h":"78609.92","volume_24h":"7336.73471395","low_24h":"76366.12","high_24h":"78635.01","volume_30d":"209162.21626191","best_bid":"77572.87","best_bid_size":"0.00009686","best_ask":"77575.85","best_ask_size":"0.04350000","side":"sell","time":"2026-09-02T07:44:10.104422Z","trade_id":1087540758,"last_size":"0.00000009"}"#;
const HEARTBEAT: &str = r#"{"type":"heartbeat","last_trade_id":278953096,"product_id":"ETH-USD","sequence":29716844241,"time":"2022-05-20T21:22:34.751219Z"}"#;
const RECEIVED: ReceivedTime = ReceivedTime::from_nanos(7);

fn read(frame: &str) -> Result<Message, Refusal> {
    decode(frame.as_bytes(), Source::Live, RECEIVED)
}

fn refusal(frame: &str) -> String {
    read(frame).expect_err(frame).to_string()
}

#[test]
fn a_trade_is_the_takers_and_not_the_makers() {
    let Ok(Message::Trade { tick, rounded: false }) = read(MATCH) else { panic!("{:?}", read(MATCH)) };
    let trade = tick.trade().expect("a trade");
    assert_eq!(trade.taker_side, Some(Side::Sell));
    assert_eq!(
        (trade.trade_id, trade.price.to_string(), trade.size.units()),
        (TradeId(1_087_540_758), "77572.87".into(), 9)
    );
    assert_eq!((tick.pair.as_str(), tick.sequence, tick.received_time), ("BTC-USD", 135_437_581_854, RECEIVED));
    assert_eq!(tick.event_time.to_string(), "2026-09-02T07:44:10.104422Z");
    assert!(matches!(read(&MATCH.replace("match", "last_match")), Ok(Message::History { .. })));
}

#[test]
fn a_quote_keeps_what_the_venue_said_and_invents_nothing() {
    let Ok(Message::Quote { tick, last_trade, rounded: false }) = read(TICKER) else { panic!("{:?}", read(TICKER)) };
    let TickKind::Quote(quote) = tick.kind else { panic!("no quote") };
    assert_eq!(last_trade, Some(TradeId(1_087_540_758)));
    assert_eq!((quote.best_bid.to_string(), quote.best_ask.to_string()), ("77572.87".into(), "77575.85".into()));
    assert_eq!((quote.bid_size.map(|s| s.units()), quote.ask_size.map(|s| s.units())), (Some(9_686), Some(4_350_000)));
    assert_eq!(quote.open_24h.map(|p| p.to_string()).as_deref(), Some("78609.92"));

    let old =
        TICKER.replace(r#""best_bid_size":"0.00009686","#, "").replace(r#""open_24h":"78609.92""#, r#""open_24h":"0""#);
    let Ok(Message::Quote { tick: Tick { kind: TickKind::Quote(quote), .. }, .. }) = read(&old) else { panic!() };
    assert_eq!((quote.bid_size, quote.open_24h), (None, None));
}

#[test]
fn the_rest_of_the_feed_is_told_apart() {
    let pair = "ETH-USD".parse().expect("a pair");
    let time = EventTime::parse("2022-05-20T21:22:34.751219Z").expect("a time");
    assert_eq!(read(HEARTBEAT), Ok(Message::Heartbeat { pair, last_trade_id: TradeId(278_953_096), time }));
    assert!(matches!(read(r#"{"type":"subscriptions","channels":[{"name":"matches"}]}"#), Ok(Message::Control { .. })));
    let error = read(r#"{"type":"error","message":"Failed to subscribe","reason":"a \"quoted\" reason"}"#);
    let said = Message::VenueError { message: "Failed to subscribe".into(), reason: "a \"quoted\" reason".into() };
    assert_eq!(error, Ok(said));
    for (frame, kind) in [
        (
            r#"{"type":"l2update","product_id":"ETH-USD","changes":[["buy","1","2"]],"time":"2026-09-30T02:03:12Z"}"#,
            "l2update",
        ),
        (r#"{"type":"status","time":12,"sequence":"seven"}"#, "status"),
    ] {
        assert_eq!(read(frame), Ok(Message::Ignored { kind: kind.into() }));
    }
}

#[test]
fn no_impossible_number_reaches_the_journal() {
    for (field, text, says) in [
        ("price", "NaN", "price `NaN` is not a decimal number"),
        ("price", "Infinity", "price `Infinity` is not a decimal number"),
        ("price", "0", "price `0` is zero"),
        ("price", "0.000000001", "price `0.000000001` is zero"),
        ("price", "-1", "price `-1` is negative"),
        ("price", "", "price `` is empty"),
        ("price", "1e308", "price `1e308` is too large"),
        ("price", "92233720368.54775808", "price `92233720368.54775808` is too large"),
        ("size", "-0.1", "size `-0.1` is negative"),
        ("size", "0.0", "size `0.0` is zero"),
        ("side", "both", "side `both` is neither buy nor sell"),
        ("time", "yesterday", "time `yesterday` is not a time"),
        ("time", "2026-13-02T07:44:10Z", "time `2026-13-02T07:44:10Z` is not a time"),
        ("product_id", "<script>", "product_id `<script>` is not a pair"),
    ] {
        let start = MATCH.find(&format!("\"{field}\":\"")).expect(field) + field.len() + 4;
        let end = start + MATCH[start..].find('"').expect("a quote");
        let frame = format!("{}{text}{}", &MATCH[..start], &MATCH[end..]);
        assert!(refusal(&frame).starts_with(says), "{field} {text:?}: {}", refusal(&frame));
    }
    for field in ["best_bid", "best_ask", "best_bid_size", "price"] {
        let at = TICKER.find(&format!("\"{field}\":\"")).expect(field) + field.len() + 4;
        assert!(read(&format!("{}-{}", &TICKER[..at], &TICKER[at..])).is_err(), "a negative {field}");
    }
}

#[test]
fn digits_beyond_the_eighth_are_rounded_and_counted() {
    let Ok(Message::Trade { tick, rounded: true }) = read(&MATCH.replace("77572.87", "77572.870000015")) else {
        panic!()
    };
    assert_eq!(tick.trade().expect("a trade").price.to_string(), "77572.87000002");
}

#[test]
fn a_malformed_frame_is_refused_with_a_reason_and_nothing_worse() {
    for (frame, says) in [
        ("", "not a frame of JSON"),
        ("null", "not a frame of JSON"),
        ("[]", "not a frame of JSON"),
        ("{}", "it has no type"),
        (r#"{"type":null}"#, "it has no type"),
        (r#"{"channel":"ticker","events":[]}"#, "a frame of Coinbase Advanced Trade"),
        (r#"{"type":"match","type":"match"}"#, "not a frame of JSON"),
        (r#"{"type":"match","trade_id":-1}"#, "not a frame of JSON"),
        (r#"{"type":"match","trade_id":99999999999999999999}"#, "not a frame of JSON"),
        (r#"{"type":"match","trade_id":1,"price":77572.87}"#, "not a frame of JSON"),
        (r#"{"type":"match"}"#, "a match without trade_id"),
        (r#"{"type":"heartbeat","last_trade_id":1}"#, "a heartbeat without product_id"),
    ] {
        assert!(refusal(frame).starts_with(says), "{frame}: {}", refusal(frame));
    }
    assert!(refusal(&format!("{MATCH}{MATCH}")).starts_with("not a frame of JSON"), "two in one");
    for cut in 0..MATCH.len() {
        assert!(read(&MATCH[..cut]).is_err(), "cut after {cut} bytes");
    }
    for deep in [
        "[".repeat(200_000),
        r#"{"a":"#.repeat(100_000),
        format!(r#"{{"type":"match","price":{}"#, "[".repeat(500_000)),
    ] {
        assert!(read(&deep).is_err());
    }
    let long = format!(r#"{{"type":"match","price":"{}"}}"#, "1".repeat(LONGEST_FRAME));
    assert!(refusal(&long).contains("1 MiB"));
    let mut latin = MATCH.as_bytes().to_vec();
    let inside_ignored = MATCH.find("5b268d37").expect("an order id");
    latin[inside_ignored] = 0xe9;
    assert_eq!(decode(&latin, Source::Live, RECEIVED), Err(Refusal::NotText));
}

#[test]
fn importing_a_frame_without_a_receive_time_is_repeatable() {
    let Ok(Message::Trade { tick, .. }) = decode(MATCH.as_bytes(), Source::Sample, RECEIVED_UNKNOWN) else { panic!() };
    assert_eq!(tick.received_time.nanos(), tick.event_time.nanos());
}

proptest! {
    #[test]
    fn no_bytes_bring_the_feed_down(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode(&bytes, Source::Live, RECEIVED);
    }

    #[test]
    fn no_damage_to_a_real_frame_makes_an_impossible_trade(
        which in 0usize..3,
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = [MATCH, TICKER, HEARTBEAT][which].as_bytes().to_vec();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        match decode(&bytes, Source::Live, RECEIVED) {
            Ok(Message::Trade { tick, .. } | Message::History { tick, .. }) => {
                let trade = tick.trade().expect("a trade");
                prop_assert!(trade.price > Price::ZERO && trade.size > Quantity::ZERO);
            }
            Ok(Message::Quote { tick: Tick { kind: TickKind::Quote(quote), .. }, .. }) => {
                prop_assert!(quote.best_bid > Price::ZERO && quote.best_ask > Price::ZERO);
            }
            Ok(_) => {}
            Err(refusal) => prop_assert!(!refusal.to_string().is_empty() && refusal.to_string().len() < 400),
        }
    }
}
