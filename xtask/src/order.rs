//! Orders in which everything comes after what it needs.

use std::collections::BTreeSet;

/// An order in which each place comes after those it needs; the given order otherwise. A circle, if there is one.
pub fn order(edges: &[BTreeSet<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let mut done = vec![false; edges.len()];
    let mut out = Vec::with_capacity(edges.len());
    for start in 0..edges.len() {
        // A stack of our own: a chain of a thousand units is no reason to overflow.
        let mut path = vec![(start, edges[start].iter())];
        if done[start] {
            continue;
        }
        let mut on_path = BTreeSet::from([start]);
        while let Some((place, needs)) = path.last_mut() {
            let place = *place;
            match needs.find(|need| !done[**need]) {
                Some(need) if !on_path.insert(*need) => {
                    let at = path.iter().position(|(open, _)| open == need).unwrap_or(0);
                    let mut circle: Vec<usize> = path[at..].iter().map(|(open, _)| *open).collect();
                    circle.push(*need);
                    return Err(circle);
                }
                Some(need) => path.push((*need, edges[*need].iter())),
                None => {
                    done[place] = true;
                    on_path.remove(&place);
                    out.push(place);
                    path.pop();
                }
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::order;
    use std::collections::BTreeSet;

    #[test]
    fn needs_come_first_and_circles_are_named() {
        let edges = [BTreeSet::from([2]), BTreeSet::new(), BTreeSet::from([1])];
        assert_eq!(order(&edges), Ok(vec![1, 2, 0]));
        let circle = [
            BTreeSet::from([1]),
            BTreeSet::from([2]),
            BTreeSet::from([1]),
        ];
        assert_eq!(order(&circle), Err(vec![1, 2, 1]));
    }
}
