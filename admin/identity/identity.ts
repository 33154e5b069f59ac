// The parts of identity, on one store.
import type { Log } from '#lib/log.ts';
import type { Store } from '#lib/store/store.ts';
import { Bindings } from './bindings.ts';
import { IdentityAuthenticator, type AccountReviewer } from './identity-authenticator.ts';
import { ExternalLogins } from './external-logins.ts';
import { IdentityStore } from './identity-store.ts';
import { NO_KEYS, type Keys } from './key-file.ts';
import { Logins } from './logins.ts';
import { OwnAccount } from './own-account.ts';
import { Passwords } from './passwords.ts';
import { Roles } from './roles.ts';
import { SecondFactors } from './second-factors.ts';
import { SESSION_LIMITS, type SessionLimits } from './session-table.ts';
import { Sessions } from './sessions.ts';
import { Tenants } from './tenants.ts';
import { Tokens } from './tokens.ts';
import { Users } from './users.ts';

export interface IdentityOptions {
  readonly store: Store;
  readonly log: Log;
  readonly limits?: SessionLimits;
  readonly passwords?: Passwords;
  /** The keys of secrets in the store; by default there are none. */
  readonly keys?: Keys;
  /** Users with a password have no rights before they have a second factor; by default they need none. */
  readonly needsSecondFactor?: boolean;
  /** Null without a cluster. */
  readonly reviewer?: AccountReviewer | null;
}

export class Identity {
  readonly authenticator: IdentityAuthenticator;
  readonly logins: Logins;
  readonly externalLogins: ExternalLogins;
  readonly account: OwnAccount;
  readonly factors: SecondFactors;
  readonly users: Users;
  readonly roles: Roles;
  readonly bindings: Bindings;
  readonly tenants: Tenants;
  readonly sessions: Sessions;
  readonly tokens: Tokens;
  readonly limits: SessionLimits;

  constructor({
    store: given,
    log,
    limits = SESSION_LIMITS,
    passwords = new Passwords(),
    keys = NO_KEYS,
    needsSecondFactor = false,
    reviewer = null,
  }: IdentityOptions) {
    const store = new IdentityStore(given, log);
    this.limits = limits;
    this.authenticator = new IdentityAuthenticator({ store, limits, needsSecondFactor, reviewer });
    this.logins = new Logins({ store, passwords, keys, limits });
    this.externalLogins = new ExternalLogins(store, limits, keys);
    this.account = new OwnAccount(store, passwords, keys);
    this.factors = new SecondFactors(store, keys);
    this.users = new Users(store, passwords);
    this.roles = new Roles(store);
    this.bindings = new Bindings(store);
    this.tenants = new Tenants(store);
    this.sessions = new Sessions(store, limits);
    this.tokens = new Tokens(store);
  }
}
