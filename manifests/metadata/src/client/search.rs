//! The search for a target: depth first through the delegations, in their order (specification, section 5.6.7).

use std::collections::BTreeSet;

use super::{Client, Local, Outcome, Remote, out_of_order};
use crate::error::Error;
use crate::name::{RoleName, TargetPath};
use crate::role::delegations::Delegate;
use crate::role::targets::Targets;
use crate::target::Target;
use crate::trusted::TrustedMetadata;
use crate::verify::Verified;

/// A role to be asked for the target, and who says that it may be.
struct Visit {
    role: RoleName,
    delegator: Option<RoleName>,
}

impl<R: Remote, L: Local> Client<R, L> {
    /// Looks for a target, as of the last refresh. `None` if no role that may vouch for it does.
    ///
    /// Errors: a role on the way that is missing or not acceptable ends the search, since what it would
    /// have said is not known; [`Error::OutOfOrder`] if no refresh has succeeded.
    pub fn find_target(&mut self, path: &TargetPath) -> Outcome<Option<Target>, R, L> {
        let mut trusted = self
            .trusted
            .take()
            .ok_or_else(|| out_of_order("targets", "timestamp"))?;
        let found = self.search(&mut trusted, path);
        self.trusted = Some(trusted);
        found
    }

    /// A role to which the top-level targets delegate by its name, as of the last refresh.
    pub fn delegated_role(&mut self, role: &RoleName) -> Outcome<Verified<Targets>, R, L> {
        let targets = RoleName::fixed("targets");
        let mut trusted = self
            .trusted
            .take()
            .ok_or_else(|| out_of_order("targets", "timestamp"))?;
        let loaded = self.load_role(&mut trusted, role, Some(&targets));
        let verified = trusted.targets(role).cloned();
        self.trusted = Some(trusted);
        loaded?;
        Ok(verified.ok_or_else(|| Error::NotDelegated {
            role: role.clone(),
            delegator: targets,
        })?)
    }

    fn search(
        &mut self,
        trusted: &mut TrustedMetadata,
        path: &TargetPath,
    ) -> Outcome<Option<Target>, R, L> {
        let mut pending = vec![Visit {
            role: RoleName::fixed("targets"),
            delegator: None,
        }];
        let mut visited = BTreeSet::new();
        while let Some(visit) = pending.pop() {
            // A role names the same targets whoever delegates to it: cycles and diamonds end here.
            if !visited.insert(visit.role.clone()) {
                continue;
            }
            // The top-level targets, visited first, are no delegation.
            if visited.len() > self.limits.delegations.saturating_add(1) {
                return Err(Error::TooManyDelegations {
                    path: path.clone(),
                    limit: self.limits.delegations,
                }
                .into());
            }
            if let Some(delegator) = &visit.delegator {
                self.load_role(trusted, &visit.role, Some(delegator))?;
            }
            let Some(targets) = trusted.targets(&visit.role) else {
                continue;
            };
            if let Some(file) = targets.targets.get(path) {
                let consistent = self.root.consistent_snapshot;
                let target = Target::new(path.clone(), file.clone(), visit.role, consistent)?;
                return Ok(Some(target));
            }
            descend(&mut pending, visit.role, targets, path);
        }
        Ok(None)
    }
}

/// Puts the delegates of a role before everything that is pending. A terminating one ends the list:
/// no role after it, here or further up, is asked.
fn descend(pending: &mut Vec<Visit>, delegator: RoleName, targets: &Targets, path: &TargetPath) {
    let delegates = targets
        .delegations
        .as_ref()
        .map_or_else(Vec::new, |delegations| delegations.delegates(path));
    let last = delegates.iter().position(|delegate| delegate.terminating);
    if last.is_some() {
        pending.clear();
    }
    let asked = last.map_or(delegates.len(), |last| last + 1);
    let visit = |delegate: Delegate| Visit {
        role: delegate.name,
        delegator: Some(delegator.clone()),
    };
    let visits: Vec<_> = delegates.into_iter().take(asked).map(visit).collect();
    pending.extend(visits.into_iter().rev());
}
