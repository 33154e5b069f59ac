// All operations. Written by `npm run client` from the OpenAPI document of the admin API.
import type { OperationFacts } from '../operation.ts';
import { HEALTH, type HealthOperations } from './health.ts';
import { ACCOUNT, type AccountOperations } from './account.ts';
import { USERS, type UsersOperations } from './users.ts';
import { ROLES, type RolesOperations } from './roles.ts';
import { BINDINGS, type BindingsOperations } from './bindings.ts';
import { TENANTS, type TenantsOperations } from './tenants.ts';
import { SESSIONS, type SessionsOperations } from './sessions.ts';
import { TOKENS, type TokensOperations } from './tokens.ts';
import { OIDC, type OidcOperations } from './oidc.ts';
import { CONFIGURATION, type ConfigurationOperations } from './configuration.ts';
import { REVISIONS, type RevisionsOperations } from './revisions.ts';
import { IMPACT, type ImpactOperations } from './impact.ts';
import { TRIALS, type TrialsOperations } from './trials.ts';
import { BACKUPS, type BackupsOperations } from './backups.ts';
import { PROPOSALS, type ProposalsOperations } from './proposals.ts';
import { AUDIT, type AuditOperations } from './audit.ts';
import { USAGE, type UsageOperations } from './usage.ts';
import { FLEET, type FleetOperations } from './fleet.ts';
import { TRAFFIC, type TrafficOperations } from './traffic.ts';
import { REQUESTS, type RequestsOperations } from './requests.ts';
import { ALERTS, type AlertsOperations } from './alerts.ts';
import { SYSTEM, type SystemOperations } from './system.ts';
import { DIAGNOSTICS, type DiagnosticsOperations } from './diagnostics.ts';

export interface Operations
  extends HealthOperations,
    AccountOperations,
    UsersOperations,
    RolesOperations,
    BindingsOperations,
    TenantsOperations,
    SessionsOperations,
    TokensOperations,
    OidcOperations,
    ConfigurationOperations,
    RevisionsOperations,
    ImpactOperations,
    TrialsOperations,
    BackupsOperations,
    ProposalsOperations,
    AuditOperations,
    UsageOperations,
    FleetOperations,
    TrafficOperations,
    RequestsOperations,
    AlertsOperations,
    SystemOperations,
    DiagnosticsOperations {}

export const OPERATIONS: Readonly<Record<keyof Operations, OperationFacts>> = {
  ...HEALTH,
  ...ACCOUNT,
  ...USERS,
  ...ROLES,
  ...BINDINGS,
  ...TENANTS,
  ...SESSIONS,
  ...TOKENS,
  ...OIDC,
  ...CONFIGURATION,
  ...REVISIONS,
  ...IMPACT,
  ...TRIALS,
  ...BACKUPS,
  ...PROPOSALS,
  ...AUDIT,
  ...USAGE,
  ...FLEET,
  ...TRAFFIC,
  ...REQUESTS,
  ...ALERTS,
  ...SYSTEM,
  ...DIAGNOSTICS,
};
