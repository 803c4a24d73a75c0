//! One component at a time: its certificates are renewed, and it is proven healthy with them, before the next one's are.

use super::due::Step;
use crate::manifest::Component;

/// What is done to the machine; tests do it to none.
pub(crate) trait Hands {
    /// Renews a certificate.
    ///
    /// # Errors
    /// In words, when it can't be renewed; then it is as it was.
    fn renew(&mut self, name: &'static str) -> Result<(), String>;

    /// Whether a component still uses a certificate other than the one on disk, once it had time to read that.
    fn uses_an_old_one(&mut self, component: Component) -> bool;

    /// Restarts a component, and waits until it is healthy with everything that was healthy before.
    ///
    /// # Errors
    /// In words, when it does not come back.
    fn restart(&mut self, component: Component) -> Result<(), String>;

    /// Whether this node may still be touched: what allows it lasts for some time only.
    ///
    /// # Errors
    /// In words, when another node has its turn now.
    fn go_on(&mut self) -> Result<(), String>;
}

/// What was done.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Done {
    /// Certificates that were renewed.
    pub(crate) renewed: Vec<&'static str>,
    /// Components that were restarted.
    pub(crate) restarted: Vec<Component>,
    /// What failed, in words.
    pub(crate) failures: Vec<String>,
    /// Why it stopped before its end, if it did: the others were left as they were.
    pub(crate) stopped: Option<Stopped>,
}

/// Why a run stopped before its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// A component did not come back.
    Unhealthy(String),
    /// Another node has its turn.
    NotOurTurn(String),
}

/// Takes the steps in their order; stops at the first component that does not come back. A component that still uses
/// an old certificate is restarted though nothing of it is due: an earlier run ended before it could be.
pub(crate) fn carry_out(steps: &[Step], hands: &mut dyn Hands) -> Done {
    let mut done = Done::default();
    for step in steps {
        if !step.names.is_empty()
            && let Err(why) = hands.go_on()
        {
            done.stopped = Some(Stopped::NotOurTurn(why));
            return done;
        }
        for name in &step.names {
            match hands.renew(name) {
                Ok(()) => done.renewed.push(name),
                Err(why) => done.failures.push(why),
            }
        }
        let Some(component) = step.component.filter(|c| hands.uses_an_old_one(*c)) else { continue };
        match hands
            .go_on()
            .map_err(Stopped::NotOurTurn)
            .and_then(|()| hands.restart(component).map_err(Stopped::Unhealthy))
        {
            Ok(()) => done.restarted.push(component),
            Err(why) => {
                done.stopped = Some(why);
                return done;
            }
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands that take note of what they do.
    #[derive(Default)]
    struct Noting {
        events: Vec<String>,
        old: Vec<Component>,
        fails: Option<&'static str>,
        stays_away: Option<Component>,
        turns: Option<usize>,
    }

    impl Hands for Noting {
        fn renew(&mut self, name: &'static str) -> Result<(), String> {
            self.events.push(format!("renew {name}"));
            if self.fails == Some(name) { Err(format!("{name}: disk full")) } else { Ok(()) }
        }
        fn uses_an_old_one(&mut self, component: Component) -> bool {
            self.old.contains(&component)
        }
        fn restart(&mut self, component: Component) -> Result<(), String> {
            self.events.push(format!("restart {}", component.name()));
            if self.stays_away == Some(component) { Err("not healthy after 240 s".into()) } else { Ok(()) }
        }
        fn go_on(&mut self) -> Result<(), String> {
            match &mut self.turns {
                Some(0) => Err("cp-2 has its turn".into()),
                Some(left) => {
                    *left -= 1;
                    Ok(())
                }
                None => Ok(()),
            }
        }
    }

    fn steps() -> Vec<Step> {
        vec![
            Step { component: Some(Component::Etcd), names: vec!["etcd-server", "etcd-peer"] },
            Step { component: Some(Component::ApiServer), names: vec![] },
            Step { component: Some(Component::ControllerManager), names: vec!["controller-manager.conf"] },
            Step { component: Some(Component::Scheduler), names: vec!["scheduler.conf"] },
            Step { component: None, names: vec!["admin.conf"] },
        ]
    }

    #[test]
    fn component_is_healthy_again_before_the_next_one_s_certificates_are_renewed() {
        let mut hands =
            Noting { old: vec![Component::ControllerManager, Component::Scheduler], ..Noting::default() };
        let done = carry_out(&steps(), &mut hands);
        assert_eq!(
            hands.events,
            [
                "renew etcd-server",
                "renew etcd-peer",
                "renew controller-manager.conf",
                "restart kube-controller-manager",
                "renew scheduler.conf",
                "restart kube-scheduler",
                "renew admin.conf"
            ]
        );
        assert_eq!(done.restarted, [Component::ControllerManager, Component::Scheduler]);
        assert_eq!((done.stopped, done.failures), (None, vec![]));
    }

    #[test]
    fn component_that_does_not_come_back_ends_the_run_and_leaves_the_others() {
        let old = vec![Component::ControllerManager, Component::Scheduler];
        let mut hands = Noting { old, stays_away: Some(Component::ControllerManager), ..Noting::default() };
        let done = carry_out(&steps(), &mut hands);
        assert_eq!(hands.events.last().unwrap(), "restart kube-controller-manager");
        assert_eq!(done.stopped, Some(Stopped::Unhealthy("not healthy after 240 s".into())));
        assert!(!done.renewed.contains(&"scheduler.conf"));
    }

    #[test]
    fn certificate_that_can_not_be_renewed_does_not_keep_the_others_from_it() {
        let mut hands = Noting { fails: Some("etcd-peer"), ..Noting::default() };
        let done = carry_out(&steps(), &mut hands);
        assert_eq!(done.failures, ["etcd-peer: disk full"]);
        assert_eq!(done.renewed, ["etcd-server", "controller-manager.conf", "scheduler.conf", "admin.conf"]);
    }

    #[test]
    fn component_with_an_old_certificate_of_an_earlier_run_is_restarted() {
        let mut hands = Noting { old: vec![Component::ApiServer], ..Noting::default() };
        let idle: Vec<Step> = steps().into_iter().map(|s| Step { names: vec![], ..s }).collect();
        let done = carry_out(&idle, &mut hands);
        assert_eq!(hands.events, ["restart kube-apiserver"]);
        assert_eq!(done.restarted, [Component::ApiServer]);
    }

    #[test]
    fn run_stops_when_another_node_has_its_turn() {
        let mut hands = Noting { turns: Some(1), ..Noting::default() };
        let done = carry_out(&steps(), &mut hands);
        assert_eq!(done.renewed, ["etcd-server", "etcd-peer"]);
        assert_eq!(done.stopped, Some(Stopped::NotOurTurn("cp-2 has its turn".into())));
    }
}
