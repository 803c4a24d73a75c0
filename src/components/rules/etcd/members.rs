//! The members of a new cluster. Source: etcd 3.6, `server/config/config.go` (`VerifyBootstrap`, `advertiseMatchesCluster`),
//! `client/pkg/types/urlsmap.go`.

use std::collections::BTreeSet;

use super::super::super::command::Given;
use super::super::super::kind;
use super::super::super::rule::Judge;

pub(super) fn rules(judge: &mut Judge<'_>, made_up: bool) {
    let command = judge.command;
    let Some(cluster) = command.last("initial-cluster").filter(|given| !given.value.is_empty()) else {
        return;
    };
    let name = command.value("name").unwrap_or("default");
    // The flag that is to blame is the user's.
    let users = |flags: [&str; 3]| {
        let given = flags.into_iter().filter_map(|flag| command.last(flag));
        given.filter(|given| command.is_users(given)).collect::<Vec<&Given>>()
    };
    let Some(given) = users(["initial-cluster", "initial-advertise-peer-urls", "name"]).first().copied()
    else {
        return;
    };
    let mut own = BTreeSet::new();
    let mut named = false;
    for item in cluster.value.split(',') {
        let (member, url) = item.split_once('=').unwrap_or((item, ""));
        if let Err(why) = kind::check("urls", url).and_then(|()| match url {
            "" => Err(format!("{item:?} is not a member: write `{}=https://192.0.2.10:2380`", item.trim())),
            _ => Ok(()),
        }) {
            judge.refuse("flag-type", cluster, why);
            return;
        }
        if member.trim() == name {
            named = true;
            own.insert(url.trim());
        }
    }
    let of_user = |flag: &str| command.last(flag).is_some_and(|given| command.is_users(given));
    if made_up && !(of_user("name") && of_user("initial-advertise-peer-urls")) {
        return;
    }
    if !named {
        let why = format!("`--initial-cluster` must name this member, {name:?} (`--name`)");
        judge.refuse("flag-pair", given, why);
        return;
    }
    let advertised: BTreeSet<&str> =
        command.items("initial-advertise-peer-urls").map(|(url, _)| url.trim()).collect();
    // Names are the same where they lead to the same address.
    let names = |urls: &BTreeSet<&str>| {
        urls.iter().any(|url| kind::url_host(url).is_some_and(|(_, address, _)| address.is_none()))
    };
    if own != advertised
        && !names(&own)
        && !names(&advertised)
        && command.last("initial-advertise-peer-urls").is_some()
    {
        let list = |urls: &BTreeSet<&str>| urls.iter().copied().collect::<Vec<_>>().join(",");
        let why = format!(
            "`--initial-cluster` has {name} at {:?}, and `--initial-advertise-peer-urls` is {:?}: they must be the same",
            list(&own),
            list(&advertised)
        );
        judge.refuse("flag-pair", given, why);
    }
}
