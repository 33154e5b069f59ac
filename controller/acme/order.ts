// One order, from its beginning or from where another controller has left it, to the certificate.
//
//   new ──saved──> answers published ──told to the server──> validated ──finalized──> issued
//
// The order, its key and its answers are saved before the server is told about them, so that a restart goes on with the same order.
import { setTimeout as delay } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import { makeRequest, newPrivateKey } from '#lib/certificate-authority.ts';
import type { AcmeSettings, PendingChallenge, PendingOrder } from '../watch/certificates.ts';
import { answerTo } from './challenge.ts';
import type { AcmeAnswer, AcmeClient, Authorization, Order } from './client.ts';
import { AcmeProblem, describeProblem } from './problem.ts';
import { askWebhook, recordOf } from './webhook.ts';

/** PEM. */
export interface IssuedPair {
  readonly certificate: string;
  readonly privateKey: string;
}

/** The order cannot succeed any more. The message says why. */
export class OrderFailure extends Error {}

export interface OrderOptions {
  readonly client: AcmeClient;
  readonly hosts: readonly string[];
  readonly settings: Pick<AcmeSettings, 'challenge' | 'webhook'>;
  /** The order to go on with; null for a new one. */
  readonly pending: PendingOrder | null;
  /** The name of the certificate that is renewed (RFC 9773 section 4.1); '' for none. */
  readonly replaces: string;
  /** Resolves once the order is stored. */
  readonly save: (order: PendingOrder) => Promise<void>;
  /** Resolves once the proxies give these answers; rejects if they do not. */
  readonly published: (challenges: readonly PendingChallenge[]) => Promise<void>;
  /** For requests to the webhook. */
  readonly webhooks: Dispatcher;
  readonly signal: AbortSignal;
  readonly times?: OrderTimes;
}

/** Milliseconds. */
export interface OrderTimes {
  /** The least pause between two looks at something that the server works on. */
  readonly poll: number;
  /** How long the server may take for a step. */
  readonly patience: number;
}

const TIMES: OrderTimes = { poll: 1_000, patience: 300_000 };
/** A longer wait that the server asks for is left to the next attempt. */
const MAX_POLL_MS = 60_000;

/** Resolves to the certificate. Rejects with an OrderFailure or an AcmeProblem if the order is lost, or with another error. */
export async function fulfil(options: OrderOptions): Promise<IssuedPair> {
  const pending = options.pending ?? (await begin(options));
  try {
    await prove(options, pending);
    return await finish(options, pending);
  } finally {
    await cleanUp(options, pending);
  }
}

async function begin(options: OrderOptions): Promise<PendingOrder> {
  const { client, hosts, replaces, settings, save } = options;
  const { url, order } = await client.newOrder(hosts, replaces);
  const challenges: PendingChallenge[] = [];
  for (const authorization of order.authorizations) {
    const found = (await client.post(authorization)).body as Authorization;
    if (found.status === 'valid') continue;
    const challenge = answerTo(found, { authorization, type: settings.challenge, key: client.key });
    if (challenge === null) throw new OrderFailure(`the server offers no challenge ${settings.challenge} for ${found.identifier.value}`);
    challenges.push(challenge);
  }
  const pending = { url, privateKey: newPrivateKey(), challenges };
  await save(pending);
  return pending;
}

/** Publishes the answers, tells the server, and waits until it has checked them. */
async function prove(options: OrderOptions, { challenges }: PendingOrder): Promise<void> {
  const { client } = options;
  const open: PendingChallenge[] = [];
  for (const challenge of challenges) {
    const { status } = (await client.post(challenge.authorization)).body as Authorization;
    if (status === 'pending') open.push(challenge);
  }
  await publish(options, open);
  for (const { url } of open) await client.post(url, {});
  for (const challenge of challenges) await validated(options, challenge);
}

async function publish(options: OrderOptions, open: readonly PendingChallenge[]): Promise<void> {
  await inDns(options, open, 'present');
  const answers = open.filter(({ answer }) => answer.type !== 'DNS01');
  if (answers.length > 0) await options.published(answers);
}

async function inDns(options: OrderOptions, challenges: readonly PendingChallenge[], action: 'present' | 'cleanup'): Promise<void> {
  const { settings, webhooks, signal } = options;
  for (const challenge of challenges) {
    const record = recordOf(challenge, action);
    if (record !== null && settings.webhook !== null) await askWebhook(settings.webhook, record, { dispatcher: webhooks, signal });
  }
}

/** A record that is left behind does no harm. */
async function cleanUp(options: OrderOptions, { challenges }: PendingOrder): Promise<void> {
  if (!options.signal.aborted) await inDns(options, challenges, 'cleanup').catch(() => undefined);
}

async function validated(options: OrderOptions, { authorization, host }: PendingChallenge): Promise<void> {
  const found = await poll(options, authorization, (body) => (body as Authorization).status !== 'pending');
  const { status, challenges } = found as Authorization;
  if (status === 'valid') return;
  const reason = challenges.map(({ error }) => describeProblem(error)).find((text) => text !== '') ?? `the authorization is ${status}`;
  throw new OrderFailure(`${host} was not validated: ${reason}`);
}

async function finish(options: OrderOptions, { url, privateKey }: PendingOrder): Promise<IssuedPair> {
  const { client, hosts } = options;
  const isDecided = (body: unknown) => ['ready', 'valid', 'invalid'].includes((body as Order).status);
  let order = (await poll(options, url, isDecided)) as Order;
  if (order.status === 'ready') {
    await client.post(order.finalize, { csr: makeRequest(hosts, privateKey).toString('base64url') });
    order = (await poll(options, url, (body) => ['valid', 'invalid'].includes((body as Order).status))) as Order;
  }
  if (order.status !== 'valid' || order.certificate === undefined)
    throw new OrderFailure(`the order is ${order.status}: ${describeProblem(order.error)}`);
  return { certificate: String((await client.post(order.certificate)).body), privateKey };
}

async function poll({ client, signal, times = TIMES }: OrderOptions, url: string, isOver: (body: unknown) => boolean): Promise<unknown> {
  const deadline = performance.now() + times.patience;
  for (;;) {
    const answer: AcmeAnswer = await client.post(url);
    if (isOver(answer.body)) return answer.body;
    if (performance.now() > deadline) throw new AcmeProblem(0, { detail: 'the server does not finish' }, answer.retryAfter);
    await delay(Math.max(times.poll, Math.min(answer.retryAfter, MAX_POLL_MS)), undefined, { signal });
  }
}
