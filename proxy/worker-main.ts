// The entry point of a worker process: a Worker that follows its supervisor's messages and ends with it.
import type * as ir from '#api/ir/ir.ts';
import { StallWatch } from '#lib/event-loop/stall-watch.ts';
import { createLog } from '#lib/log.ts';
import { readFamilies, registerFamilies, registerProcess } from '#lib/metric.ts';
import type { PortClaim } from './exchange/port-claim.ts';
import type { Bound, FromWorker, ToWorker } from './supervisor/messages.ts';
import { ServedInspections } from './supervisor/served-inspections.ts';
import { Worker } from './worker.ts';

/** The time for open connections after the supervisor died: otherwise this process would never end. */
const ORPHAN_GRACE_MS = 1;

let worker: Worker | null = null;
let nextClaim = 0;
/** Port claims without an answer from the supervisor. */
const claims = new Map<number, (refusal: NodeJS.ErrnoException | null) => void>();
const inspections = new ServedInspections((message) => answer(message));
/** The listener ports. */
const ports = new Map<string, number>();

process.on('message', (message: ToWorker) => void receive(message));
process.on('disconnect', () => void end(ORPHAN_GRACE_MS));
// Signals to the process group are for the supervisor, which drains its workers and makes them reopen their logs.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) process.on(signal, () => undefined);
process.on('uncaughtException', (error) => {
  createLog('error').fatal({ err: error }, 'a worker failed');
  process.kill(process.pid, 'SIGKILL');
});

async function receive(message: ToWorker): Promise<void> {
  if (message.type === 'start') start(message);
  else if (worker !== null) await tell(worker, message);
}

type Told = Exclude<ToWorker, { type: 'start' }>;

/** What a worker does with each message of the supervisor. */
const RECEIVERS: { readonly [Type in Told['type']]: (to: Worker, message: Extract<Told, { type: Type }>) => void | Promise<void> } = {
  apply: async (to, message) => answer({ type: 'applied', id: message.id, ...(await apply(to, message)) }),
  metrics: async (to, { id }) => answer({ type: 'metrics', id, metrics: await readFamilies(to.registry) }),
  report: (to, { id }) => answer({ type: 'reported', id, report: to.report() }),
  ping: (_, { id }) => answer({ type: 'pong', id }),
  claimed: (_, message) => claimed(message),
  notice: (to, { notice }) => to.notice(notice),
  lend: (to, { store, lends }) => to.lend(store, lends),
  remembered: (to, { id, verdict }) => to.remembered(id, verdict),
  topics: (to, { told }) => to.topicsTold(told),
  keys: (to, { told }) => to.keysTold(told),
  inspect: (to, { id, inspection }) => inspections.run(id, (inspecting) => to.inspect(inspection, inspecting)),
  partTaken: (_, { id }) => inspections.taken(id),
  endInspection: (_, { id }) => inspections.end(id),
  ticketKeys: (to, { ticketKeys }) => to.setTicketKeys(Buffer.from(ticketKeys)),
  drain: (to) => to.drain(),
  reopenLog: (to) => to.reopenLog(),
  stop: (to, message) => stop(to, message),
};

async function tell(to: Worker, message: Told): Promise<void> {
  const receive = RECEIVERS[message.type] as (to: Worker, message: Told) => void | Promise<void>;
  await receive(to, message);
}

async function stop(what: Worker, { id, grace }: ToWorker & { type: 'stop' }): Promise<void> {
  const flushed = await what.stop(grace);
  answer({ type: 'stopped', id, flushed }, () => process.disconnect?.());
}

function start(message: ToWorker & { type: 'start' }): void {
  const log = createLog('warn');
  const made = new Worker({
    ...message.settings,
    ticketKeys: Buffer.from(message.ticketKeys),
    reusePort: true,
    claimPort,
    publish: (notice) => answer({ type: 'notice', notice }),
    borrow: (store, asks) => answer({ type: 'borrow', store, asks }),
    remember: (question) => answer({ type: 'remember', ...question }),
    askTopics: (ask) => answer({ type: 'topics', ask }),
    askKeys: (ask) => answer({ type: 'keys', ask }),
    bindingsChanged: () => answer({ type: 'bound', bound: boundBy(made) }),
    log,
  });
  worker = made;
  const labels = { process: message.name };
  registerProcess(made.registry, labels);
  registerFamilies(made.registry, new StallWatch({ log, labels, stallMs: message.settings.limits.stallDelay }).families());
}

/** Asks the supervisor, which manages the ports of all workers. */
function claimPort(claim: PortClaim): Promise<NodeJS.ErrnoException | null> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.ErrnoException | null>();
  const id = nextClaim++;
  claims.set(id, resolve);
  answer({ type: 'claim', id, claim });
  return promise;
}

function claimed({ id, refusal }: ToWorker & { type: 'claimed' }): void {
  claims.get(id)?.(refusal === null ? null : Object.assign(new Error(refusal.message), { code: refusal.code }));
  claims.delete(id);
}

function boundBy(from: Worker): Bound {
  return { bindingState: from.bindingState, ports: [...new Set(ports.values())].map((port) => [port, from.boundPort(port)]) };
}

async function apply(
  to: Worker,
  { changed, removed }: ToWorker & { type: 'apply' },
): Promise<Omit<FromWorker & { type: 'applied' }, 'type' | 'id'>> {
  for (const resource of changed) if (isListener(resource)) ports.set(resource.key, resource.port);
  for (const { kind, key } of removed) if (kind === 'Listener') ports.delete(key);
  const errors = await to.apply(changed, removed);
  return { errors, bound: boundBy(to) };
}

function isListener(resource: ir.Resource): resource is ir.Listener {
  return resource.kind === 'Listener';
}

/** If sending fails, the supervisor has died, and 'disconnect' follows. */
function answer(message: FromWorker, sent: () => void = () => undefined): void {
  process.send?.(message, undefined, undefined, sent);
}

async function end(grace: number): Promise<never> {
  const flushed = worker === null || (await worker.stop(grace));
  // A thread that is stuck in a write would keep an exiting process waiting.
  if (!flushed) process.kill(process.pid, 'SIGKILL');
  process.exit(0);
}
