// Sends notifications: each group of a channel by itself, again with growing pauses until it is delivered. Deliveries are kept in the
// store, so that a restart or another leader tells nothing twice. A channel that fails costs the others nothing.
import { Backoff } from '#lib/backoff.ts';
import type { Log } from '#lib/log.ts';
import type { Result } from '#lib/result.ts';
import type { KeptAlerts, KeptNotification } from '../store/kept-alerts.ts';
import type { Alert } from './alert.ts';
import type { Channel } from './channels/index.ts';
import type { Reach } from './channels/post.ts';
import { dueOf, groupsOf, type Due, type Group, type Routing, type Told } from './groups.ts';
import { notificationOf, notified } from './notification.ts';
import type { NotificationCounts } from './metrics.ts';
import type { Rule } from './rule.ts';

export interface NotifierOptions {
  readonly kept: KeptAlerts;
  readonly reach: Reach;
  readonly counts: NotificationCounts;
  /** Called when the trouble of a channel begins, changes or ends (''). */
  readonly troubled: (channel: Channel, trouble: string) => void;
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Pauses between attempts, milliseconds. */
  readonly backoff: { readonly minimum: number; readonly maximum: number };
}

/** A notification to send. */
export interface Situation extends Routing {
  readonly channels: readonly Channel[];
  readonly alerts: readonly Alert[];
}

/** Notifications of one channel at a time. */
const MAX_RUNNING = 4;

/** The sending of one group. */
interface Sending {
  readonly backoff: Backoff;
  running: Promise<void> | null;
  /** No attempt before this time. */
  notBefore: number;
}

/** The state of a channel. */
interface ChannelState {
  readonly told: Map<string, Told>;
  readonly sendings: Map<string, Sending>;
}

export class Notifier {
  readonly #options: NotifierOptions;
  readonly #states = new Map<string, ChannelState>();
  /** Told in memory and not in the store yet. */
  readonly #unwritten = new Map<string, KeptNotification>();

  constructor(options: NotifierOptions) {
    this.#options = options;
  }

  /** Takes what the store has. */
  restore(notifications: readonly KeptNotification[]): void {
    this.#states.clear();
    this.#unwritten.clear();
    for (const { channel, group, told, sentAt } of notifications) this.#stateOf(channel).told.set(group, { told, sentAt });
  }

  /** Begins all attempts that are due. Never rejects; `settled` waits for them. */
  tell(situation: Situation, now: number): void {
    this.#writeAgain();
    for (const channel of situation.channels) {
      const state = this.#stateOf(channel.id);
      const known = new Set([...state.told.values()].flatMap(({ told }) => Object.keys(told)));
      const groups = groupsOf(channel, situation.alerts, situation, known);
      for (const group of groups) this.#tellGroup(channel, state, group, situation.rules, now);
      this.#forgetOthers(channel, state, new Set(groups.map(({ key }) => key)));
    }
  }

  /** Resolves when no attempt is under way. */
  async settled(): Promise<void> {
    const running = [...this.#states.values()].flatMap(({ sendings }) =>
      [...sendings.values()].flatMap((sending) => sending.running ?? []),
    );
    if (running.length === 0) return;
    await Promise.all(running);
    await this.settled();
  }

  /** Groups whose alerts are all forgotten. */
  #forgetOthers({ id }: Channel, { told, sendings }: ChannelState, keys: ReadonlySet<string>): void {
    for (const [group, { sentAt }] of told) {
      if (keys.has(group)) continue;
      told.delete(group);
      sendings.delete(group);
      void this.#keep({ channel: id, group, told: {}, sentAt });
    }
  }

  #tellGroup(channel: Channel, state: ChannelState, group: Group, rules: ReadonlyMap<string, Rule>, now: number): void {
    const due = dueOf(group, state.told.get(group.key), { grouping: channel.grouping, sendResolved: channel.spec.sendResolved }, now);
    if (due === null) return void state.sendings.delete(group.key);
    const running = [...state.sendings.values()].filter((sending) => sending.running !== null).length;
    const sending = state.sendings.get(group.key) ?? { backoff: new Backoff(this.#options.backoff), running: null, notBefore: 0 };
    state.sendings.set(group.key, sending);
    if (sending.running !== null || running >= MAX_RUNNING || now < sending.notBefore) return;
    sending.running = this.#send({ channel, state, group, due, rules, now }, sending).finally(() => (sending.running = null));
  }

  async #send(work: Work, sending: Sending): Promise<void> {
    const { channel, state, group, due, rules, now } = work;
    const alerts = [...due.firing, ...due.resolved].map((alert) => notified(alert, rules.get(alert.rule)));
    const before = state.told.get(group.key)?.sentAt ?? 0;
    const result: Result<null> =
      alerts.length === 0
        ? { ok: true, value: null }
        : await channel.send(
            notificationOf({ channel: channel.id, group: group.key, groupLabels: group.labels, alerts, before }),
            this.#options.reach,
          );
    if (!result.ok) return this.#failed(channel, sending, result.error);
    if (alerts.length > 0) this.#options.counts.sent(channel.type, 'delivered');
    this.#options.troubled(channel, '');
    state.sendings.delete(group.key);
    if (Object.keys(due.told).length === 0) state.told.delete(group.key);
    else state.told.set(group.key, { told: due.told, sentAt: now });
    await this.#keep({ channel: channel.id, group: group.key, told: due.told, sentAt: now });
  }

  #failed(channel: Channel, sending: Sending, reason: string): void {
    const { counts, troubled, reach, log, now } = this.#options;
    if (reach.signal.aborted) return;
    const pause = sending.backoff.next();
    sending.notBefore = now() + pause;
    counts.sent(channel.type, 'failed');
    log.warn({ channel: channel.id, reason, againInMs: Math.round(pause) }, 'a notification cannot be delivered');
    troubled(channel, reason);
  }

  async #keep(notification: KeptNotification): Promise<void> {
    if (!this.#options.kept.isKept) return;
    const id = `${notification.channel} ${notification.group}`;
    this.#unwritten.set(id, notification);
    const written = await this.#options.kept.told(notification);
    if (written.ok && this.#unwritten.get(id) === notification) this.#unwritten.delete(id);
  }

  /** The store was away when something was delivered. */
  #writeAgain(): void {
    for (const notification of this.#unwritten.values()) void this.#keep(notification);
  }

  #stateOf(channel: string): ChannelState {
    const known = this.#states.get(channel);
    if (known !== undefined) return known;
    const state: ChannelState = { told: new Map(), sendings: new Map() };
    this.#states.set(channel, state);
    return state;
  }
}

/** One notification. */
interface Work {
  readonly channel: Channel;
  readonly state: ChannelState;
  readonly group: Group;
  readonly due: Due;
  readonly rules: ReadonlyMap<string, Rule>;
  readonly now: number;
}
