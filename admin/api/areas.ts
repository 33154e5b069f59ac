// The areas of the admin API, in the order of the document. A new area gets a row here, and what it needs is a member of AdminParts.
import type { AuditLog } from '../audit/audit-log.ts';
import { auditArea } from '../audit/operations.ts';
import type { Store } from '#lib/store/store.ts';
import { backupArea } from '../backup/operations.ts';
import { transferOperations } from '../backup/transfer-operations.ts';
import { ChangeSets } from '../configuration/change-sets.ts';
import type { ConfigurationStore } from '../configuration/configuration-store.ts';
import { ConfigurationWriter } from '../configuration/configuration-writer.ts';
import { configurationArea } from '../configuration/operations.ts';
import type { BundleParts } from '../diagnostics/bundle.ts';
import { diagnosticsArea } from '../diagnostics/operations.ts';
import { identityAreas } from '../identity/areas.ts';
import type { Identity } from '../identity/identity.ts';
import { impactArea } from '../impact/operation.ts';
import { liveAreas } from '../live/areas.ts';
import type { Live } from '../live/live.ts';
import type { OidcLogin } from '../oidc/oidc-login.ts';
import { oidcArea } from '../oidc/operations.ts';
import { revisionArea } from '../revisions/operations.ts';
import type { Revisions } from '../revisions/revisions.ts';
import { usageArea } from '../usage/operations.ts';
import type { Usage } from '../usage/usage.ts';
import { proposalArea } from '../proposal/operations.ts';
import type { Proposals } from '../proposal/proposals.ts';
import { trialArea } from '../trial/operation.ts';
import { healthArea, type Health } from './health.ts';
import type { Area } from './operation.ts';

/** What the areas need. */
export interface AdminParts {
  readonly health: Health;
  readonly identity: Identity;
  readonly oidc: OidcLogin;
  /** Null: the program knows no configuration to change. */
  readonly configuration: ConfigurationStore | null;
  /** What backups have besides the configuration. */
  readonly store: Store;
  /** What was in force. */
  readonly revisions: Revisions;
  /** Null: no git repository is configured. */
  readonly proposals: Pick<Proposals, 'propose'> | null;
  readonly audit: AuditLog;
  readonly usage: Usage;
  readonly diagnostics: BundleParts;
  readonly live: Live;
}

/** All areas. */
export function areasOf(parts: AdminParts): readonly Area[] {
  const { health, identity, oidc, configuration, store, revisions, proposals, audit, usage, diagnostics, live } = parts;
  return [
    healthArea(health),
    ...identityAreas(identity),
    oidcArea({ oidc, limits: identity.limits }),
    ...(configuration === null ? [] : configurationAreas(configuration, revisions)),
    ...(configuration === null ? [] : [impactArea(configuration, live), trialArea(configuration)]),
    backupArea({ store, configuration, revisions }),
    ...(proposals === null ? [] : [proposalArea(proposals)]),
    auditArea(audit),
    usageArea(usage.recorder, usage.logins),
    ...liveAreas(live),
    diagnosticsArea(diagnostics),
  ];
}

function configurationAreas(store: ConfigurationStore, revisions: Revisions): readonly Area[] {
  const writer = new ConfigurationWriter(store, revisions.recorder);
  const sets = new ChangeSets(store, writer);
  const area = configurationArea(store, writer);
  const operations = [...area.operations, ...transferOperations(store, sets)];
  return [{ ...area, operations }, revisionArea(revisions, store, sets)];
}
