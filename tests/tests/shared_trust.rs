//! Two Traefik processes on one host share `/trust` and `/gate`: what one has verified the other takes over, what is
//! withdrawn counts for both, and whatever happens to the files of `/gate` changes no answer.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "places in a slot are constants, and a panic fails the test"
)]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::{FileExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use watchgate_tests::back_end::EchoBackEnd;
use watchgate_tests::client::{Caller, status};
use watchgate_tests::wait::until;
use watchgate_tests::{
    BackEnd, GateFolder, SecondGateway, Stage, StageOptions, artifacts, forgery, may_mount_a_full_folder, shipped_gate,
};

const SLOT_BYTES: usize = 512;

async fn two_gateways(gate_folder: GateFolder) -> Result<(Stage, SecondGateway)> {
    let mut gate = shipped_gate()?;
    let settings = gate.as_object_mut().context("the shipped gate is no object")?;
    // Each Traefik has a port of its own here, and they shall have one configuration.
    settings.remove("publicOrigins");
    let health = json!({"name": "health", "match": "Path(`/healthz`)", "public": true});
    settings.insert("rules".into(), json!([health, {"name": "everything", "match": "PathPrefix(`/`)"}]));
    // All callers come from one address here, and the bad tokens among them shall not make the others wait.
    settings.insert("throttle".into(), json!({"badTokensPerMinute": 0}));
    let back_end = BackEnd::DropIn(EchoBackEnd::start("echo")?.url());
    let stage = Stage::start(StageOptions { back_end, gate: Some(gate), ..StageOptions::default() }).await?;
    let second = stage.second_gateway(gate_folder).await?;
    Ok((stage, second))
}

/// The same caller before each gateway.
fn both(stage: &Stage, second: &SecondGateway, token: &str) -> Result<[Caller; 2]> {
    let caller = |url: &str| Ok::<_, anyhow::Error>(Caller::new(stage.client()?, url, Some(token.to_owned())));
    Ok([caller(&stage.base_url())?, caller(&second.base_url())?])
}

/// Whom the back end was told of; an error when the request did not pass.
async fn subject(caller: &Caller) -> Result<String> {
    let answer = caller.get("/").send().await?;
    ensure!(answer.status().as_u16() == 200, "a good token was answered {}", answer.status());
    let received: Value = serde_json::from_str(&answer.text().await?)?;
    let headers = received.get("headers").and_then(Value::as_array).context("no headers")?;
    let values = |header: &Value| Some((header.get(0)?.as_str()?.to_owned(), header.get(1)?.as_str()?.to_owned()));
    let headers: BTreeMap<_, _> = headers.iter().filter_map(values).collect();
    headers.get("x-auth-subject").cloned().context("the back end was told of nobody")
}

fn cache_file(stage: &Stage) -> Result<PathBuf> {
    for entry in fs::read_dir(stage.gate_folder())? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "cache") {
            return Ok(path);
        }
    }
    bail!("there is no cache in {}", stage.gate_folder().display())
}

/// The slots that hold anything, by their place.
fn occupied(file: &Path) -> Result<BTreeMap<usize, Vec<u8>>> {
    let bytes = fs::read(file)?;
    let slots = bytes.chunks(SLOT_BYTES).enumerate().filter(|(_, slot)| slot.iter().any(|byte| *byte != 0));
    Ok(slots.map(|(place, slot)| (place, slot.to_vec())).collect())
}

#[tokio::test]
async fn what_one_gateway_has_verified_the_other_takes_over() -> Result<()> {
    let (stage, second) = two_gateways(GateFolder::Shared).await?;
    stage
        .play(async |stage| {
            let [at_first, at_second] = both(stage, &second, &stage.mint("ana", "pass")?)?;
            ensure!(subject(&at_first).await? == "ana", "told of somebody else");
            let kept = occupied(&cache_file(stage)?)?;
            ensure!(kept.len() == 1, "one verification left {} slots", kept.len());

            // A slot says in which second its token was verified: a verification from now on would change it.
            let then = now()?;
            until("the next second", Duration::from_secs(5), async || Ok((now()? > then).then_some(()))).await?;
            for _ in 0..10 {
                let asked = try_join_all((0..16).map(|_| subject(&at_second))).await?;
                ensure!(asked.iter().all(|subject| subject == "ana"), "told of somebody else: {asked:?}");
            }
            ensure!(occupied(&cache_file(stage)?)? == kept, "the second gateway verified what the first had verified");

            // And it does write what it verifies itself.
            let [_, at_second] = both(stage, &second, &stage.mint("ben", "pass")?)?;
            ensure!(subject(&at_second).await? == "ben", "told of somebody else");
            let kept = occupied(&cache_file(stage)?)?;
            ensure!(kept.len() == 2, "two verifications left {} slots", kept.len());
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_key_that_is_taken_out_ends_its_tokens_within_a_second_at_both_gateways() -> Result<()> {
    let (stage, second) = two_gateways(GateFolder::Shared).await?;
    stage
        .play(async |stage| {
            let withdrawn = both(stage, &second, &stage.token("ana").scope("pass").algorithm("EdDSA").mint()?)?;
            let other = both(stage, &second, &stage.token("ben").scope("pass").algorithm("RS256").mint()?)?;
            for _ in 0..10 {
                for caller in withdrawn.iter().chain(&other) {
                    try_join_all((0..8).map(|_| subject(caller))).await?;
                }
            }
            let jwks = stage.keys().join("trust/jwks/dev.json");
            let before = fs::read(&jwks)?;
            let mut keys: Value = serde_json::from_slice(&before)?;
            let listed = keys.get_mut("keys").and_then(Value::as_array_mut).context("no keys")?;
            listed.retain(|key| key.get("alg").and_then(Value::as_str) != Some("EdDSA"));
            replace(&jwks, keys.to_string().as_bytes())?;
            let replaced = Instant::now();
            let mut refused = [0_u32; 2];
            while replaced.elapsed() < Duration::from_millis(2_500) {
                for ((caller, other), refused) in withdrawn.iter().zip(&other).zip(&mut refused) {
                    let asked = replaced.elapsed();
                    match status(caller.get("/")).await? {
                        401 => *refused = refused.saturating_add(1),
                        200 => ensure!(asked < Duration::from_secs(1), "passed {asked:?} after its key was taken out"),
                        answered => bail!("answered {answered}"),
                    }
                    ensure!(subject(other).await? == "ben", "the other key's token suffered");
                }
            }
            ensure!(refused.iter().all(|count| *count > 50), "refused only {refused:?} times");
            replace(&jwks, &before)?;
            for caller in &withdrawn {
                until("the key counts again", Duration::from_secs(5), async || {
                    Ok((status(caller.get("/")).await? == 200).then_some(()))
                })
                .await?;
            }
            Ok(())
        })
        .await
}

/// Tokens of many subjects and tokens of nobody, and what each must get, always.
struct Known {
    good: Vec<(String, [Caller; 2])>,
    bad: Vec<[Caller; 2]>,
}

impl Known {
    fn new(stage: &Stage, second: &SecondGateway) -> Result<Known> {
        let mut known = Known { good: Vec::new(), bad: Vec::new() };
        for number in 0..12 {
            let subject = format!("subject-{number}");
            let token = stage.mint(&subject, "pass")?;
            known.good.push((subject, both(stage, second, &token)?));
            known.bad.push(both(stage, second, &forgery::tampered(&token, "sub", json!("root"))?)?);
        }
        known.bad.push(both(stage, second, &stage.token("late").scope("pass").ttl_seconds(-120).mint()?)?);
        known.bad.push(both(stage, second, &stage.token("lost").scope("pass").audience("elsewhere").mint()?)?);
        Ok(known)
    }

    /// Each as often as a handful of instances on each side needs to have seen it.
    async fn check(&self, circumstances: &str) -> Result<()> {
        for _ in 0..4 {
            for gateway in 0..2 {
                let good = self.good.iter().filter_map(|(name, callers)| Some((name, callers.get(gateway)?)));
                let asked = good.map(async |(name, caller)| anyhow::Ok((name, subject(caller).await?)));
                let told: Vec<_> =
                    try_join_all(asked).await.with_context(|| format!("{circumstances}, gateway {gateway}"))?;
                for (name, told) in told {
                    ensure!(*name == told, "{circumstances}, gateway {gateway}: {name} was taken for {told}");
                }
                let bad = self.bad.iter().filter_map(|callers| callers.get(gateway));
                let answered: Vec<u16> = try_join_all(bad.map(async |caller| status(caller.get("/")).await)).await?;
                ensure!(answered.iter().all(|code| *code == 401), "{circumstances}: bad tokens got {answered:?}");
            }
        }
        Ok(())
    }
}

/// What somebody made of the cache's bytes.
type Spoiling = (&'static str, fn(&mut Vec<u8>));

const SPOILINGS: [Spoiling; 9] = [
    ("emptied", |bytes| bytes.clear()),
    ("cut off within a slot", |bytes| bytes.truncate(SLOT_BYTES * 16 + 100)),
    ("longer than it should be", |bytes| bytes.extend(vec![7; 100_000])),
    ("zeros", |bytes| bytes.fill(0)),
    ("ones", |bytes| bytes.fill(255)),
    ("garbage", |bytes| {
        let mut state = 1_u64;
        for byte in bytes {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = state.to_be_bytes()[0];
        }
    }),
    ("every slot in its neighbour's place", |bytes| bytes.rotate_left(SLOT_BYTES)),
    ("the second half of each slot from the slot before", |bytes| {
        let before = bytes.clone();
        for (slot, other) in bytes.chunks_exact_mut(SLOT_BYTES).skip(1).zip(before.chunks_exact(SLOT_BYTES)) {
            slot[SLOT_BYTES / 2..].copy_from_slice(&other[SLOT_BYTES / 2..]);
        }
    }),
    ("one bit of each slot turned", |bytes| {
        for (place, slot) in bytes.chunks_exact_mut(SLOT_BYTES).enumerate() {
            if slot.iter().any(|byte| *byte != 0) {
                slot[place % SLOT_BYTES] ^= 1;
            }
        }
    }),
];

#[tokio::test]
async fn a_spoilt_cache_costs_speed_and_never_an_answer() -> Result<()> {
    let (stage, second) = two_gateways(GateFolder::Shared).await?;
    stage
        .play(async |stage| {
            let known = Known::new(stage, &second)?;
            known.check("whole").await?;
            let file = cache_file(stage)?;
            for (circumstances, spoil) in SPOILINGS {
                let mut bytes = fs::read(&file)?;
                spoil(&mut bytes);
                // In place, because that is what happens to a file that others hold open.
                fs::write(&file, &bytes)?;
                known.check(circumstances).await?;
            }
            let filled = fs::read(&file)?;
            ensure!(filled.len() == 16 * 1024 * 1024, "the file was left with {} bytes", filled.len());

            fs::remove_file(&file)?;
            known.check("removed").await?;
            let _ = fs::remove_file(&file);
            fs::create_dir(&file)?;
            known.check("a folder in its place").await?;
            fs::remove_dir(&file)?;
            symlink("/nowhere/at/all", &file)?;
            known.check("a link to nowhere").await?;
            fs::remove_file(&file)?;

            // Sealed under a key that is not ours: what another host's gate wrote, copied here.
            fs::write(&file, &filled)?;
            replace_gate_key(stage)?;
            known.check("of another gate").await?;
            ensure!(!occupied(&file)?.is_empty(), "the cache is not used again");
            Ok(())
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_scribbles_in_the_cache_all_the_time_changes_no_answer() -> Result<()> {
    let (stage, second) = two_gateways(GateFolder::Shared).await?;
    stage
        .play(async |stage| {
            let known = Known::new(stage, &second)?;
            known.check("before").await?;
            let file = File::options().read(true).write(true).open(cache_file(stage)?)?;
            let places: Vec<usize> = occupied(&cache_file(stage)?)?.into_keys().collect();
            let is_over = AtomicBool::new(false);
            std::thread::scope(|scope| {
                let scribbler = scope.spawn(|| scribble(&file, &places, &is_over));
                let checked = tokio::task::block_in_place(|| {
                    tokio::runtime::Handle::current().block_on(async {
                        for _ in 0..10 {
                            known.check("scribbled in").await?;
                        }
                        anyhow::Ok(())
                    })
                });
                is_over.store(true, Ordering::Relaxed);
                let times = scribbler.join().ok().context("the scribbler panicked")??;
                ensure!(times > 1_000, "scribbled only {times} times");
                checked
            })
        })
        .await
}

/// Puts halves of slots into the places of others, as fast as it goes.
fn scribble(file: &File, places: &[usize], is_over: &AtomicBool) -> Result<u64> {
    let mut times: u64 = 0;
    while !is_over.load(Ordering::Relaxed) {
        for (from, to) in places.iter().zip(places.iter().skip(1)) {
            let mut half = [0; SLOT_BYTES / 2];
            file.read_exact_at(&mut half, u64::try_from(from * SLOT_BYTES)?)?;
            file.write_all_at(&half, u64::try_from(to * SLOT_BYTES)?)?;
            times = times.saturating_add(1);
        }
    }
    Ok(times)
}

#[tokio::test]
async fn a_gate_folder_that_is_gone_changes_no_answer() -> Result<()> {
    let (stage, second) = two_gateways(GateFolder::Shared).await?;
    stage
        .play(async |stage| {
            let known = Known::new(stage, &second)?;
            known.check("before").await?;
            let (folder, aside) = (stage.gate_folder(), stage.keys().join("gate.aside"));
            fs::rename(&folder, &aside)?;
            known.check("gone").await?;
            fs::rename(&aside, &folder)?;
            known.check("back").await
        })
        .await
}

#[tokio::test]
async fn a_gate_folder_that_is_read_only_changes_no_answer() -> Result<()> {
    let (stage, second) = two_gateways(GateFolder::ReadOnly).await?;
    stage.play(async |stage| Known::new(stage, &second)?.check("read-only for the second").await).await
}

#[tokio::test]
async fn a_gate_folder_that_is_full_changes_no_answer() -> Result<()> {
    if !may_mount_a_full_folder()? {
        return Ok(());
    }
    let (stage, second) = two_gateways(GateFolder::Full).await?;
    stage.play(async |stage| Known::new(stage, &second)?.check("full for the second").await).await
}

/// Another gate's key in the place of this one's, as after moving a file to another host.
fn replace_gate_key(stage: &Stage) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let made = Command::new(artifacts::watchgate()?).args(["keys", "dev", "--dir"]).arg(folder.path()).output()?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    replace(&stage.keys().join("trust/gate.key"), &fs::read(folder.path().join("trust/gate.key"))?)
}

/// By rename, as all files below `/trust` are replaced.
fn replace(file: &Path, content: &[u8]) -> Result<()> {
    let fresh = file.with_extension("new");
    fs::write(&fresh, content)?;
    Ok(fs::rename(&fresh, file)?)
}

fn now() -> Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())
}
