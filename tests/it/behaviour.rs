//! What customers of the made-up company were made to do against what the job says of them: quiet churners, dips, champions who
//! leave, loud but loyal customers, customers nobody measures, handoffs that say something else than was agreed.
//!
//! `TAILWATER_TEST_SEEDS` says how many seeds (a fifth of it, and three at least). A seed is evaluated every two weeks; the list
//! of what was planted is that of a later day, so that it knows who will leave.

mod flips;

use crate::dsl::World;
use std::collections::BTreeMap;
use std::ops::AddAssign;

/// Two weeks apart; the first, the fifth and the ninth compare windows that share no day.
const DATES: [&str; 9] = [
    "2026-07-11",
    "2026-07-25",
    "2026-08-08",
    "2026-08-22",
    "2026-09-05",
    "2026-09-19",
    "2026-10-03",
    "2026-10-17",
    "2026-10-31",
];
/// Every customer who has begun to leave by the last date has left by then.
const LATER: &str = "2027-07-31";
const TABLES: &str = "usage_signal,usage_alarm,account_health,health_component,handoff_verification,\
                      sentiment_divergence,planted_behaviour";

/// What lowers use for a while: an alarm within 81 days of it (two windows and a recovery) is not a false one.
const LOWERING: &str = "('decline', 'dip', 'silence', 'seat_shrink', 'champion_departure', 'departure')";

fn seeds() -> u64 {
    let asked: u64 = std::env::var("TAILWATER_TEST_SEEDS").ok().map_or(0, |text| text.parse().unwrap());
    (asked / 5).max(3)
}

fn job(seed: u64, start: &str) -> World {
    let world = World::new();
    world.file("own/README", "Models of this folder stand in for those of their name.");
    world.file(
        "job.toml",
        format!(
            "name = \"seed\"\nwarehouse = \"warehouse\"\nsql = \"own\"\n\n[company]\ncurrency = \"USD\"\n\n\
             [sources.demo]\nsystem = \"sample\"\nseed = {seed}\nstart = {start}\nusage_scale = 4.0\n"
        ),
    );
    world
}

fn run(world: &World, as_of: &str, tables: &str) {
    world.tailwater(&["run", "job.toml", "--as-of", as_of, "--select", tables]).run();
}

fn company(seed: u64) -> World {
    let world = job(seed, "2026-01-01");
    evaluate(&world);
    world
}

fn evaluate(world: &World) {
    for as_of in DATES {
        run(world, as_of, TABLES);
    }
    run(world, LATER, "planted_behaviour");
}

fn ask(world: &World, query: &str) -> Vec<String> {
    let answer = world.tailwater(&["sql", "job.toml", query, "--format", "csv"]).run();
    answer.stdout.lines().skip(1).map(str::to_owned).collect()
}

/// The numbers of the only row; nothing counts as 0.
fn numbers<const N: usize>(world: &World, query: &str) -> [f64; N] {
    let rows = ask(world, query);
    assert_eq!(rows.len(), 1, "{query}\n{rows:?}");
    let mut fields = rows[0].split(',').map(|field| field.parse().unwrap_or(0.0));
    std::array::from_fn(|_| fields.next().unwrap())
}

/// How many of how many.
#[derive(Debug, Default, Clone, Copy)]
struct Share {
    of: f64,
    are: f64,
}

impl Share {
    fn from([of, are]: [f64; 2]) -> Self {
        Self { of, are }
    }

    fn pct(self) -> f64 {
        100.0 * self.are / self.of
    }
}

impl AddAssign for Share {
    fn add_assign(&mut self, other: Self) {
        self.of += other.of;
        self.are += other.are;
    }
}

/// Puts before a query what was planted: `planted`, all that had shown by [`LATER`], and `episode`, without those of whom nothing is
/// recorded.
fn with_planted(query: &str) -> String {
    format!(
        "with planted as (select *, coalesce(to_date, date '9999-12-31') as until_date from planted_behaviour \
         where as_of_date = date '{LATER}'), \
         episode as (select * from planted where account_id not in (select account_id from planted where kind = 'untracked')), {query}"
    )
}

#[test]
fn what_was_planted_into_behaviour_is_seen_and_little_else() {
    let (mut quiet, mut leads, mut dips) = (Share::default(), Vec::new(), Share::default());
    let (mut green, mut loud, mut noise) = (Share::default(), Share::default(), Noise::default());
    for seed in 1..=seeds() {
        let world = company(seed);
        handoffs_are_verified_exactly(&world, seed);
        champions_who_leave_show(&world, seed);
        the_unmeasured_have_no_colour(&world, seed);
        quiet += quiet_declines(&world);
        leads.extend(lead_days(&world));
        dips += dips_with_an_action(&world, seed);
        green += green_ratings_over_a_decline(&world);
        loud += loud_and_loyal(&world, seed);
        noise.add(&world);
    }
    leads.sort_unstable();
    let median = leads[leads.len() / 2];
    let early = leads.iter().filter(|lead| **lead >= 90).count() * 100 / leads.len();
    eprintln!(
        "quiet declines acted on within six weeks: {quiet:?}; days from the first action to the decision to leave: \
         {leads:?}; dips acted on: {dips:?}; declines under a green rating seen: {green:?}; loud and not red: {loud:?}; {noise:?}"
    );
    assert!(quiet.of >= 25.0 && quiet.pct() >= 90.0, "quiet declines acted on within six weeks: {quiet:?}");
    assert!(leads.len() >= 8 && median >= 90 && early >= 50, "days from the first action to the decision: {leads:?}");
    assert!(dips.of >= 10.0 && dips.pct() <= 40.0, "dips that somebody was asked to act on: {dips:?}");
    assert!(green.of >= 10.0 && green.pct() >= 75.0, "declines under a green rating that were seen: {green:?}");
    assert!(loud.of >= 10.0 && loud.are >= loud.of, "loud customers who stay and are not red: {loud:?}");
    noise.is_no_more_than_expected();
}

/// What was agreed and is denied or left out: the same list on both sides, for every claim.
fn handoffs_are_verified_exactly(world: &World, seed: u64) {
    let apart = ask(
        world,
        "with found as (select account_id, claim, case verdict when 'contradicted' then 'handoff_contradiction' \
         else 'handoff_omission' end as kind from latest.handoff_verification \
         where evidence_no = 1 and verdict in ('contradicted', 'omitted')), \
         planted as (select account_id, claim, kind from planted_behaviour \
         where kind like 'handoff_%' and as_of_date = date '2026-10-31') \
         select 'missed' as side, * from (select * from planted except all select * from found) \
         union all select 'not planted' as side, * from (select * from found except all select * from planted) order by 2, 3",
    );
    assert!(apart.is_empty(), "seed {seed}: {} claims apart\n{}", apart.len(), apart.join("\n"));
    let [denied] = numbers::<1>(
        world,
        "select count(*) from planted_behaviour where kind = 'handoff_contradiction' and as_of_date = date '2026-10-31'",
    );
    assert!(denied >= 20.0, "seed {seed} plants {denied} contradictions");
}

/// On every date: whose champion has left within half a year has points to lose, and no green without a successor; nobody else has.
fn champions_who_leave_show(world: &World, seed: u64) {
    let departed = "select p.account_id, p.as_of_date, p.from_date from planted_behaviour p \
                    where p.kind = 'champion_departure' and p.from_date <= p.as_of_date";
    let [planted, shown] = numbers(
        world,
        &format!(
            "with departed as ({departed} and p.from_date > p.as_of_date - 180) \
             select count(*), count(case when c.points < 100 and c.reason like '%champion%left%' then 1 end) from departed p \
             inner join account_health h on h.account_id = p.account_id and h.as_of_date = p.as_of_date and not h.is_churned \
             left join health_component c on c.account_id = p.account_id and c.as_of_date = p.as_of_date and c.component = 'contacts'"
        ),
    );
    assert!(planted >= 30.0 && shown >= planted, "seed {seed}: {shown} of {planted} departures of champions show");
    let wrong = ask(
        world,
        &format!(
            "with departed as ({departed}) select c.account_id, c.as_of_date, h.band, c.reason from health_component c \
             inner join account_health h on h.account_id = c.account_id and h.as_of_date = c.as_of_date and not h.is_churned \
             left join (select distinct account_id, as_of_date from departed) d \
             on d.account_id = c.account_id and d.as_of_date = c.as_of_date \
             where c.component = 'contacts' and c.value > 0 and (d.account_id is null or (c.value >= 2 and h.band = 'green'))"
        ),
    );
    assert!(wrong.is_empty(), "seed {seed}: {}", wrong.join("\n"));
}

/// Nothing recorded is not the same as nothing done: no alarm of use, no points for use, and no colour once onboarding is over.
fn the_unmeasured_have_no_colour(world: &World, seed: u64) {
    let rows = ask(
        world,
        "select h.account_id, h.as_of_date, h.stage, h.band, \
         (select count(*) from usage_signal s where s.account_id = h.account_id and s.tier in ('watch', 'flag', 'escalate') \
          and s.metric <> 'active_seats') as alarms, \
         (select count(*) from health_component c where c.account_id = h.account_id and c.as_of_date = h.as_of_date \
          and c.component in ('usage', 'depth', 'breadth') and c.points is not null) as measured \
         from account_health h inner join planted_behaviour p on p.account_id = h.account_id and p.as_of_date = h.as_of_date \
         where p.kind = 'untracked' order by 1, 2",
    );
    let settled: Vec<&String> = rows.iter().filter(|row| !row.contains(",onboarding,")).collect();
    assert!(settled.len() >= 15, "seed {seed} has {} evaluations of customers nobody measures", settled.len());
    let wrong: Vec<_> = settled.iter().filter(|row| !row.contains(",insufficient_data,")).collect();
    assert!(wrong.is_empty(), "seed {seed}: {wrong:?}");
    let judged: Vec<&String> = rows.iter().filter(|row| !row.ends_with(",0,0")).collect();
    assert!(judged.is_empty(), "seed {seed}: {judged:?}");
}

/// Declines of six weeks and more without a rise in tickets, and those that somebody was asked to act on within six weeks.
fn quiet_declines(world: &World) -> Share {
    let query = with_planted(
        "quiet as (select p.account_id, p.from_date from episode p where p.kind = 'decline' \
         and p.from_date between date '2026-06-27' and date '2026-09-19' and p.until_date >= p.from_date + 42 \
         and not exists (select 1 from planted o where o.account_id = p.account_id and o.kind in ('support_surge', 'silence') \
         and o.until_date > p.from_date - 60 and o.from_date < p.from_date + 42)), \
         judged as (select q.account_id, q.from_date, \
         max(case when s.tier in ('flag', 'escalate') and s.is_persistent then 1 else 0 end) as acted \
         from quiet q inner join usage_signal s on s.account_id = q.account_id and s.rule = 'count' \
         and s.tier in ('ok', 'watch', 'flag', 'escalate') and s.as_of_date between q.from_date and q.from_date + 42 \
         group by q.account_id, q.from_date) select count(*), sum(acted) from judged",
    );
    Share::from(numbers(world, &query))
}

/// Days from the first action to the decision of customers who declined and left; 0 for one whom nobody was asked to act on.
fn lead_days(world: &World) -> Vec<i64> {
    let query = with_planted(
        "leaving as (select p.account_id, p.from_date, d.from_date as decided_date from episode p \
         inner join planted d on d.account_id = p.account_id and d.kind = 'departure' \
         where p.kind = 'decline' and p.until_date >= d.from_date and p.from_date between date '2026-06-27' and date '2026-09-19'), \
         first as (select l.account_id, l.decided_date, min(s.as_of_date) as acted_date from leaving l \
         left join usage_signal s on s.account_id = l.account_id and s.rule = 'count' and s.tier in ('flag', 'escalate') \
         and s.is_persistent and s.as_of_date between l.from_date and l.decided_date group by l.account_id, l.decided_date) \
         select cast(coalesce(decided_date - acted_date, 0) as bigint) from first",
    );
    ask(world, &query).iter().map(|row| row.parse().unwrap()).collect()
}

/// Dips that were over within two weeks, and those that somebody was asked to act on; four weeks after its end nobody is.
fn dips_with_an_action(world: &World, seed: u64) -> Share {
    let query = with_planted(&format!(
        "dip as (select p.account_id, p.from_date, p.to_date from episode p where p.kind = 'dip' \
         and p.from_date between date '2026-06-27' and date '2026-10-03' and not exists (select 1 from planted o \
         where o.account_id = p.account_id and o.kind in {LOWERING} and o.kind <> 'dip' \
         and o.from_date < p.from_date + 80 and o.until_date > p.from_date - 80)), \
         judged as (select d.account_id, d.from_date, max(case when s.as_of_date <= d.to_date + 28 then 1 else 0 end) as acted, \
         max(case when s.as_of_date > d.to_date + 28 then 1 else 0 end) as late from dip d \
         left join usage_signal s on s.account_id = d.account_id and s.metric = 'core_actions' and s.tier in ('flag', 'escalate') \
         and s.is_persistent and s.as_of_date between d.from_date and d.to_date + 56 group by d.account_id, d.from_date) \
         select count(*), sum(acted), sum(late) from judged"
    ));
    let [dips, acted, late] = numbers(world, &query);
    assert!(late < 1.0, "seed {seed}: {late} of {dips} dips are acted on when they are long over");
    Share { of: dips, are: acted }
}

/// Declines that a green rating hides, and those that were shown as such while it did.
fn green_ratings_over_a_decline(world: &World) -> Share {
    let query = with_planted(
        "hidden as (select p.account_id, p.from_date, max(case when s.is_green_but_declining then 1 else 0 end) as shown \
         from episode p inner join sentiment_divergence s on s.account_id = p.account_id and s.rating = 'green' \
         and s.rated_date >= p.from_date and s.as_of_date between p.from_date + 28 and p.until_date \
         where p.kind = 'green_while_declining' and p.from_date between date '2026-06-13' and date '2026-09-19' \
         group by p.account_id, p.from_date) select count(*), sum(shown) from hidden",
    );
    Share::from(numbers(world, &query))
}

/// Evaluations of customers with many tickets who change nothing else and stay, and those whose score is not red; their tickets count.
fn loud_and_loyal(world: &World, seed: u64) -> Share {
    let query = with_planted(&format!(
        "loud as (select p.account_id, h.as_of_date, h.band_raw from episode p \
         inner join account_health h on h.account_id = p.account_id \
         and h.as_of_date between p.from_date + 14 and least(p.until_date, p.from_date + 60) \
         where p.kind = 'support_surge' and not exists (select 1 from planted o where o.account_id = p.account_id \
         and o.kind in {LOWERING} and o.from_date < p.from_date + 120 and o.until_date > p.from_date - 120)), \
         support as (select c.account_id, c.as_of_date, avg(cast(c.points as double)) as points from health_component c \
         where c.family = 'support' and c.points is not null group by c.account_id, c.as_of_date) \
         select count(*), sum(case when l.band_raw <> 'red' then 1 else 0 end), avg(s.points), \
         (select avg(points) from support) from loud l \
         inner join support s on s.account_id = l.account_id and s.as_of_date = l.as_of_date"
    ));
    let [evaluations, calm, support, usual] = numbers(world, &query);
    assert!(
        evaluations < 1.0 || support < usual - 10.0,
        "seed {seed}: support has {support} points where it is loud, {usual} over all"
    );
    Share { of: evaluations, are: calm }
}

/// Alarms of customers into whom nothing was planted, beside the number that the run itself expects by chance.
#[derive(Debug, Default)]
struct Noise {
    /// By metric: alarms expected, alarms, expected to be there a week later too, and those that were, so that an action followed.
    metrics: BTreeMap<String, [f64; 4]>,
}

impl Noise {
    fn add(&mut self, world: &World) {
        let rows = ask(
            world,
            &format!(
                "with touched as (select distinct account_id, as_of_date from planted_behaviour where kind in {LOWERING} \
                 and from_date <= as_of_date and coalesce(to_date, date '9999-12-31') > as_of_date - 81), \
                 judged as (select s.metric, s.as_of_date, count(*) as accounts, \
                 sum(case when s.tier in ('flag', 'escalate') then 1 else 0 end) as alarms, \
                 sum(case when s.tier in ('flag', 'escalate') and s.is_persistent then 1 else 0 end) as actions \
                 from usage_signal s left join touched t on t.account_id = s.account_id and t.as_of_date = s.as_of_date \
                 where t.account_id is null and s.rule = 'count' and s.tier in ('ok', 'watch', 'flag', 'escalate') \
                 and s.as_of_date in (date '{}', date '{}', date '{}') group by s.metric, s.as_of_date) \
                 select j.metric, sum(cast(a.expected_false_alarms as double) * j.accounts / a.tested), sum(j.alarms), \
                 sum(cast(a.expected_false_persistent as double) * j.accounts / a.tested), sum(j.actions) from judged j \
                 inner join usage_alarm a on a.metric = j.metric and a.as_of_date = j.as_of_date group by j.metric",
                DATES[0], DATES[4], DATES[8]
            ),
        );
        for row in rows {
            let mut fields = row.split(',');
            let sums = self.metrics.entry(fields.next().unwrap().to_owned()).or_default();
            for (sum, field) in sums.iter_mut().zip(fields) {
                *sum += field.parse::<f64>().unwrap();
            }
        }
    }

    /// No metric has more alarms than chance brings once in a thousand times.
    fn is_no_more_than_expected(&self) {
        assert!(self.metrics.len() >= 5 && self.metrics["core_actions"][0] > 5.0, "{self:?}");
        for (metric, [expected, alarms, expected_actions, actions]) in &self.metrics {
            assert!(*alarms <= poisson_limit(*expected), "{metric}: {alarms} false alarms, {expected} expected");
            let limit = poisson_limit(*expected_actions);
            assert!(*actions <= limit, "{metric}: {actions} false actions, {expected_actions} expected");
        }
    }
}

/// The number that a Poisson variable of that mean exceeds less than once in a thousand times.
fn poisson_limit(mean: f64) -> f64 {
    let (mut count, mut term) = (0.0, (-mean).exp());
    let mut sum = term;
    while sum < 0.999 {
        count += 1.0;
        term *= mean / count;
        sum += term;
    }
    count
}

#[test]
fn the_turn_of_the_year_brings_no_escalation_of_its_own() {
    for seed in 1..=2 {
        let world = job(seed, "2025-08-01");
        for as_of in ["2025-12-31", "2026-01-14"] {
            run(&world, as_of, "usage_signal,usage_alarm,planted_behaviour");
        }
        let rows = ask(
            &world,
            &format!(
                "with touched as (select distinct account_id, as_of_date from planted_behaviour where kind in {LOWERING} \
                 and from_date <= as_of_date and coalesce(to_date, date '9999-12-31') > as_of_date - 81) \
                 select s.metric, s.as_of_date, sum(case when s.tier in ('flag', 'escalate') then 1 else 0 end), \
                 max(cast(a.expected_false_alarms as double)), max(s.masked_pairs) \
                 from usage_signal s inner join usage_alarm a on a.metric = s.metric and a.as_of_date = s.as_of_date \
                 left join touched t on t.account_id = s.account_id and t.as_of_date = s.as_of_date \
                 where t.account_id is null and s.rule = 'count' group by s.metric, s.as_of_date"
            ),
        );
        assert!(rows.len() >= 10, "{rows:?}");
        for row in rows {
            let fields: Vec<&str> = row.split(',').collect();
            let [alarms, expected, masked] = [2, 3, 4].map(|place| fields[place].parse::<f64>().unwrap());
            assert!(alarms <= poisson_limit(expected), "seed {seed}: {row}");
            assert!(masked >= 2.0, "seed {seed}: holidays are not taken out: {row}");
        }
    }
}

#[test]
fn a_fall_of_the_whole_fleet_is_a_matter_of_data() {
    let world = World::new();
    let as_of = "2026-06-30";
    let sample = |folder: &str, scale: &str| {
        let from_to = ["--start", "2025-12-01", "--to", as_of];
        world.tailwater(&[&["sample", folder, "--seed", "3", "--usage-scale", scale], &from_to[..]].concat()).run();
    };
    sample("data", "4");
    sample("half", "2");
    // In June the tracker loses every second event of people; what machines report still arrives.
    let june = "usage_event/2026-06.parquet";
    std::fs::copy(world.path("half").join(june), world.path("data").join(june)).unwrap();
    let mut job = String::from("name = \"broken\"\nwarehouse = \"warehouse\"\n\n[company]\ncurrency = \"USD\"\n\n");
    job.push_str("[sources.files]\nsystem = \"files\"\nroot = \"data\"\n");
    for (entity, path) in [
        ("account", "account.parquet"),
        ("feature", "feature.parquet"),
        ("holiday", "holiday.parquet"),
        ("outage", "outage.parquet"),
        ("usage_event", "usage_event/*.parquet"),
    ] {
        job.push_str(&format!("\n[[sources.files.inputs]]\npath = \"{path}\"\nentity = \"{entity}\"\n"));
    }
    world.file("job.toml", job);
    run(&world, as_of, "usage_signal,usage_alarm");
    let rows = ask(
        &world,
        "select metric, is_data_in_doubt, escalate + flag + watch > 0, fallen * 2 > tested, next_action is not null from usage_alarm \
         where metric in ('core_actions', 'actions', 'api_calls') order by metric",
    );
    let expected =
        ["actions,true,false,true,true", "api_calls,false,true,false,false", "core_actions,true,false,true,true"];
    assert_eq!(rows, expected);
}
