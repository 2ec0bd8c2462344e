use super::*;
use crate::domain::time::{MINUTE, SECOND};
use crate::domain::{Amount, Settings, Thresholds};
use crate::session::sample::SampleTape;

fn terms() -> AccountTerms {
    let opening_deposit = Amount::from_units(100_000 * i128::from(crate::domain::money::ONE));
    AccountTerms::new(opening_deposit, Settings::default(), &BTreeMap::new(), Thresholds::default())
}

fn wait_for_index(player: &mut Player) {
    while !lock(&player.index).complete {
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn going_back_and_forward_again_gives_the_same_market() {
    let tape = sample();
    let at = Instant::now();
    let mut player = Player::new(Arc::clone(&tape), &terms(), at).expect("a tape");
    wait_for_index(&mut player);
    let moment = |minutes: i64| TapeTime::from_nanos(tape.from().nanos() + minutes * MINUTE + 7 * SECOND);
    player.seek(moment(700), at);
    arrive(&mut player, at);
    let (hash, ticks) = (player.market().hash(), player.trades());
    for minutes in [3, 1_439, 699, 701, 0] {
        player.seek(moment(minutes), at);
    }
    player.seek(moment(700), at);
    arrive(&mut player, at);
    assert_eq!((player.market().hash(), player.trades()), (hash.clone(), ticks));

    let (mut straight, mut outputs) = (Market::default(), Vec::new());
    for input in tape.read(Seq(0)).expect("a tape") {
        let input = input.expect("whole");
        if input.tape_time > moment(700) {
            break;
        }
        straight.step(&input, &mut outputs);
    }
    assert_eq!(straight.hash(), hash, "a seek and a straight run differ");
}

#[test]
fn nothing_after_the_cursor_is_shown() {
    let tape = sample();
    let at = Instant::now();
    let mut player = Player::new(Arc::clone(&tape), &terms(), at).expect("a tape");
    wait_for_index(&mut player);
    let pair = "BTC-USD".parse().expect("a pair");
    player.seek(TapeTime::from_nanos(tape.from().nanos() + 90 * MINUTE), at);
    arrive(&mut player, at);
    let shown = player.minutes(pair, EventTime::from_nanos(0), EventTime::from_nanos(i64::MAX)).expect("known");
    let last = shown.last().expect("an hour and a half of candles");
    assert!(last.window_start.nanos() <= tape.from().nanos() + 90 * MINUTE);
    assert!(shown.len() >= 90);
}

#[test]
fn a_step_back_undoes_a_step_forward_and_a_pause_holds_the_clock() {
    let tape = sample();
    let at = Instant::now();
    let mut player = Player::new(Arc::clone(&tape), &terms(), at).expect("a tape");
    wait_for_index(&mut player);
    let pair: Pair = "LINK-USD".parse().expect("a pair");
    player.seek(TapeTime::from_nanos(tape.from().nanos() + 300 * MINUTE), at);
    arrive(&mut player, at);
    player.step_tick(pair, false, at);
    arrive(&mut player, at);
    let first = player.market().hash();
    player.step_tick(pair, false, at);
    arrive(&mut player, at);
    assert_ne!(player.market().hash(), first);
    player.step_tick(pair, true, at);
    arrive(&mut player, at);
    assert_eq!(player.market().hash(), first);
    let paused = player.now(at + Duration::from_secs(5));
    assert_eq!(paused, player.now(at));
    player.set_speed(Some(600), at);
    player.play(at);
    player.advance(at + Duration::from_secs(1));
    let moved = player.now(at + Duration::from_secs(1)).nanos() - paused.nanos();
    assert_eq!(moved, 600 * SECOND, "600 × moves ten minutes a second");
}

fn buy(id: &str) -> Action {
    let pair = "BTC-USD".parse().expect("a pair");
    Action::Place(crate::domain::Order {
        id: id.parse().expect("a name"),
        pair,
        side: crate::domain::Side::Buy,
        quantity: crate::domain::Quantity::from_units(1_000_000),
        terms: crate::domain::Terms::Market,
        time_in_force: crate::domain::TimeInForce::GoodTillCancelled,
        reduce_only: false,
        post_only: false,
        take_profit: None,
        stop_loss: None,
    })
}

fn sample() -> Arc<dyn Playable> {
    Arc::new(SampleTape::load().expect("shipped"))
}

fn tell(player: &mut Player, action: Action) {
    let plan = player.plan(action, &terms());
    player.act(&plan);
}

fn arrive(player: &mut Player, at: Instant) {
    while player.is_seeking() {
        std::thread::sleep(Duration::from_millis(1));
        player.advance(at);
    }
}

/// Straight from the start to where the player stands, without a state that was laid.
fn straight(player: &Player) -> (Vec<u8>, Vec<Deed>) {
    let way = &player.ways[player.way];
    let (engine, mut deeds) = fresh(player.tape(), way);
    let mut reading = Reading::after(&player.tape, Place::default(), engine).expect("a tape");
    let mut outputs = Vec::new();
    while reading.place().seq < player.place().seq {
        reading.step(way.told(), &mut outputs, &mut deeds).expect("whole").expect("the tape");
        outputs.clear();
    }
    (reading.engine.to_bytes(), deeds)
}

#[test]
fn an_account_goes_back_and_forth_with_the_market_and_what_was_left_is_kept() {
    let tape = sample();
    let at = Instant::now();
    let mut player = Player::new(Arc::clone(&tape), &terms(), at).expect("a tape");
    wait_for_index(&mut player);
    let moment = |minutes: i64| TapeTime::from_nanos(tape.from().nanos() + minutes * MINUTE + 7 * SECOND);
    let held = |player: &Player| player.desk().positions().iter().any(|(_, held)| held.quantity.units() > 0);

    player.seek(moment(60), at);
    arrive(&mut player, at);
    tell(&mut player, buy("first"));
    assert!(!held(&player), "nothing has printed since");
    wait_for_index(&mut player);
    player.seek(moment(61), at);
    arrive(&mut player, at);
    assert!(held(&player), "a print fills it");
    let (bytes, deeds) = (player.reading.engine.to_bytes(), player.deeds().expect("the tape's own"));
    player.seek(moment(59), at);
    arrive(&mut player, at);
    assert!(!held(&player) && player.desk().book().open_count() == 0, "before the order there was none");
    player.seek(moment(61), at);
    arrive(&mut player, at);
    assert_eq!(
        (player.reading.engine.to_bytes(), player.deeds().expect("the tape's own")),
        (bytes.clone(), deeds),
        "the same future"
    );

    // Another way from a moment before it, and back to the first.
    player.seek(moment(59), at);
    arrive(&mut player, at);
    tell(&mut player, buy("other"));
    assert_eq!((player.ways().len(), player.way()), (2, 1));
    wait_for_index(&mut player);
    player.seek(moment(61), at);
    arrive(&mut player, at);
    assert_ne!(player.reading.engine.to_bytes(), bytes);
    player.take_way(0, at).expect("the tape");
    wait_for_index(&mut player);
    player.advance(at);
    assert_eq!(player.reading.engine.to_bytes(), bytes, "the way that was left is as it was");
    assert_eq!(player.deeds().expect("the tape's own"), straight(&player).1);
}

#[test]
fn any_way_to_a_moment_comes_to_the_same_account() {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{RngCore, SeedableRng};
    let tape = sample();
    let at = Instant::now();
    let mut dice = ChaCha8Rng::seed_from_u64(5);
    let mut player = Player::new(Arc::clone(&tape), &terms(), at).expect("a tape");
    let pair: Pair = "ETH-USD".parse().expect("a pair");
    let looks = if std::env::var_os("TAPEDECK_SOAK").is_some() { 1_000 } else { 60 };
    for number in 0..looks {
        match dice.next_u32() % 6 {
            0 => {
                tell(&mut player, buy(&format!("b{number}")));
            }
            1 => {
                tell(&mut player, Action::CancelAll);
            }
            2 => player.step_tick(pair, dice.next_u32().is_multiple_of(2), at),
            3 => player.step_bar(Interval::M1, dice.next_u32().is_multiple_of(2), at),
            4 => {
                let way = dice.next_u32() as usize % player.ways().len();
                player.take_way(way, at).expect("the tape");
            }
            _ => {
                let minutes = i64::from(dice.next_u32() % 240);
                player.seek(TapeTime::from_nanos(tape.from().nanos() + minutes * MINUTE), at);
            }
        }
        arrive(&mut player, at);
        assert_eq!(
            (player.reading.engine.to_bytes(), player.deeds().expect("the tape's own")),
            straight(&player),
            "after {number}"
        );
    }
    assert!(player.ways().len() > 2, "nobody went another way");
}

/// The sample, of which the first reading breaks off again and again.
struct Broken(SampleTape, std::sync::atomic::AtomicU32);

impl Playable for Broken {
    fn name(&self) -> String {
        self.0.name()
    }
    fn range(&self) -> crate::session::playable::TapeRange {
        self.0.range()
    }
    fn source(&self) -> crate::domain::Source {
        self.0.source()
    }
    fn pairs(&self) -> Vec<Pair> {
        self.0.pairs()
    }
    fn from(&self) -> TapeTime {
        self.0.from()
    }
    fn to(&self) -> TapeTime {
        self.0.to()
    }
    fn through(&self) -> Seq {
        self.0.through()
    }
    fn trades(&self) -> u64 {
        self.0.trades()
    }
    fn read(&self, after: Seq) -> Result<crate::session::playable::Inputs, TapeError> {
        self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let gone = |after: Seq| TapeError::Missing { after, found: after };
        let whole = self.0.read(after)?.take(5_000);
        Ok(Box::new(whole.chain(std::iter::once(Err(gone(after))))))
    }
    fn volumes(
        &self,
        pair: Pair,
        from: EventTime,
        to: EventTime,
    ) -> Result<Vec<crate::session::recorded::Volume>, JournalError> {
        self.0.volumes(pair, from, to)
    }
    fn memory(&self) -> Result<Arc<crate::session::memory::Memory>, TapeError> {
        self.0.memory()
    }
    fn recorded(&self) -> Option<&dyn crate::session::playable::Recorded> {
        None
    }
}

#[test]
fn files_that_went_while_the_player_rested_do_not_end_the_tape() {
    let broken = Arc::new(Broken(SampleTape::load().expect("shipped"), 0.into()));
    let tape: Arc<dyn Playable> = Arc::<Broken>::clone(&broken) as _;
    let (engine, mut deeds) = fresh(tape.as_ref(), &Way::told_alone(Vec::new()));
    let mut reading = Reading::after(&tape, Place::default(), engine).expect("a tape");
    let mut outputs = Vec::new();
    for _ in 0..40_000 {
        reading.step(Way::told_alone(Vec::new()).told(), &mut outputs, &mut deeds).expect("read on").expect("the tape");
    }
    assert_eq!(reading.place().seq, Seq(40_000), "an input was passed over, or taken twice");
    assert!(broken.1.load(std::sync::atomic::Ordering::Relaxed) >= 8);
}

mod recorded {
    use super::*;
    use crate::domain::Source;
    use crate::domain::{DeskOutput, EventTime, Input, OrderId};
    use crate::session::account::AccountTerms;
    use crate::session::playable::{TapeLane, TapeRange};
    use crate::session::recorded::RecordedTape;
    use crate::session::recorder::Recorder;
    use crate::session::recorder::tests::record;

    /// Prices of the recording are hundredths of cents, and so are the orders.
    fn place(id: &str, side: crate::domain::Side, terms: crate::domain::Terms) -> Action {
        let Action::Place(order) = buy(id) else { unreachable!() };
        Action::Place(crate::domain::Order { side, terms, ..order })
    }

    fn small_terms() -> AccountTerms {
        let mut terms = terms();
        for rules in terms.rules.values_mut() {
            rules.price_increment = crate::domain::Price::from_units(1);
            rules.min_notional = Amount::from_units(1);
        }
        terms.rules.entry("BTC-USD".parse().expect("a pair")).and_modify(|rules| {
            rules.quantity_increment = crate::domain::Quantity::from_units(1);
            rules.min_quantity = crate::domain::Quantity::from_units(1);
        });
        terms
    }

    /// A recording with an account that trades in it, and an import in the middle.
    fn recording(directory: &std::path::Path) -> Recorder {
        use crate::domain::{Price, Side, Terms};
        let (mut recorder, _) = Recorder::open(directory).expect("new");
        record(&mut recorder, 1..300);
        let limit = |units| Terms::Limit { limit: Price::from_units(units) };
        let tell = |recorder: &mut Recorder, action| {
            recorder.command(&[action], &small_terms()).expect("durable");
        };
        tell(&mut recorder, place("first", Side::Buy, Terms::Market));
        record(&mut recorder, 300..500);
        let at = EventTime::from_nanos(50 * SECOND);
        let import = Source::Import(crate::domain::ImportId(7));
        recorder.commit(&mut vec![(at, Input::EndOfTape { source: import })]).expect("durable");
        tell(&mut recorder, place("second", Side::Buy, limit(90)));
        tell(&mut recorder, place("third", Side::Sell, limit(1_000)));
        record(&mut recorder, 500..900);
        tell(&mut recorder, Action::Cancel("third".parse().expect("a name")));
        tell(&mut recorder, place("fourth", Side::Sell, limit(155)));
        record(&mut recorder, 900..1_400);
        recorder
    }

    fn player(recorder: &Recorder) -> Player {
        let tape = RecordedTape::of(recorder, TapeRange::whole(TapeLane::One(Source::Live)), &[])
            .expect("readable")
            .expect("recorded");
        Player::new(Arc::new(tape), &small_terms(), Instant::now()).expect("a tape")
    }

    fn go(player: &mut Player, seconds: i64) {
        let at = Instant::now();
        player.seek(TapeTime::from_nanos(seconds * SECOND), at);
        arrive(player, at);
    }

    /// As the journal and its engine have them: transfers, fills, and how orders ended.
    fn books(deeds: &[Deed]) -> (Vec<DeskOutput>, Vec<DeskOutput>, BTreeMap<OrderId, DeskOutput>) {
        let of = |wanted: fn(&DeskOutput) -> bool| deeds.iter().map(|deed| deed.output).filter(wanted).collect();
        let orders = deeds.iter().filter_map(|deed| match deed.output {
            DeskOutput::Order(report) => Some((report.order.id, deed.output)),
            _ => None,
        });
        (
            of(|output| matches!(output, DeskOutput::Transfer(_))),
            of(|output| matches!(output, DeskOutput::Fill(_))),
            orders.collect(),
        )
    }

    #[test]
    fn a_replay_of_what_live_did_is_what_live_did() {
        let directory = tempfile::tempdir().expect("a directory");
        let recorder = recording(directory.path());
        let mut player = player(&recorder);
        let straight_run = {
            let tape = player.tape.read(Seq(0)).expect("a tape");
            let (mut engine, mut deeds, mut outputs) = (new_engine(player.tape()), Vec::new(), Vec::new());
            let mut at_seconds = BTreeMap::new();
            for input in tape {
                let input = input.expect("whole");
                match input.input {
                    Input::Command(_) => engine.recorded_command(&input, &mut deeds),
                    _ => engine.step(&input, &mut outputs, &mut deeds),
                }
                at_seconds.insert(input.tape_time.nanos() / SECOND, (engine.to_bytes(), books(&deeds)));
            }
            at_seconds
        };
        assert!(player.tape.recorded().expect("recorded").state_before(&|_| false).expect("read").is_some());
        let (mut looked, mut traded) = (0, 0);
        for (second, (bytes, books_then)) in straight_run.iter().step_by(37).chain(straight_run.iter().next_back()) {
            go(&mut player, *second);
            assert_eq!(player.reading.engine.to_bytes(), *bytes, "at second {second}");
            assert_eq!(books(&player.deeds().expect("readable")), *books_then, "at second {second}");
            looked += 1;
            traded = books_then.1.len();
        }
        assert!(looked > 30 && traded > 1, "{looked} places, {traded} fills");
        assert_eq!(player.desk(), recorder.desk(), "the live desk is another");
        assert_eq!(player.market(), &recorder.market().only(Source::Live, player.market().seq()));
    }

    /// The snapshot a session names is evidence of what there was. It needs it for nothing.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_session_is_what_it_was_when_its_snapshot_is_gone() {
        use crate::session::archive::{Archive, SharedStatus};
        use crate::tiers::cold::{Cold, Keep};
        let directory = tempfile::tempdir().expect("a directory");
        let mut recorder = recording(directory.path());
        let mut archive = Archive::open(directory.path(), SharedStatus::default()).await.expect("new");
        archive.carry_all(&mut recorder, |_| {}).await.expect("carried");
        let through = recorder.market().seq();
        let looks = |recorder: &Recorder| -> Vec<(Vec<u8>, Vec<Deed>)> {
            let tape = RecordedTape::of(recorder, TapeRange::whole(TapeLane::One(Source::Live)), &[]);
            let tape = tape.expect("readable").expect("recorded").pinned(through);
            let mut player = Player::new(Arc::new(tape), &small_terms(), Instant::now()).expect("a tape");
            let look = |second| {
                go(&mut player, second);
                (player.reading.engine.to_bytes(), player.deeds().expect("readable"))
            };
            [60, 900, 1_501, 2_400, 3_000, 4_000].into_iter().map(look).collect()
        };
        let before = looks(&recorder);
        let named = archive_states(directory.path()).await;

        // It goes on, ticks leave the journal, files are joined, and all states but the newest are let go.
        record(&mut recorder, 1_400..2_000);
        archive.carry_all(&mut recorder, |_| {}).await.expect("carried");
        recorder.checkpoint().expect("laid");
        assert!(archive.retire(&mut recorder, 16).await.expect("retired") > 1_000);
        drop(archive);
        let mut cold = Cold::open(directory.path()).await.expect("there");
        cold.compact().await.expect("joined");
        let nothing = Duration::ZERO;
        let keep =
            Keep { newest: 1, younger_than: nothing, most: 1, hourly: nothing, daily: nothing, named: Vec::new() };
        cold.expire(&keep).await.expect("expired");
        cold.remove_orphans().await.expect("removed");
        drop(cold);
        let left = archive_states(directory.path()).await;
        assert!(named.iter().all(|state| !left.contains(state)), "{named:?} {left:?}");
        assert!(looks(&recorder) == before, "a session is another one after its snapshot expired");
    }

    async fn archive_states(directory: &std::path::Path) -> Vec<i64> {
        let cold = crate::tiers::cold::Cold::open(directory).await.expect("there");
        cold.snapshots().await.expect("told").iter().map(|state| state.id).collect()
    }

    #[test]
    fn who_trades_in_the_past_leaves_what_live_did_as_it_is() {
        let directory = tempfile::tempdir().expect("a directory");
        let recorder = recording(directory.path());
        let mut player = player(&recorder);
        let end = player.tape.to().nanos() / SECOND;
        go(&mut player, end);
        let before = (player.reading.engine.to_bytes(), books(&player.deeds().expect("readable")));

        go(&mut player, 2_100);
        tell(&mut player, place("other", crate::domain::Side::Buy, crate::domain::Terms::Market));
        assert_eq!((player.ways().len(), player.way()), (2, 1));
        let fork_at = player.place();
        go(&mut player, end);
        let (transfers, fills, orders) = books(&player.deeds().expect("readable"));
        assert!(orders.contains_key(&"other".parse::<OrderId>().expect("a name")));
        assert!(!orders.contains_key(&"fourth".parse::<OrderId>().expect("a name")), "live placed it later");
        assert!(orders.contains_key(&"first".parse::<OrderId>().expect("a name")), "live placed it before");
        assert_eq!(transfers.len() as u64, player.desk().ledger().head().count);
        assert_eq!(
            player.desk().ledger().head().hash.to_string(),
            match transfers.last() {
                Some(DeskOutput::Transfer(last)) => last.hash.to_string(),
                _ => String::new(),
            }
        );
        assert!(fills.len() > 1);
        let forked = player.reading.engine.to_bytes();

        // Back before the fork it has not been placed; forward again it is the same.
        go(&mut player, 2_000);
        assert!(
            !books(&player.deeds().expect("readable")).2.contains_key(&"other".parse::<OrderId>().expect("a name"))
        );
        go(&mut player, end);
        assert_eq!(player.reading.engine.to_bytes(), forked);

        let at = Instant::now();
        player.take_way(0, at).expect("the tape");
        arrive(&mut player, at);
        assert_eq!((player.reading.engine.to_bytes(), books(&player.deeds().expect("readable"))), before);
        player.take_way(1, at).expect("the tape");
        arrive(&mut player, at);
        assert_eq!(player.reading.engine.to_bytes(), forked, "and the fork is as it was, from {fork_at:?}");
    }
}
