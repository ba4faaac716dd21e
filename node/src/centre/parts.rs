//! The parts of a running centre, opened in the order in which they need each other.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use api::service::{Centre, Services};
use api::{Api, Bound, Listener, server_config};
use feeds::peer::{Follower, LinkStatus};
use indexer::search::SearchIndex;
use indexer::{LinkLog, NewEntry, NewStatement, StatementKey, Store, references_of};
use model::json::Limits;
use model::marking::{Country, Tlp};
use model::principal::CentreCode;
use model::time::Clock;
use prometheus::Registry;
use serde_json::json;
use sha2::{Digest, Sha256};
use sharing::release::Partner;
use sharing::{Class, ClassTable, Gate};
use tokio::sync::watch;

use super::administration::Office;
use super::directory::Principals;
use super::disclosures::Ledger;
use super::intake::Reception;
use super::link::Outlet;
use super::partner::Inlet;
use super::release::Border;
use super::rules::Rules;
use super::sensors::{SensorDoor, Sensors};
use super::status::{Arrivals, CentreStatus};
use super::{identity, metrics, settle};
use crate::clock::SystemClock;
use crate::config::{CentreConfig, PartnerSection};
use crate::folder::Folder;

/// Latencies of the link that percentiles are of.
const LATENCIES_MAX: usize = 10_000;

/// Everything that a centre is made of.
pub(crate) struct Parts {
    pub(crate) store: Arc<Store>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) sensors: Arc<Sensors>,
    pub(crate) border: Option<Arc<Border>>,
    search: Arc<SearchIndex>,
    gate: Arc<Gate>,
    clock: Arc<dyn Clock>,
    principals: Arc<Principals>,
    reception: Arc<Reception>,
    arrivals: Arc<Arrivals>,
    link: Option<Arc<LinkStatus>>,
    registry: Registry,
    centre: CentreCode,
    country: Country,
    partner: Option<Partner>,
    master: [u8; 32],
}

/// The listeners with their ports, before they serve.
pub(crate) struct Listeners {
    pub(crate) bound: Vec<Bound>,
    names: Vec<Listener>,
}

impl Listeners {
    /// Where each listens.
    pub(crate) fn addresses(&self) -> Result<BTreeMap<&'static str, SocketAddr>> {
        let bound = self.names.iter().zip(&self.bound).filter(|(name, _)| **name != Listener::Local);
        bound.map(|(name, bound)| Ok((name.as_str(), bound.address()?))).collect()
    }
}

impl Parts {
    /// Opens everything of the centre in `folder`.
    pub(crate) fn open(config: &CentreConfig, folder: &Folder) -> Result<Self> {
        let centre: CentreCode = config.centre.code.parse()?;
        let country: Country = config.centre.country.parse()?;
        let partner = config.partner.as_ref().map(partner).transpose()?;
        let agreement = settle::agreement(folder, &centre, partner.as_ref().map(|partner| &partner.code))?;
        let master = settle::master_key(folder)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let classes = Arc::new(ClassTable::default());
        let data = folder.data();
        let store = Store::open(&data, config.store, &master, Arc::clone(&clock), Arc::clone(&classes));
        let store = Arc::new(store.with_context(|| format!("the logs in `{}` cannot be opened", data.display()))?);
        let gate = Arc::new(Gate::new(centre.clone(), country, agreement, classes));
        let search = SearchIndex::open(&data.join("search"), Arc::clone(&store), indexer::search::Settings::default())
            .context("the search index cannot be opened")?;
        let principals = Arc::new(Principals::open(&store.read()?, &centre, country)?);
        let rules = Rules::open(
            Arc::clone(&store),
            Arc::clone(&gate),
            Arc::clone(&clock),
            country,
            config.matching,
            config.windows.across_sensors,
        )?;
        let rules = Arc::new(rules);
        let registry = Registry::new();
        let sensors = Arc::new(Sensors::new(
            Arc::clone(&store),
            Arc::clone(&rules),
            Arc::clone(&principals),
            Arc::clone(&clock),
            centre.clone(),
            metrics::TrackerLimits::register(&registry)?,
        ));
        let border = partner.clone().map(|partner| -> Result<Arc<Border>> {
            let log = Arc::new(LinkLog::open(&LinkLog::path_in(&data, &partner.code), partner.code.clone())?);
            Ok(Arc::new(Border::new(Arc::clone(&store), Arc::clone(&gate), partner, log, Arc::clone(&clock))))
        });
        let border = border.transpose()?;
        let not_matched = metrics::register(&registry, &store, &rules, border.clone())?;
        let reception = Reception::new(
            Arc::clone(&store),
            centre.clone(),
            Arc::clone(&principals),
            not_matched,
            config.api.body_bytes_max,
        );
        let link = partner.as_ref().map(|_| LinkStatus::new(LATENCIES_MAX, Arc::clone(&clock), &registry));
        Ok(Self {
            border,
            link: link.transpose()?.map(Arc::new),
            search: Arc::new(search),
            reception: Arc::new(reception),
            arrivals: Arc::default(),
            store,
            rules,
            sensors,
            gate,
            clock,
            principals,
            registry,
            centre,
            country,
            partner,
            master,
        })
    }

    /// States the centre's own identity, once: its sightings are created by it.
    pub(crate) async fn introduce_itself(&self, config: &CentreConfig) -> Result<()> {
        let id = identity::of_centre(&self.centre).context("the centre's identity has no id")?;
        if !self.store.read()?.statements(&id)?.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let object = json!({
            "type": "identity", "spec_version": "2.1", "id": id, "created": now, "modified": now,
            "name": config.centre.name, "identity_class": "organization", "sectors": ["government"],
            "object_marking_refs": [Tlp::Clear.definition_id()],
        });
        let bytes = object.to_string().into_bytes();
        let read = model::stix::read(&bytes, &Limits::default());
        let (object, _) =
            read.map_err(|faults| anyhow::anyhow!("the centre's identity cannot be stated: {faults:?}"))?;
        let statement = NewStatement {
            key: StatementKey { origin: self.centre.clone(), id, version: object.version, rendering: 0 },
            submitter: None,
            source: None,
            class: Class { tlp: Some(Tlp::Clear), ..Class::unmarked(self.centre.clone()) },
            refers_to: references_of(&object),
            digest: Sha256::digest(&bytes).into(),
            revoked: false,
            spec_20: false,
            bytes,
        };
        self.store.append(vec![NewEntry::Statement(Box::new(statement))]).await?;
        Ok(())
    }

    /// Takes the ports of every listener that there is a use for.
    pub(crate) async fn bind(&self, config: &CentreConfig, folder: &Folder) -> Result<Listeners> {
        let listen = &config.listen;
        let mut listeners = Listeners { bound: Vec::new(), names: Vec::new() };
        let mut wanted = vec![
            (Listener::Machines, listen.machines),
            (Listener::People, listen.people),
            (Listener::Sensors, listen.sensors),
            (Listener::Metrics, listen.metrics),
        ];
        if self.partner.is_some() {
            wanted.push((Listener::Link, listen.link));
        }
        for (listener, address) in wanted {
            let tls = match listener {
                Listener::Metrics => None,
                _ => Some(server_config(listener, &settle::tls(folder, listener)?)?),
            };
            listeners.bound.push(Bound::new(listener, address, tls).await?);
            listeners.names.push(listener);
        }
        listeners.bound.push(Bound::local(&folder.socket())?);
        listeners.names.push(Listener::Local);
        Ok(listeners)
    }

    /// Who follows the partner's releases.
    pub(crate) fn follower(&self, folder: &Folder, config: &CentreConfig) -> Result<Option<Follower>> {
        let (Some(partner), Some(section), Some(status)) = (&self.partner, &config.partner, &self.link) else {
            return Ok(None);
        };
        let tls = settle::tls(folder, Listener::Link)?;
        let tls = feeds::peer::TlsMaterial {
            certificate: tls.certificate,
            key: tls.key,
            authority: tls.client_authority.context("the partner's authority is missing")?,
        };
        let inlet = Inlet::new(
            Arc::clone(&self.store),
            partner.code.clone(),
            Arc::clone(&self.principals),
            Arc::clone(&self.reception),
            Arc::clone(&self.arrivals),
            Arc::clone(&self.clock),
            config.api.body_bytes_max,
        )?;
        let peer =
            feeds::peer::Peer { url: section.url.clone(), partner: partner.code.clone(), centre: self.centre.clone() };
        let settings = feeds::peer::Settings::default();
        Ok(Some(Follower::new(settings, peer, &tls, Arc::new(inlet), Arc::clone(status))?))
    }

    /// The HTTP layer over the parts.
    pub(crate) fn api(&self, config: &CentreConfig, stop: watch::Receiver<bool>) -> Result<Arc<Api>> {
        let status = CentreStatus::new(
            Arc::clone(&self.store),
            Arc::clone(&self.clock),
            self.centre.clone(),
            self.border.clone(),
            self.link.clone(),
            Arc::clone(&self.arrivals),
            Arc::clone(&self.sensors),
        )?;
        let partner = self.partner.as_ref().map(|partner| partner.code.clone());
        let office = Office::new(
            Arc::clone(&self.store),
            Arc::clone(&self.principals),
            self.centre.clone(),
            partner.clone(),
            self.country,
        );
        let services = Services {
            centre: Centre {
                code: self.centre.clone(),
                name: config.centre.name.clone(),
                country: config.centre.country.clone(),
                banner: settle::banner(&config.centre.banner),
                exercise: false,
                partner,
            },
            directory: Arc::clone(&self.principals) as _,
            intake: Arc::clone(&self.reception) as _,
            store: Arc::clone(&self.store),
            search: Arc::clone(&self.search),
            gate: Arc::clone(&self.gate),
            disclosures: Arc::new(Ledger(Arc::clone(&self.store))),
            releases: Arc::new(Outlet::new(Arc::clone(&self.store), self.border.clone())),
            sensors: Arc::new(SensorDoor(Arc::clone(&self.sensors))),
            status: Arc::new(status),
            administration: Arc::new(office),
            clock: Arc::clone(&self.clock),
            registry: self.registry.clone(),
            cursor_secret: settle::cursor_secret(&self.master),
            settings: config.api.clone(),
        };
        Ok(Api::new(services, stop)?)
    }

    /// Ends what does not end by itself: the search index, then the log.
    pub(crate) fn close(&self) {
        self.search.close();
        self.store.close();
    }
}

fn partner(section: &PartnerSection) -> Result<Partner> {
    Ok(Partner { code: section.code.parse()?, country: section.country.parse()? })
}
