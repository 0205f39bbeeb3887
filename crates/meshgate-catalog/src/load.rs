//! From a folder to a snapshot: read, parse each domain on its own, then what only the whole mesh can tell.

use std::{
    collections::{BTreeSet, HashMap},
    num::NonZero,
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::{
    CatalogSnapshot, Diagnostic, Location, PolicyFile, PolicyOwner, Report, Severity, UserDirectory,
    domain::{DomainLoader, LoadedDomain, Place},
    files::{DomainFolder, SourceTree},
    lint,
    mesh::MeshFile,
    rules,
    yaml::{self, Mark, SourceFile},
};

/// Loads a catalog folder, all or nothing.
pub(crate) fn load(folder: &Path) -> Result<(CatalogSnapshot, Report), Report> {
    let mut findings = Vec::new();
    let root = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
    let tree = SourceTree::read(&root, &mut findings);
    let mesh = tree.mesh.as_ref().and_then(|source| {
        let tree = yaml::parse(source, &mut findings)?;
        lint::find_secrets(source, &tree, &mut findings);
        Some(MeshFile::read(source, &tree, &mut findings))
    });
    let mesh = mesh.unwrap_or_default();
    let mut loaded = load_domains(&root, &tree, &mesh);
    for domain in &mut loaded {
        findings.append(&mut domain.findings);
    }
    find_repeated_ids(&loaded, &mut findings);
    find_foreign_locations(&loaded, &mut findings);
    check_mesh(&tree, &mesh, &loaded, &mut findings);
    let users = tree.users.as_ref().and_then(|source| {
        let (users, roles) = UserDirectory::read(source, &mut findings)?;
        if loaded.iter().all(|domain| domain.is_complete) {
            find_unknown_roles(source, &roles, &mesh, &loaded, &mut findings);
        }
        Some(users)
    });
    let report = Report::new(with_severities(findings, &mesh));
    if report.has_errors() {
        return Err(report);
    }
    let snapshot = CatalogSnapshot {
        name: mesh.name,
        policy_files: policy_files(&tree),
        revision: tree.revision.clone(),
        classifications: mesh.classifications,
        domains: loaded.into_iter().map(|loaded| (loaded.domain.name.clone(), loaded.domain)).collect(),
        users,
    };
    Ok((snapshot, report))
}

/// Domains know nothing of one another, so they are parsed on all cores.
fn load_domains<'tree>(root: &Path, tree: &'tree SourceTree, mesh: &MeshFile) -> Vec<LoadedDomain<'tree>> {
    let folders: Vec<(&String, &DomainFolder)> = tree.domains.iter().collect();
    let next = AtomicUsize::new(0);
    let loaded = Mutex::new(Vec::with_capacity(folders.len()));
    let work = || {
        while let Some((name, folder)) = folders.get(next.fetch_add(1, Ordering::Relaxed)) {
            let domain = DomainLoader::new(root, mesh, name, folder).load();
            loaded.lock().unwrap_or_else(PoisonError::into_inner).push(domain);
        }
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(folders.len());
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    let mut loaded = loaded.into_inner().unwrap_or_else(PoisonError::into_inner);
    loaded.sort_by(|one, other| one.domain.name.cmp(&other.domain.name));
    loaded
}

fn find_repeated_ids(loaded: &[LoadedDomain<'_>], findings: &mut Vec<Diagnostic>) {
    let mut first_of: HashMap<(&str, &str), &Path> = HashMap::new();
    for id in loaded.iter().flat_map(|domain| &domain.ids) {
        match first_of.get(&(id.id.as_str(), id.version.as_str())) {
            Some(first) => {
                let message = format!("id `{}` in version {} is taken by `{}`", id.id, id.version, first.display());
                let finding = rules::ID_DUPLICATE.at(id.source, id.mark, message);
                findings.push(finding.with_hint("give each product and contract an id of its own"));
            }
            None => _ = first_of.insert((&id.id, &id.version), &id.source.path),
        }
    }
}

/// A domain that could publish another's data would give it policies of its own.
fn find_foreign_locations(loaded: &[LoadedDomain<'_>], findings: &mut Vec<Diagnostic>) {
    let places = loaded.iter().flat_map(|domain| &domain.places);
    let mut places: Vec<&Place<'_>> = places.filter(|place| !place.table.location.url.is_empty()).collect();
    let key = |place: &Place<'_>| (place.table.location.endpoint.clone(), place.table.location.url.clone());
    places.sort_by_cached_key(|place| (key(place), place.source.path.clone()));
    // Those whose folder the current one is in, the outermost first.
    let mut around: Vec<&Place<'_>> = Vec::new();
    for place in places {
        let location = &place.table.location;
        let is_within = |outer: &Location| location.endpoint == outer.endpoint && location.url.starts_with(&outer.url);
        while around.last().is_some_and(|outer| !is_within(&outer.table.location)) {
            around.pop();
        }
        if let Some(other) = around.iter().find(|other| other.table.name.domain != place.table.name.domain) {
            let relation = if location.url == other.table.location.url { "that" } else { "within that" };
            let message = format!(
                "the data of `{}` is {relation} of `{}`, of another domain",
                place.table.name, other.table.name
            );
            let finding = rules::LOCATION_FOREIGN.at(place.source, place.mark, message);
            findings
                .push(finding.with_hint("keep the domains' data apart; consumers join tables of many domains by name"));
        }
        around.push(place);
    }
}

/// What `mesh.yaml` says of domains and governs.
fn check_mesh(tree: &SourceTree, mesh: &MeshFile, loaded: &[LoadedDomain<'_>], findings: &mut Vec<Diagnostic>) {
    let Some(source) = &tree.mesh else { return };
    for (name, owner) in mesh.domains.iter().flatten() {
        if !tree.domains.contains_key(name) {
            let message = format!("domain `{name}` has no folder `domains/{name}`");
            let hint = match crate::nearest(name, tree.domains.keys().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "add the folder, or remove the line".to_owned(),
            };
            findings.push(rules::FILE_MISSING.at(source, owner.mark, message).softened().with_hint(hint));
        }
    }
    let used: BTreeSet<usize> = loaded.iter().flat_map(|domain| domain.governance_used.iter().copied()).collect();
    for (position, rule) in mesh.governance.iter().enumerate() {
        if !used.contains(&position) {
            let message = format!("no table or column is called `{}`", rule.address);
            let finding = rules::GOVERNANCE_UNUSED.at(source, rule.mark, message);
            findings.push(finding.with_hint("check the address, or remove the rule"));
        }
    }
}

fn find_unknown_roles(
    source: &SourceFile,
    roles: &[(String, Mark)],
    mesh: &MeshFile,
    loaded: &[LoadedDomain<'_>],
    findings: &mut Vec<Diagnostic>,
) {
    let known: BTreeSet<&String> = mesh.roles.iter().chain(loaded.iter().flat_map(|domain| &domain.roles)).collect();
    for (role, mark) in roles.iter().filter(|(role, _)| !known.contains(role)) {
        let finding = rules::ROLE_UNKNOWN.at(source, *mark, format!("no contract names the role `{role}`"));
        findings.push(match crate::nearest(role, known.iter().map(|known| known.as_str())) {
            Some(near) => finding.with_hint(format!("did you mean `{near}`?")),
            None => finding.with_hint("list it under `roles` in `mesh.yaml`, if policies speak of it"),
        });
    }
}

/// Warnings as `lint:` of `mesh.yaml` wants them.
fn with_severities(findings: Vec<Diagnostic>, mesh: &MeshFile) -> Vec<Diagnostic> {
    let changed = |mut finding: Diagnostic| {
        if finding.severity == Severity::Warning
            && let Some(severity) = mesh.severities.get(finding.rule)
        {
            finding.severity = (*severity)?;
        }
        Some(finding)
    };
    findings.into_iter().filter_map(changed).collect()
}

fn policy_files(tree: &SourceTree) -> Vec<PolicyFile> {
    let of = |owner: PolicyOwner| {
        move |source: &SourceFile| PolicyFile {
            path: source.path.clone(),
            owner: owner.clone(),
            text: source.text.clone(),
        }
    };
    let of_governance = tree.governance_policies.iter().map(of(PolicyOwner::Governance));
    let of_domains = tree
        .domains
        .iter()
        .flat_map(|(name, folder): (&String, _)| folder.policies.iter().map(of(PolicyOwner::Domain(name.clone()))));
    of_governance.chain(of_domains).collect()
}
