//! Properties of discovery and of the order of units.

use std::collections::{BTreeMap, BTreeSet};
use xtask::lang;

use proptest::prelude::*;
use xtask::error::Error;
use xtask::repo::affected::{affected, Reason};
use xtask::repo::inputs::{Inputs, Reach};
use xtask::repo::Repo;
use xtask::unit::graph::in_order;
use xtask::unit::Unit;

fn unit(folder: String, depends_on: Vec<String>) -> Unit {
    Unit {
        name: folder.clone(),
        folder,
        language: "python",
        depends_on,
        needs_built: Vec::new(),
        tested_with: Vec::new(),
        inputs: Vec::new(),
        env: Vec::new(),
        parts: Vec::new(),
        shared_files: &[],
        file: "pyproject.toml".to_owned(),
        manifest: toml::Table::new(),
    }
}

/// Units `u0 …` with any edges at all.
fn graphs() -> impl Strategy<Value = Vec<Vec<usize>>> {
    (1usize..12).prop_flat_map(|size| {
        proptest::collection::vec(proptest::collection::vec(0..size, 0..4), size)
    })
}

fn units(edges: &[Vec<usize>]) -> Vec<Unit> {
    let name = |index: usize| format!("u{index}");
    edges
        .iter()
        .enumerate()
        .map(|(index, to)| unit(name(index), to.iter().map(|to| name(*to)).collect()))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn dependencies_come_first_or_a_true_circle_is_named(edges in graphs()) {
        let given = units(&edges);
        match in_order(given.clone()) {
            Ok(ordered) => {
                let place: BTreeMap<_, _> = ordered.iter().enumerate().map(|(at, unit)| (&unit.folder, at)).collect();
                prop_assert_eq!(place.len(), given.len(), "nothing is lost or doubled");
                for unit in &ordered {
                    for folder in unit.depends_on.iter().filter(|folder| **folder != unit.folder) {
                        prop_assert!(place[folder] < place[&unit.folder], "{} before {}", folder, unit.folder);
                    }
                }
            }
            Err(Error::Circle { units }) => {
                prop_assert!(units.len() > 2);
                prop_assert_eq!(units.first(), units.last());
                for pair in units.windows(2) {
                    let from = given.iter().find(|unit| unit.folder == pair[0]).unwrap();
                    prop_assert!(from.depends_on.contains(&pair[1]), "{} does not need {}", pair[0], pair[1]);
                }
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }

    #[test]
    fn the_order_does_not_depend_on_chance(edges in graphs()) {
        if let Ok(ordered) = in_order(units(&edges)) {
            prop_assert_eq!(in_order(units(&edges)).unwrap(), ordered.clone());
            // What is in order stays as it is.
            prop_assert_eq!(in_order(ordered.clone()).unwrap(), ordered);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_manifest_is_found_wherever_it_is_and_no_other(
        folders in proptest::collection::btree_set("[a-c](/[a-c]){0,3}", 0..8),
        hidden in proptest::collection::btree_set("(target|node_modules|\\.venv|tests/fixtures)/[a-c]", 0..4),
    ) {
        let root = tempfile::TempDir::new().unwrap();
        for folder in folders.iter().chain(&hidden) {
            let folder_path = root.path().join(folder);
            std::fs::create_dir_all(&folder_path).unwrap();
            std::fs::write(folder_path.join("pyproject.toml"), format!("[project]\nname = \"{}\"\n", folder.replace('/', "-"))).unwrap();
        }
        let repo = lang::discover(root.path()).unwrap();
        let found: BTreeSet<String> = repo.units.iter().map(|unit| unit.folder.clone()).collect();
        prop_assert_eq!(found, folders);
    }
}

/// Units in folders that may lie in each other, with every kind of edge, and files in and beside them.
fn repositories() -> impl Strategy<Value = (Repo, Vec<String>)> {
    let folders = proptest::collection::btree_set("[a-c](/[a-c]){0,2}", 1..9);
    folders.prop_flat_map(|folders| {
        let folders: Vec<String> = folders.into_iter().collect();
        let size = folders.len();
        let edges =
            proptest::collection::vec(proptest::collection::vec((0..size, 0..3u8), 0..3), size);
        let inputs =
            proptest::collection::vec(proptest::collection::vec("[a-d](/[a-d]){0,2}", 0..2), size);
        let files = proptest::collection::vec("[a-d](/[a-d]){0,3}/f", 0..6);
        (Just(folders), edges, inputs, files).prop_map(|(folders, edges, inputs, files)| {
            let units = folders
                .iter()
                .zip(edges)
                .zip(inputs)
                .map(|((folder, edges), inputs)| {
                    let mut unit = unit(folder.clone(), Vec::new());
                    for (to, kind) in edges {
                        let list = match kind {
                            0 => &mut unit.depends_on,
                            1 => &mut unit.needs_built,
                            _ => &mut unit.tested_with,
                        };
                        list.push(folders[to].clone());
                    }
                    Unit { inputs, ..unit }
                });
            (
                Repo::new(std::path::Path::new("/nowhere"), units.collect()),
                files,
            )
        })
    })
}

fn decided(repo: &Repo, files: &[String]) -> BTreeSet<usize> {
    let decided = affected(repo, &Inputs::of(repo), files.iter().map(String::as_str));
    decided.0.into_keys().collect()
}

/// Whether a path is a folder's or lies in it, said in another way than the program does.
fn is_in(path: &str, folder: &str) -> bool {
    path == folder || path.starts_with(&format!("{folder}/"))
}

/// The same decision, spelt out: whose input is the file itself, then who reaches one of those over any edge.
fn brute_force(repo: &Repo, files: &[String]) -> BTreeSet<usize> {
    let units = &repo.units;
    let mut hit = vec![false; units.len()];
    for file in files {
        let owner = units
            .iter()
            .filter(|unit| is_in(file, &unit.folder))
            .map(|unit| &unit.folder)
            .max_by_key(|folder| folder.len());
        let mut direct: Vec<usize> = Vec::new();
        for (index, unit) in units.iter().enumerate() {
            let around = owner.is_some_and(|owner| is_in(&unit.folder, owner));
            if around || unit.inputs.iter().any(|input| is_in(file, input)) {
                direct.push(index);
            }
        }
        if direct.is_empty() {
            hit.fill(true);
        }
        direct.into_iter().for_each(|index| hit[index] = true);
    }
    // As many rounds as there are units reach everything that can be reached.
    for _ in units {
        for index in 0..units.len() {
            let unit = &units[index];
            let edges = unit
                .depends_on
                .iter()
                .chain(&unit.needs_built)
                .chain(&unit.tested_with);
            let named: Vec<&String> = edges.collect();
            let uses =
                |other: &Unit| named.contains(&&other.folder) || is_in(&other.folder, &unit.folder);
            hit[index] |= units
                .iter()
                .enumerate()
                .any(|(place, other)| hit[place] && uses(other));
        }
    }
    hit.iter()
        .enumerate()
        .filter(|(_, hit)| **hit)
        .map(|(index, _)| index)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn affected_is_what_brute_force_reaches((repo, files) in repositories()) {
        prop_assert_eq!(decided(&repo, &files), brute_force(&repo, &files));
    }

    #[test]
    fn more_files_never_affect_fewer_units((repo, files) in repositories(), cut in 0usize..6) {
        let fewer = decided(&repo, &files[..cut.min(files.len())]);
        let all = decided(&repo, &files);
        prop_assert!(fewer.is_subset(&all), "{fewer:?} {all:?}");
    }

    #[test]
    fn the_cache_and_affected_agree_on_every_file((repo, files) in repositories()) {
        let inputs = Inputs::of(&repo);
        for file in &files {
            let reached: BTreeSet<usize> = match inputs.reach(file) {
                Reach::Everything => (0..repo.units.len()).collect(),
                Reach::Units(units) => units.into_iter().map(|(unit, _)| unit).collect(),
            };
            // A key holds the files of everything that a unit uses.
            let in_key: BTreeSet<usize> = (0..repo.units.len()).filter(|unit| inputs.closure([*unit]).iter().any(|used| reached.contains(used))).collect();
            prop_assert_eq!(decided(&repo, std::slice::from_ref(file)), in_key);
        }
    }

    #[test]
    fn every_reason_leads_to_a_changed_file((repo, files) in repositories()) {
        let decided = affected(&repo, &Inputs::of(&repo), files.iter().map(String::as_str));
        for unit in decided.0.keys() {
            let lines = decided.why(&repo, *unit);
            prop_assert!(lines.len() <= repo.units.len(), "{lines:?}");
            prop_assert!(files.iter().any(|file| lines.last().is_some_and(|line| line.contains(file.as_str()))), "{lines:?}");
            let is_through = |reason: &Reason| matches!(reason, Reason::Through { .. });
            prop_assert_eq!(lines.len() > 1, is_through(&decided.0[unit]));
        }
    }
}
