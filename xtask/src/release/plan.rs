//! What is left to do, computed from what was seen. Pure: the same input gives the same plan.

use serde::Serialize;

use super::{Stage, Unit};

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
    /// Its name.
    pub file: String,
    /// The sum of our bytes, with its algorithm.
    pub ours: String,
    /// The registry's sum.
    pub theirs: String,
}

/// Where the tag of a version is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// Nowhere.
    None,
    /// Only in this clone.
    Local,
    /// Where others fetch.
    Remote,
}

/// What is known about a unit before anything is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its packed bytes lie in the ledger, and fit their sums.
    pub packed: bool,
    /// The ledger says that these bytes were verified.
    pub verified: bool,
    /// The registry.
    pub registry: There,
    /// The tag.
    pub tag: Tag,
    /// Whether its notes are published.
    pub announced: bool,
}

impl Seen {
    /// Nothing at all.
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

    /// All steps, in an order in which they could be done.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.phases.iter().flatten()
    }
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
///
/// # Errors
/// [`Taken`] if a registry has other bytes under a version.
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
