//! Properties of discovery and of the order of units.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use xtask::error::Error;
use xtask::repo::{in_order, Repo, Unit};

fn unit(folder: String, depends_on: Vec<String>) -> Unit {
    Unit {
        name: folder.clone(),
        folder,
        language: "python",
        depends_on,
        needs_built: Vec::new(),
        parts: Vec::new(),
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
        let repo = Repo::discover(root.path()).unwrap();
        let found: BTreeSet<String> = repo.units.iter().map(|unit| unit.folder.clone()).collect();
        prop_assert_eq!(found, folders);
    }
}
