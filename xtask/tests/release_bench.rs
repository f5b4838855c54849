//! A whole release of the small repository to registries on loopback, beside a script that makes the same uploads one after the other.
//!
//! `cargo xtask bench release` runs it and prints the ratios; each line here is a record.

mod release;

use std::time::{Duration, Instant};

use release::provision;
use release::registries::Registries;
use release::world::World;

/// What a careful person would write: everything packed, uploaded and tagged, in an order that works, and nothing looked at again.
const SCRIPT: &str = r#"
set -euo pipefail
out=$(mktemp -d)
cargo publish --quiet --no-verify --registry loop --package fix-base
cargo publish --quiet --no-verify --registry loop --package fix-top
(cd python/pkg && uv build --quiet --out-dir "$out/py" && uv publish --quiet --publish-url "$PYPI" "$out"/py/*)
(cd npm && npm pack --silent --pack-destination "$out" && npm publish --silent --registry "$NPM" "$out"/fix-npm-0.1.0.tgz)
(cd gem && gem build --silent --norc --output "$out/g.gem" fix-gem.gemspec && gem push --host "$GEMS" "$out/g.gem")
helm package --destination "$out" chart
helm push --plain-http "$out/fix-chart-0.1.0.tgz" "$CHARTS"
git archive --prefix fix-plugin-0.1.0/ --output "$out/fix-plugin-0.1.0.tar.gz" HEAD:plugin
for file in "$out"/*.tar.gz; do
    curl --silent --fail --noproxy '*' --header "Authorization: Bearer $XTASK_FILES_TOKEN" --upload-file "$file" "$FILES/plugin/v0.1.0/$(basename "$file")"
done
for tag in chart/v0.1.0 gem/v0.1.0 npm/v0.1.0 plugin/v0.1.0 python/pkg/v0.3.0-rc.1 rust/base/v0.1.0 rust/top/v0.2.0; do
    git tag --annotate --message "$tag" "$tag"
    git push --quiet origin "$tag"
done
"#;

fn main() {
    let runs: usize = std::env::args()
        .filter_map(|word| word.parse().ok())
        .next()
        .unwrap_or(3);
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(
        folder.path(),
        Registries::start(folder.path(), provision::programs()),
    );
    let (base, ready) = (folder.path().join("base"), folder.path().join("ready"));
    world.save(&base);
    let mut took: [Vec<Duration>; 3] = Default::default();
    for _ in 0..runs {
        world.restore(&base);
        took[0].push(timed(|| script(&world)));
        world.restore(&base);
        took[1].push(timed(|| release(&world, &[])));
        world.restore(&base);
        release(&world, &["--until=verified"]);
        world.save(&ready);
        took[2].push(timed(|| release(&world, &[])));
    }
    let cases = [
        "script: pack, upload, tag",
        "release: all of it, tried before",
        "release: what is packed and tried",
    ];
    let script = median(&mut took[0]);
    for (case, mut took) in cases.into_iter().zip(took) {
        let median = median(&mut took);
        let record = serde_json::json!({
            "case": case, "runs": runs, "median_s": median.as_secs_f64(), "min_s": took[0].as_secs_f64(),
            "ratio": median.as_secs_f64() / script.as_secs_f64(),
        });
        println!("{record}");
    }
}

fn timed(what: impl FnOnce()) -> Duration {
    let started = Instant::now();
    what();
    started.elapsed()
}

/// Sorts, too.
fn median(took: &mut [Duration]) -> Duration {
    took.sort();
    took[took.len() / 2]
}

fn release(world: &World, more: &[&str]) {
    let args: Vec<&str> = ["release"].iter().chain(more).copied().collect();
    let ran = world.run(&args, &[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

fn script(world: &World) {
    let url = |kind| world.registries.url(kind);
    let charts = format!(
        "oci://{}/charts",
        url("charts").trim_start_matches("http://")
    );
    let place = format!(
        "npm_config_{}/:_authToken",
        url("npm").trim_start_matches("http:")
    );
    let ran = world
        .command("bash", &world.repo())
        .args(["-c", SCRIPT])
        .envs([
            ("PYPI", format!("{}/", url("pypi"))),
            ("NPM", format!("{}/", url("npm"))),
            ("GEMS", url("gems")),
            ("CHARTS", charts),
            ("FILES", url("files")),
            (place.as_str(), world.registries.npm_token.clone()),
        ])
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{}{}",
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
}
