// Explains where a request goes: every match of a table, in the order of the search, with the reason why it lost. It uses the table that
// routes the traffic, slowly and completely; the result is plain data for JSON.
import type { Match, Route } from '#api/ir/ir.ts';
import type { Candidate } from './candidate.ts';
import { comparePatterns, coversHost } from './hostname.ts';
import type { ListenerGroup } from './listener-index.ts';
import { lossOf, type Loss } from './loss.ts';
import { comparePrecedence, whyBefore } from './precedence.ts';
import {
  announcedBy,
  decidePreflight,
  isPreflight,
  type PolicyCors,
  isUntold,
  type AnnouncedRequest,
  type PreflightDecision,
  type PreflightVerdict,
} from './preflight.ts';
import type { MatchRequest } from './request.ts';
import type { RouteTable } from './table.ts';

export type { Loss, LossStep } from './loss.ts';

/** One examined match. A null `loss` is the winner. */
export interface Considered {
  readonly routeKey: string;
  readonly matchIndex: number;
  readonly match: Match;
  readonly listener: string;
  /** The compared host name of the route; '' for any. */
  readonly hostname: string;
  readonly loss: Loss | null;
}

/** The owner of the request. Null `hostname`: no listener. */
export interface ListenerChoice {
  readonly hostname: string | null;
  /** Keys of the listeners with that host name; more than one only if Gateways share addresses. */
  readonly listeners: readonly string[];
  readonly reason: string;
}

/** The winner, with its route for filters and backends. */
export interface Winner extends Considered {
  readonly route: Route;
  readonly prefixLength: number;
  readonly invalidReason: string | null;
}

/** The complete explanation. `considered` is in the order of the search; matches of other hosts and listeners come last. */
export interface Explanation {
  readonly request: MatchRequest;
  readonly listener: ListenerChoice;
  readonly considered: readonly Considered[];
  readonly winner: Winner | null;
  /** Null: the request is not a CORS preflight. */
  readonly preflight: ExplainedPreflight | null;
}

/** The decision about a preflight. */
export interface ExplainedPreflight {
  /** The explanation of the announced request. */
  readonly method: string;
  readonly verdict: PreflightVerdict;
  readonly reason: string;
}

/** Explains the result of `table.find(request)`, or the decision about a preflight. `ofPolicies`: the CORS of policies. */
export function explain(table: RouteTable, request: MatchRequest, ofPolicies?: PolicyCors): Explanation {
  const listener = chooseListener(table, request);
  const decision = isPreflight(request) ? decidePreflight(table, request, ofPolicies) : null;
  const asked = decision?.asAnnounced === true ? askedBy(announcedBy(request)) : { request, isUntold: () => false };
  const contenders = contendersOf(table).map((contender) => ({ ...contender, loss: judge(contender, table, asked, listener) }));
  contenders.sort(compareContenders);
  const winner = contenders.find(({ loss }) => loss === null) ?? null;
  return {
    request,
    listener,
    considered: contenders.map((contender) => consider(contender, winner)),
    winner: winner === null ? null : announce(winner),
    preflight: decision === null ? null : describePreflight(request, decision),
  };
}

/** The request as matches see it. */
interface Asked {
  readonly request: MatchRequest;
  /** Whether the values of a header are unknown. */
  readonly isUntold: (header: string) => boolean;
}

function askedBy(announced: AnnouncedRequest): Asked {
  return { request: announced.request, isUntold: (header) => isUntold(announced, header) };
}

function describePreflight(request: MatchRequest, { verdict, reason }: PreflightDecision): ExplainedPreflight {
  return { method: announcedBy(request).request.method, verdict, reason };
}

function chooseListener(table: RouteTable, request: MatchRequest): ListenerChoice {
  const { listeners } = table.parts;
  const host = JSON.stringify(request.host);
  const group = listeners.owner(request.host);
  if (group === null) return { hostname: null, listeners: [], reason: `no listener has a host name that covers ${host}` };
  const others = [...listeners.groups()].filter(({ hostname }) => coversHost(hostname, request.host)).length - 1;
  const rank =
    others === 0
      ? 'as no other listener host name does'
      : `more specifically than ${others} other listener host name${others === 1 ? '' : 's'}`;
  const reason = `${JSON.stringify(group.hostname)} covers ${host}, ${rank}`;
  if (group.listeners.length === 0) return { hostname: null, listeners: [], reason: `${reason}, but ${describeUnserved(group)}` };
  const { hostname, listeners: keys } = group;
  if (!request.listener || listeners.groupOf(request.listener) === group) return { hostname, listeners: keys, reason };
  return { hostname: null, listeners: [], reason: `misdirected: SNI picked ${request.listener}, but ${reason}` };
}

function describeUnserved({ unserved }: ListenerGroup): string {
  return `${unserved.map(({ key, reason }) => `listener ${key} cannot be served (${reason})`).join(' and ')}: no listener answers for it`;
}

/** A match under one host name of its route. */
interface Contender {
  readonly hostname: string;
  readonly candidate: Candidate;
}

interface JudgedContender extends Contender {
  readonly loss: Loss | null;
}

/** All matches on listeners of this port, under each of their host names. */
function contendersOf(table: RouteTable): Contender[] {
  const attached = [...table.parts.routes.entries()].flatMap(([, route]) => route.attached);
  return attached
    .filter(({ listener }) => table.parts.listeners.get(listener) !== null)
    .flatMap(({ hostnames, candidates }) =>
      [...new Set(hostnames)].flatMap((hostname) => candidates.map((candidate) => ({ hostname, candidate }))),
    );
}

/** The first condition that the request does not meet. A match with a higher precedence is found later. */
function judge({ hostname, candidate }: Contender, table: RouteTable, asked: Asked, choice: ListenerChoice): Loss | null {
  const owner = table.parts.listeners.owner(hostname);
  if (owner === null || owner.hostname !== choice.hostname || !owner.listeners.includes(candidate.listener)) {
    return { step: 'listener', reason: `listener ${candidate.listener} does not serve the request` };
  }
  if (coversHost(hostname, asked.request.host)) return lossOf(candidate, asked.request, asked.isUntold);
  return { step: 'host', reason: `host: wanted ${JSON.stringify(hostname)}` };
}

function compareContenders(a: JudgedContender, b: JudgedContender): number {
  return (
    Number(isElsewhere(a)) - Number(isElsewhere(b)) ||
    comparePatterns(a.hostname, b.hostname) ||
    comparePrecedence(a.candidate, b.candidate)
  );
}

/** Lost before its path was compared. */
function isElsewhere({ loss }: JudgedContender): boolean {
  return loss !== null && (loss.step === 'listener' || loss.step === 'host');
}

function consider(contender: JudgedContender, winner: JudgedContender | null): Considered {
  const { hostname, candidate, loss } = contender;
  const isBeaten = loss === null && winner !== null && winner !== contender;
  return {
    routeKey: candidate.route.key,
    matchIndex: candidate.matchIndex,
    match: candidate.match,
    listener: candidate.listener,
    hostname,
    loss: isBeaten ? { step: 'precedence', reason: whyBeaten(winner, contender) } : loss,
  };
}

function whyBeaten(winner: Contender, loser: Contender): string {
  if (winner.hostname === loser.hostname) return whyBefore(winner.candidate, loser.candidate);
  return `host ${JSON.stringify(winner.hostname)} is more specific than ${JSON.stringify(loser.hostname)}`;
}

function announce(contender: JudgedContender): Winner {
  const { route, prefixLength, invalidReason } = contender.candidate;
  return { ...consider(contender, null), route, prefixLength, invalidReason };
}
