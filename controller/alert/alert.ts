// An alert: a subject for which a rule holds, and how it goes on from one evaluation to the next.
//
//                 holds                    for so long              holds no more, and that is sure
//   (inactive) ───────────> pending ─────────────────────> firing ──────────────────────────────────> resolved
//        ^                     │                              ^                                          │
//        └── holds no more ────┘                              └───────────── holds again, as above ──────┘
import { createHash } from 'node:crypto';

export const ALERT_STATES = ['pending', 'firing', 'resolved'] as const;
export type AlertStateName = (typeof ALERT_STATES)[number];

/** Times are milliseconds since the epoch; 0: it has not come to that. */
export interface Alert {
  /** `<namespace>/<name>` of the rule. */
  readonly rule: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Equal for equal labels. */
  readonly fingerprint: string;
  readonly state: AlertStateName;
  readonly value: number;
  readonly summary: string;
  readonly description: string;
  /** Since when the condition holds. */
  readonly activeAt: number;
  readonly firedAt: number;
  readonly resolvedAt: number;
}

/** What an evaluation found for a subject. */
export interface Finding {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly summary: string;
  readonly description: string;
}

/** The times of a rule, milliseconds. */
export interface RuleTimes {
  readonly forMs: number;
  readonly keepMs: number;
}

/** The same for equal labels, whatever their order. */
export function fingerprintOf(labels: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(labels).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 16);
}

/** The alert of a subject for which the rule holds. */
export function held(rule: string, known: Alert | undefined, finding: Finding, { forMs }: RuleTimes, now: number): Alert {
  if (known?.state === 'firing') return { ...known, ...finding };
  const activeAt = known?.state === 'pending' ? known.activeAt : now;
  const fires = now - activeAt >= forMs;
  const fingerprint = known?.fingerprint ?? fingerprintOf(finding.labels);
  return { rule, ...finding, fingerprint, state: fires ? 'firing' : 'pending', activeAt, firedAt: fires ? now : 0, resolvedAt: 0 };
}

/** The alert of a subject for which the rule does not hold any more; null if it is forgotten. `lastHeld`: when it held last. */
export function ended(known: Alert, lastHeld: number, { keepMs }: RuleTimes, now: number): Alert | null {
  if (known.state === 'pending') return null;
  if (known.state === 'resolved' || now - lastHeld < keepMs) return known;
  return { ...known, state: 'resolved', resolvedAt: now };
}
