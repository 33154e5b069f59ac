// The groups of alerts of a channel, and when a notification of each is due.
import type { SilenceMatcher } from '../store/kept-alerts.ts';
import type { Alert } from './alert.ts';
import type { Channel, Grouping } from './channels/index.ts';
import { meets } from './matchers.ts';
import type { Rule } from './rule.ts';

/** What a channel was told of a group: the time of firing by fingerprint, and when. */
export interface Told {
  readonly told: Readonly<Record<string, number>>;
  readonly sentAt: number;
}

/** A group of alerts for a channel. */
export interface Group {
  readonly key: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly firing: readonly Alert[];
  /** Those that have ended, or that are silenced: the channel may have been told of them. */
  readonly resolved: readonly Alert[];
  readonly silenced: readonly Alert[];
}

/** What decides which alerts a channel gets. */
export interface Routing {
  readonly rules: ReadonlyMap<string, Rule>;
  readonly silences: readonly (readonly SilenceMatcher[])[];
}

/** The groups of the alerts that a channel gets. `known`: the fingerprints that it was told of, whose ends it gets even without their rule. */
export function groupsOf(
  channel: Channel,
  alerts: Iterable<Alert>,
  { rules, silences }: Routing,
  known: ReadonlySet<string> = new Set(),
): readonly Group[] {
  const groups = new Map<string, { labels: Record<string, string>; firing: Alert[]; resolved: Alert[]; silenced: Alert[] }>();
  for (const alert of alerts) {
    const isKnown = alert.state === 'resolved' && known.has(alert.fingerprint);
    if (alert.state === 'pending' || !(isKnown || isFor(channel, alert, rules))) continue;
    const labels = Object.fromEntries(
      channel.grouping.by.flatMap((name) => (alert.labels[name] === undefined ? [] : [[name, alert.labels[name]]])),
    );
    const key = JSON.stringify(labels);
    const group = groups.get(key) ?? { labels, firing: [], resolved: [], silenced: [] };
    groups.set(key, group);
    const isSilenced = silences.some((matchers) => meets(alert.labels, matchers));
    if (alert.state === 'resolved') group.resolved.push(alert);
    else group[isSilenced ? 'silenced' : 'firing'].push(alert);
  }
  return [...groups].map(([key, group]) => ({ key, ...group }));
}

/** Whether a channel gets an alert: its rule names the channel, or names none and the channel is a default of its namespace. */
export function isFor({ namespace, name, spec }: Channel, alert: Alert, rules: ReadonlyMap<string, Rule>): boolean {
  const rule = rules.get(alert.rule);
  const own = rule?.namespace ?? alert.rule.slice(0, alert.rule.indexOf('/'));
  if (own !== namespace) return false;
  const { severities } = spec;
  if (severities.length > 0 && !severities.some((severity) => severity === alert.labels['severity'])) return false;
  const named = rule?.spec.channels ?? [];
  return named.length === 0 ? spec.default : named.some((channel) => channel.name === name);
}

/** What a notification of a group has to tell now. */
export interface Due {
  readonly firing: readonly Alert[];
  /** Alerts that the channel was told of and that have ended. */
  readonly resolved: readonly Alert[];
  /** What the channel knows after the notification. */
  readonly told: Readonly<Record<string, number>>;
}

/** What to tell of a group now; null if nothing is due. Without alerts in it nothing is sent, but the channel knows something else. */
export function dueOf(
  group: Group,
  before: Told | undefined,
  { grouping, sendResolved }: { readonly grouping: Grouping; readonly sendResolved: boolean },
  now: number,
): Due | null {
  const known = before?.told ?? {};
  const fresh = group.firing.filter(({ fingerprint, firedAt }) => known[fingerprint] !== firedAt);
  const ended = group.resolved.filter(({ fingerprint, firedAt }) => known[fingerprint] === firedAt);
  const isDue =
    before === undefined ? now >= firstAt(fresh, grouping) : now >= nextAt(group, before, grouping, fresh.length + ended.length > 0);
  return isDue ? { firing: group.firing, resolved: sendResolved ? ended : [], told: toldAfter(group, known) } : null;
}

/** When a group is told first. */
function firstAt(fresh: readonly Alert[], { wait }: Grouping): number {
  return Math.min(...fresh.map(({ firedAt }) => firedAt)) + wait;
}

/** When a group is told again. */
function nextAt({ firing }: Group, { sentAt }: Told, { interval, repeat }: Grouping, isChanged: boolean): number {
  if (isChanged) return sentAt + interval;
  return repeat === 0 || firing.length === 0 ? Infinity : sentAt + repeat;
}

/** Silenced alerts stay known, so that the end of a silence does not tell them as new. */
function toldAfter({ firing, silenced }: Group, known: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const kept = silenced.filter(({ fingerprint, firedAt }) => known[fingerprint] === firedAt);
  return Object.fromEntries([...firing, ...kept].map(({ fingerprint, firedAt }) => [fingerprint, firedAt]));
}
