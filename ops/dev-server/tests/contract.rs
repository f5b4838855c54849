//! The contract tables against Core's own configuration loader: every key is one that Core parses, and every range is Core's.
//!
//! Core ignores unknown keys, so a key is real if a value of a wrong type in its place is refused.

#[path = "../src/contract.rs"]
mod contract;

use contract::{ConfigKey, ConfigValue, CONFIG_KEYS, OPTIONAL_SECTIONS};
use tasker_shared::config::ConfigLoader;
use toml::{Table, Value};

fn to_toml(value: ConfigValue) -> Value {
    match value {
        ConfigValue::Str(text) => text.into(),
        ConfigValue::Bool(truth) => truth.into(),
        ConfigValue::Int(number) => number.into(),
        ConfigValue::Float(number) => number.into(),
        ConfigValue::StrList(texts) => texts.to_vec().into(),
        ConfigValue::IntList(numbers) => numbers.to_vec().into(),
    }
}

/// A file with every key at its default, all optional sections included.
fn complete() -> Table {
    let mut file = Table::new();
    for key in CONFIG_KEYS {
        set(&mut file, key.path, to_toml(key.default));
    }
    file
}

fn set(file: &mut Table, path: &str, value: Value) {
    let (section, key) = path.rsplit_once('.').unwrap_or(("", path));
    let mut table = file;
    for name in section.split('.').filter(|name| !name.is_empty()) {
        table = table
            .entry(name)
            .or_insert_with(|| Table::new().into())
            .as_table_mut()
            .unwrap_or_else(|| panic!("{path}: {name} is a section and a key"));
    }
    table.insert(key.to_owned(), value);
}

/// What Core says to the complete file with these values.
fn load(values: &[(&str, Value)]) -> Result<(), String> {
    let mut file = complete();
    for (path, value) in values {
        set(&mut file, path, value.clone());
    }
    load_file(&file)
}

fn load_file(file: &Table) -> Result<(), String> {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("complete.toml");
    std::fs::write(&path, toml::to_string(file).unwrap()).unwrap();
    ConfigLoader::load_from_path(&path)
        .map(drop)
        .map_err(|error| error.to_string())
}

/// Does `check` for every key on all cores; gives what it found wrong.
fn for_each_key(check: impl Fn(&ConfigKey) -> Vec<String> + Sync) -> Vec<String> {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = CONFIG_KEYS
            .chunks(CONFIG_KEYS.len().div_ceil(threads))
            .map(|keys| {
                let check = &check;
                scope.spawn(move || keys.iter().flat_map(check).collect::<Vec<_>>())
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect()
    })
}

/// The number one beyond a limit.
fn beyond(key: &ConfigKey, limit: f64, step: f64) -> Value {
    match key.default {
        ConfigValue::Float(_) => (limit + step / 1000.0).into(),
        _ => number(key, limit + step),
    }
}

#[allow(clippy::cast_possible_truncation)]
fn number(key: &ConfigKey, number: f64) -> Value {
    match key.default {
        ConfigValue::Float(_) => number.into(),
        _ => (number as i64).into(),
    }
}

#[test]
fn defaults_are_accepted_with_and_without_optional_sections() {
    load(&[]).unwrap();
    for (section, _why) in OPTIONAL_SECTIONS {
        let mut file = complete();
        let (above, name) = section.rsplit_once('.').unwrap();
        let mut table = &mut file;
        for name in above.split('.') {
            table = table[name].as_table_mut().unwrap();
        }
        table.remove(name).unwrap();
        load_file(&file).unwrap_or_else(|error| panic!("without {section}: {error}"));
    }
}

#[test]
fn every_key_is_one_that_core_parses() {
    let wrong = for_each_key(|key| {
        let wrong: Value = match key.default {
            ConfigValue::Str(_) => 7.into(),
            _ => "of a wrong type".into(),
        };
        match load(&[(key.path, wrong)]) {
            Err(_) => Vec::new(),
            Ok(()) => vec![format!("{}: Core does not know it", key.path)],
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // The test of the test: a key that does not exist is taken.
    load(&[("common.database.pool.max_conections", "x".into())]).unwrap();
}

#[test]
fn every_range_is_the_one_that_core_checks() {
    let wrong = for_each_key(|key| {
        let mut wrong = Vec::new();
        let mut expect = |value: Value, accepted: bool| {
            let said = load(&[(key.path, value.clone())]);
            if said.is_ok() != accepted {
                let word = if accepted { "refused" } else { "accepted" };
                wrong.push(format!("{} = {value} is {word} {said:?}", key.path));
            }
        };
        for (limit, step) in [(key.min, -1.0), (key.max, 1.0)] {
            if let Some(limit) = limit {
                expect(number(key, limit), true);
                expect(beyond(key, limit, step), false);
            }
        }
        wrong
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_key_without_a_range_has_none_in_core_either() {
    let wrong = for_each_key(|key| {
        let mut wrong = Vec::new();
        // Wider than any range of Core, and within every whole type of it but the two smallest.
        for (limit, probe) in [(key.min, -1.0), (key.max, 4_000_000_000.0)] {
            let is_number = matches!(key.default, ConfigValue::Int(_) | ConfigValue::Float(_));
            if !is_number || limit.is_some() {
                continue;
            }
            if let Err(error) = load(&[(key.path, number(key, probe))]) {
                wrong.push(format!("{} = {probe}: {error}", key.path));
            }
        }
        wrong
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_choice_is_accepted() {
    let wrong = for_each_key(|key| {
        let said = key.choices.iter().map(|word| {
            load(&[(key.path, (*word).into())])
                .err()
                .map(|error| format!("{} = {word}: {error}", key.path))
        });
        said.flatten().collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
