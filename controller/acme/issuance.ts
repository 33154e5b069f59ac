// One certificate: decides whether it is due, obtains it, and keeps its state in its Secret.
import { setTimeout as delay } from 'node:timers/promises';
import { STATE_ENTRY, parseState } from '../watch/certificates.ts';
import type { CertificateState, PendingChallenge, WantedCertificate } from '../watch/certificates.ts';
import { challengeKey } from '#api/ir/ir.ts';
import type { Accounts } from './accounts.ts';
import type { CertificateStore, SecretEntries, StoredSecret } from './certificate-store.ts';
import type { AcmeClient } from './client.ts';
import { fulfil, OrderFailure, type OrderTimes } from './order.ts';
import { AcmeProblem } from './problem.ts';
import { factsOf, ownRenewal, waitAfter, windowOf, withinWindow, type CertificateFacts } from './schedule.ts';

/** How many of the proxies of a Gateway give an answer. */
export interface Delivery {
  readonly delivered: number;
  readonly total: number;
}

/** The outcome of a look at a certificate: when to look again, milliseconds since the epoch. */
export interface Outcome {
  readonly result: 'foreign' | 'fresh' | 'waiting' | 'issued' | 'failed';
  readonly next: number;
  /** Why the order failed; '' otherwise. */
  readonly problem: string;
}

export interface IssuanceOptions {
  readonly store: CertificateStore;
  readonly accounts: Accounts;
  /** How many proxies of a Gateway have a Challenge (key). */
  readonly delivery: (gateway: string, challenge: string) => Delivery;
  readonly signal: AbortSignal;
  readonly times?: IssuanceTimes;
}

/** Milliseconds. */
export interface IssuanceTimes extends OrderTimes {
  /** How long proxies may take to get the answers. */
  readonly delivery: number;
  /** The longest time without a look at a certificate and the proposals of the server for it. */
  readonly check: number;
}

export const ISSUANCE_TIMES: IssuanceTimes = { poll: 1_000, patience: 300_000, delivery: 60_000, check: 6 * 3_600_000 };
/** Between two looks at the proxies. */
const DELIVERY_POLL_MS = 100;

/** A Secret of Weir with its state. */
interface Held {
  readonly stored: StoredSecret;
  readonly state: CertificateState;
}

/** Rejects if the Secret or the server cannot be reached; nothing is lost then. */
export async function bring(wanted: WantedCertificate, options: IssuanceOptions): Promise<Outcome> {
  const found = await hold(wanted, options.store);
  if (found === null) return { result: 'foreign', next: Infinity, problem: '' };
  const client = await options.accounts.clientFor(wanted.settings);
  const facts = usableFacts(found, wanted);
  const isAtRest = facts !== null && found.state.order === null;
  const held = isAtRest ? await plan(wanted, found, facts, client, options) : found;
  return rest(held, facts, options) ?? obtain(wanted, { held, facts, client }, options);
}

/** The facts about the certificate in use; null without one for these hosts. */
function usableFacts({ stored }: Held, { hosts }: WantedCertificate): CertificateFacts | null {
  const facts = factsOf(stored.entries['tls.crt'] ?? '');
  return facts !== null && sameHosts(facts.hosts, hosts) ? facts : null;
}

/** Null if the certificate is to be obtained now. */
function rest({ state }: Held, facts: CertificateFacts | null, { times = ISSUANCE_TIMES }: IssuanceOptions): Outcome | null {
  const now = Date.now();
  const { renewAt, notBefore, order, problem } = state;
  if (order !== null) return null;
  if (facts !== null && now < renewAt) return { result: 'fresh', next: Math.min(renewAt, now + times.check), problem: '' };
  return now < notBefore ? { result: 'waiting', next: notBefore, problem } : null;
}

function sameHosts(some: readonly string[], others: readonly string[]): boolean {
  return some.join() === others.join();
}

/** The Secret, created if it is missing; null if it belongs to somebody else. Another server or other hosts begin anew. */
async function hold({ secret, hosts, settings }: WantedCertificate, store: CertificateStore): Promise<Held | null> {
  const initial: CertificateState = { server: settings.server, hosts, order: null, failures: 0, notBefore: 0, problem: '', renewAt: 0 };
  const found = await store.read(secret);
  if (found === null) return save(secret, { stored: null, state: initial }, store);
  const text = found.entries[STATE_ENTRY];
  if (text === undefined) return null;
  const state = parseState(text) ?? initial;
  if (state.server === settings.server && sameHosts(state.hosts, hosts)) return { stored: found, state };
  return save(secret, { stored: found, state: initial }, store);
}

async function save(
  key: string,
  { stored, state }: { readonly stored: StoredSecret | null; readonly state: CertificateState },
  store: CertificateStore,
  pair: SecretEntries = {},
): Promise<Held> {
  const before = stored?.entries ?? { 'tls.crt': '', 'tls.key': '' };
  const entries = { ...before, ...pair, [STATE_ENTRY]: JSON.stringify(state) };
  return { stored: await store.write({ key, type: 'kubernetes.io/tls', entries, before: stored }), state };
}

/** Decides when to renew: as the server proposes (RFC 9773), or as the lifetime says. */
async function plan(
  { secret, settings }: WantedCertificate,
  held: Held,
  facts: CertificateFacts,
  client: AcmeClient,
  { store }: IssuanceOptions,
): Promise<Held> {
  const window = settings.renewBefore === null ? await proposal(client, facts) : null;
  const { renewAt: chosen } = held.state;
  const own = ownRenewal(facts, settings.renewBefore, settings.renewBefore === null ? Math.random() : 0);
  const isOwn = chosen > facts.notBefore && chosen <= facts.notAfter && settings.renewBefore === null;
  const renewAt = window === null ? (isOwn ? chosen : own) : withinWindow(window, chosen);
  return renewAt === chosen ? held : save(secret, { stored: held.stored, state: { ...held.state, renewAt } }, store);
}

/** Without an answer the lifetime decides. */
async function proposal(client: AcmeClient, { id }: CertificateFacts): Promise<ReturnType<typeof windowOf>> {
  try {
    const { renewalInfo } = await client.directory();
    return renewalInfo === undefined || id === '' ? null : windowOf((await client.get(`${renewalInfo}/${id}`)).body);
  } catch {
    return null;
  }
}

interface Due {
  readonly held: Held;
  readonly facts: CertificateFacts | null;
  readonly client: AcmeClient;
}

async function obtain(wanted: WantedCertificate, { held, facts, client }: Due, options: IssuanceOptions): Promise<Outcome> {
  const { store, accounts, signal, times } = options;
  const { secret, hosts, settings } = wanted;
  let latest = held;
  const update = async (change: Partial<CertificateState>, pair?: SecretEntries): Promise<void> => {
    latest = await save(secret, { stored: latest.stored, state: { ...latest.state, ...change } }, store, pair);
  };
  // A server that is away costs no attempt.
  const { renewalInfo } = await client.directory();
  const replaces = renewalInfo === undefined ? '' : (facts?.id ?? '');
  // Whatever happens next, also the end of this program, counts as an attempt.
  if (held.state.order === null) await update({ notBefore: Date.now() + waitAfter(held.state.failures + 1) });
  try {
    const { certificate, privateKey } = await fulfil({
      client,
      hosts,
      settings,
      pending: held.state.order,
      replaces,
      save: (order) => update({ order }),
      published: (challenges) => delivered(wanted, challenges, options),
      webhooks: accounts.webhooksFor(settings),
      signal,
      ...(times === undefined ? {} : { times }),
    });
    await update({ order: null, failures: 0, notBefore: 0, problem: '', renewAt: 0 }, { 'tls.crt': certificate, 'tls.key': privateKey });
    return { result: 'issued', next: Date.now(), problem: '' };
  } catch (error) {
    const lost = whyLost(error, latest.state.order === null);
    if (lost === null) throw error;
    const failures = latest.state.failures + 1;
    const notBefore = Date.now() + Math.max(waitAfter(failures), lost.retryAfter);
    await update({ order: null, failures, notBefore, problem: lost.message });
    return { result: 'failed', next: notBefore, problem: lost.message };
  }
}

/** Why the order is lost; null if the next attempt can go on with it. `isNew`: the server has not created it yet. */
function whyLost(error: unknown, isNew: boolean): { readonly message: string; readonly retryAfter: number } | null {
  if (error instanceof OrderFailure) return { message: error.message, retryAfter: 0 };
  if (!(error instanceof AcmeProblem)) return null;
  // A server in trouble may know the order again later.
  const isPassing = error.status >= 500 && !isNew;
  return isPassing ? null : { message: error.message, retryAfter: error.retryAfter };
}

async function delivered(
  { secret, gateway }: WantedCertificate,
  challenges: readonly PendingChallenge[],
  { delivery, signal, times = ISSUANCE_TIMES }: IssuanceOptions,
): Promise<void> {
  const deadline = performance.now() + times.delivery;
  for (const { host } of challenges) {
    for (;;) {
      const { delivered: have, total } = delivery(gateway, challengeKey(secret, host));
      if (total > 0 && have === total) break;
      // Most proxies are enough then: the server asks one of them.
      if (performance.now() > deadline && have > 0) break;
      if (performance.now() > deadline)
        throw new OrderFailure(`no proxy of Gateway/${gateway} has the answer to the challenge for ${host}`);
      await delay(DELIVERY_POLL_MS, undefined, { signal });
    }
  }
}
