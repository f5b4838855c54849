//! What is left to do, computed from what was seen. Pure: the same input gives the same plan.

use std::collections::BTreeSet;

use serde::Serialize;

use super::stage::Stage;
use crate::publish::Unit;

/// What a registry has of a package's version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum There {
    /// Nothing, or not every file.
    No,
    /// Something, but our own bytes are not packed yet, so that they cannot be compared.
    NotCompared,
    /// Our bytes.
    Same,
    /// Other bytes.
    Other(Conflict),
}

/// A file that a registry has with other bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Conflict {
    pub file: String,
    /// The sum of our bytes, with its algorithm.
    pub ours: String,
    pub theirs: String,
}

/// Where the tag of a version is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    None,
    /// Only in this clone.
    Local,
    Remote,
}

/// What is known about a unit before anything is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its packed bytes lie in the ledger, and fit their sums.
    pub packed: bool,
    /// The ledger says that these bytes were verified.
    pub verified: bool,
    pub registry: There,
    pub tag: Tag,
    /// Whether its notes are published.
    pub announced: bool,
}

impl Seen {
    pub const NOTHING: Self = Self {
        packed: false,
        verified: false,
        registry: There::No,
        tag: Tag::None,
        announced: false,
    };

    /// The last stage that is reached; the stages before it count as reached, too.
    pub fn stage(&self) -> Option<Stage> {
        Some(match self {
            Self {
                announced: true,
                tag: Tag::Remote,
                ..
            } => Stage::Announced,
            Self {
                tag: Tag::Remote, ..
            } => Stage::Tagged,
            Self {
                registry: There::Same | There::NotCompared,
                ..
            } => Stage::Visible,
            Self {
                packed: true,
                verified: true,
                ..
            } => Stage::Verified,
            Self { packed: true, .. } => Stage::Packed,
            _ => return None,
        })
    }
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The place of the unit.
    pub unit: usize,
    /// What is reached by it.
    pub stage: Stage,
    /// Places of the steps of the same phase that must have succeeded before.
    pub needs: Vec<usize>,
}

/// Everything that is left to do, in three phases: a phase begins when all of the one before has succeeded.
///
/// So nothing is uploaded before everything is verified, and nothing is tagged before everything is visible.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Packing and verifying; uploading and waiting; tagging and announcing.
    pub phases: [Vec<Step>; 3],
    /// Places of the units that this release brings out: nothing can rely on their being in a registry.
    pub fresh: BTreeSet<usize>,
}

impl Plan {
    /// How many steps there are.
    pub fn len(&self) -> usize {
        self.phases.iter().map(Vec::len).sum()
    }

    /// Whether nothing is left to do.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same plan, ending when every unit has come to a stage. What is needed for that stays, even if it is of a later
    /// stage: a package is uploaded when those it builds on are visible.
    #[must_use]
    pub fn until(self, last: Stage) -> Self {
        Self {
            phases: self.phases.map(|steps| cut(steps, last)),
            fresh: self.fresh,
        }
    }

    /// All steps, in an order in which they could be done.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.phases.iter().flatten()
    }
}

fn cut(steps: Vec<Step>, last: Stage) -> Vec<Step> {
    let mut stays: Vec<bool> = steps.iter().map(|step| step.stage <= last).collect();
    // What a step needs stands before it.
    for place in (0..steps.len()).rev() {
        if stays[place] {
            for need in &steps[place].needs {
                stays[*need] = true;
            }
        }
    }
    let place_of: Vec<usize> = stays
        .iter()
        .scan(0, |next, stays| {
            let place = *next;
            *next += usize::from(*stays);
            Some(place)
        })
        .collect();
    let renumber = |mut step: Step| {
        for need in &mut step.needs {
            *need = place_of[*need];
        }
        step
    };
    steps
        .into_iter()
        .zip(stays)
        .filter_map(|(step, stays)| stays.then(|| renumber(step)))
        .collect()
}

/// A unit that cannot be released, because the version is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The place of the unit.
    pub unit: usize,
    /// What the registry has.
    pub conflict: Conflict,
}

/// Computes what is left to do. `units` are in order, `seen` says what is known of each.
pub fn plan(units: &[Unit], seen: &[Seen]) -> Result<Plan, Taken> {
    let mut plan = Plan::default();
    // Per unit the last step of each phase, if it has one.
    let mut last: Vec<[Option<usize>; 3]> = vec![[None; 3]; units.len()];
    let mut packing: Vec<Option<usize>> = vec![None; units.len()];
    for (place, (unit, seen)) in units.iter().zip(seen).enumerate() {
        if let There::Other(conflict) = &seen.registry {
            return Err(Taken {
                unit: place,
                conflict: conflict.clone(),
            });
        }
        if seen.tag != Tag::Remote {
            plan.fresh.insert(place);
        }
        for stage in left(seen) {
            let phase = phase(stage);
            let steps = &mut plan.phases[phase];
            let mut needs: Vec<usize> = last[place][phase].into_iter().collect();
            for need in &unit.needs {
                needs.extend(match stage {
                    Stage::Packed | Stage::Verified => packing[*need],
                    Stage::Uploaded => last[*need][phase],
                    _ => None,
                });
            }
            steps.push(Step {
                unit: place,
                stage,
                needs,
            });
            let at = steps.len() - 1;
            last[place][phase] = Some(at);
            if stage == Stage::Packed {
                packing[place] = Some(at);
            }
        }
    }
    Ok(plan)
}

/// The stages that are not reached.
fn left(seen: &Seen) -> Vec<Stage> {
    match (seen.tag, seen.announced) {
        (Tag::Remote, true) => return Vec::new(),
        // What is tagged was uploaded, perhaps from an older commit: there is nothing to compare it with.
        (Tag::Remote, false) => return vec![Stage::Announced],
        _ => {}
    }
    let mut stages = Vec::with_capacity(6);
    if !seen.packed {
        stages.push(Stage::Packed);
    }
    // What is in a registry was verified before it went there.
    if !(seen.packed && seen.verified) && seen.registry == There::No {
        stages.push(Stage::Verified);
    }
    if seen.registry != There::Same {
        stages.extend([Stage::Uploaded, Stage::Visible]);
    }
    stages.extend([Stage::Tagged, Stage::Announced]);
    stages
}

fn phase(stage: Stage) -> usize {
    match stage {
        Stage::Packed | Stage::Verified => 0,
        Stage::Uploaded | Stage::Visible => 1,
        Stage::Tagged | Stage::Announced => 2,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::PathBuf;

    use proptest::prelude::*;
    use semver::Version;

    use super::{plan, Conflict, Plan, Seen, Step, Tag, There};
    use crate::lang;
    use crate::publish::Unit;
    use crate::release::stage::Stage;

    fn unit(name: usize, needs: Vec<usize>) -> Unit {
        let ecosystems = lang::ecosystems();
        let ecosystem = ecosystems[name % ecosystems.len()];
        Unit {
            name: format!("unit-{name}"),
            folder: format!("units/{name}"),
            ecosystem,
            channel: lang::channel(ecosystem).unwrap(),
            version: Version::new(1, 0, 0),
            written: "1.0.0".into(),
            tag: format!("units/{name}/v1.0.0"),
            changelog: PathBuf::from("CHANGELOG.md"),
            needs,
            uses: Vec::new(),
            smoke: Vec::new(),
            smoke_extras: Vec::new(),
        }
    }

    fn stages(plan: &Plan, unit: usize) -> Vec<Stage> {
        let steps = plan.steps().filter(|step| step.unit == unit);
        steps.map(|step| step.stage).collect()
    }

    fn one(seen: &Seen) -> Vec<Stage> {
        stages(
            &plan(&[unit(0, vec![])], std::slice::from_ref(seen)).unwrap(),
            0,
        )
    }

    #[test]
    fn only_what_is_not_reached_is_left() {
        let nothing = Seen::NOTHING;
        assert_eq!(one(&nothing), Stage::ALL);
        let packed = Seen {
            packed: true,
            ..nothing.clone()
        };
        assert_eq!(one(&packed), Stage::ALL[1..]);
        let verified = Seen {
            verified: true,
            ..packed.clone()
        };
        assert_eq!(one(&verified), Stage::ALL[2..]);
        let visible = Seen {
            registry: There::Same,
            ..verified
        };
        assert_eq!(one(&visible), [Stage::Tagged, Stage::Announced]);
        // A tag that only this clone has still has to be sent.
        let local = Seen {
            tag: Tag::Local,
            ..visible.clone()
        };
        assert_eq!(one(&local), [Stage::Tagged, Stage::Announced]);
        let tagged = Seen {
            tag: Tag::Remote,
            ..visible
        };
        assert_eq!(one(&tagged), [Stage::Announced]);
        assert_eq!(
            one(&Seen {
                announced: true,
                ..tagged
            }),
            []
        );
        // The packed bytes are gone: they are made again to be compared, and what is there was verified before.
        let lost = Seen {
            registry: There::NotCompared,
            ..nothing
        };
        assert_eq!(
            one(&lost),
            [
                Stage::Packed,
                Stage::Uploaded,
                Stage::Visible,
                Stage::Tagged,
                Stage::Announced
            ]
        );
    }

    #[test]
    fn other_bytes_stop_everything() {
        let conflict = Conflict {
            file: "a.crate".into(),
            ours: "sha256:1".into(),
            theirs: "sha256:2".into(),
        };
        let seen = [
            Seen::NOTHING,
            Seen {
                registry: There::Other(conflict.clone()),
                ..Seen::NOTHING
            },
        ];
        let taken = plan(&[unit(0, vec![]), unit(1, vec![])], &seen).unwrap_err();
        assert_eq!((taken.unit, taken.conflict), (1, conflict));
    }

    #[test]
    fn a_plan_that_ends_early_keeps_what_it_needs() {
        let units = [unit(0, vec![]), unit(1, vec![0])];
        let whole = || plan(&units, &[Seen::NOTHING, Seen::NOTHING]).unwrap();
        let verified = whole().until(Stage::Verified);
        assert_eq!(verified.phases[1].len() + verified.phases[2].len(), 0);
        assert_eq!(stages(&verified, 1), Stage::ALL[..2]);
        assert_eq!(
            verified.fresh,
            BTreeSet::from([0, 1]),
            "the second one is packed with the first"
        );
        let uploaded = whole().until(Stage::Uploaded);
        assert_eq!(
            stages(&uploaded, 0),
            Stage::ALL[..4],
            "the second one needs it"
        );
        assert_eq!(stages(&uploaded, 1), Stage::ALL[..3]);
        assert_eq!(whole().until(Stage::Announced), whole());
    }

    /// Units in order with any earlier ones as needs, and anything that can be seen of each but a conflict.
    fn worlds() -> impl Strategy<Value = (Vec<Unit>, Vec<Seen>)> {
        let registry = prop_oneof![Just(There::No), Just(There::NotCompared), Just(There::Same)];
        let tag = prop_oneof![Just(Tag::None), Just(Tag::Local), Just(Tag::Remote)];
        let seen = (any::<bool>(), any::<bool>(), registry, tag, any::<bool>()).prop_map(
            |(packed, verified, registry, tag, announced)| Seen {
                packed,
                verified,
                registry,
                tag,
                announced,
            },
        );
        prop::collection::vec((any::<u16>(), seen), 1..14).prop_map(|rows| {
            let needs =
                |place: usize, mask: u16| (0..place).filter(|need| mask >> need & 1 == 1).collect();
            rows.into_iter()
                .enumerate()
                .map(|(place, (mask, seen))| (unit(place, needs(place, mask)), seen))
                .unzip()
        })
    }

    /// The steps of a phase in an order in which threads could do them: each when what it needs is done.
    fn is_sound(steps: &[Step]) -> bool {
        steps
            .iter()
            .enumerate()
            .all(|(place, step)| step.needs.iter().all(|need| *need < place))
    }

    proptest! {
        #[test]
        fn every_plan_is_in_order((units, seen) in worlds(), last in 0..6usize) {
            let whole = plan(&units, &seen).unwrap();
            let place = |unit: usize, stage: Stage| {
                whole.steps().position(|step| step.unit == unit && step.stage == stage)
            };
            for steps in &whole.phases {
                prop_assert!(is_sound(steps));
            }
            for (at, unit) in units.iter().enumerate() {
                // Each stage once, in order.
                let own = stages(&whole, at);
                prop_assert!(own.windows(2).all(|pair| pair[0] < pair[1]));
                // An upload waits for whatever it builds on to be visible.
                if let Some(upload) = place(at, Stage::Uploaded) {
                    for need in &unit.needs {
                        if let Some(visible) = place(*need, Stage::Visible) {
                            let phase: Vec<&Step> = whole.phases[1].iter().collect();
                            let offset = whole.phases[0].len();
                            prop_assert!(reaches(&phase, upload - offset, visible - offset));
                        }
                    }
                }
            }
            // Cut anywhere, it still is a plan, and the rest of the way is what a second run finds.
            let cut = whole.clone().until(Stage::ALL[last]);
            for steps in &cut.phases {
                prop_assert!(is_sound(steps));
            }
            for at in 0..units.len() {
                let (own, left) = (stages(&whole, at), stages(&cut, at));
                prop_assert_eq!(&own[..left.len()], &left[..]);
                prop_assert!(own.iter().filter(|stage| **stage <= Stage::ALL[last]).count() <= left.len());
            }
        }
    }

    /// Whether a step needs another, directly or through others.
    fn reaches(steps: &[&Step], from: usize, to: usize) -> bool {
        from == to
            || steps[from]
                .needs
                .iter()
                .any(|need| reaches(steps, *need, to))
    }
}
