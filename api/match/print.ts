// Tables and explanations as text for terminals, dumps and tests. The order depends only on the content.
import type { Filter, Match, RouteBackend, ValueMatch } from '#api/ir/ir.ts';
import type { Candidate } from './candidate.ts';
import type { Considered, Explanation, Winner } from './explain.ts';
import type { HostSlot } from './host-index.ts';
import { comparePatterns } from './hostname.ts';
import { treeCandidates, type PathLeaf } from './path-tree.ts';
import type { RadixNode } from './radix.ts';
import type { RouteTable } from './table.ts';

/** All hosts of a table with their matches in the order of the search, then the problems. */
export function printTable(table: RouteTable): string {
  const slots = [...table.parts.hosts.slots()].sort((a, b) => comparePatterns(a.pattern, b.pattern));
  const problems = table.problems.map(({ routeKey, field, reason }) => `problem in ${routeKey} at ${field}: ${reason}`);
  return [...slots.flatMap(printSlot), ...problems].join('\n');
}

function printSlot(slot: HostSlot): string[] {
  const candidates = treeCandidates(slot.tree);
  const { listeners, unserved } = slot.group;
  const owners = listeners.length > 0 ? listeners.join(' and ') : `${unserved.map(({ key }) => key).join(' and ')} (not served)`;
  const head = `host ${hostName(slot.pattern)}, listener ${owners}`;
  if (candidates.length === 0) return [`${head}: no routes`];
  return [head, ...candidates.map((candidate) => `  ${describeCandidate(candidate)}`)];
}

function describeCandidate(candidate: Candidate): string {
  const invalid = candidate.invalidReason === null ? '' : `  INVALID: ${candidate.invalidReason}`;
  return `${describeMatch(candidate.match)}  ->  ${candidate.route.key} match ${candidate.matchIndex}${invalid}`;
}

/** A match in one line: `GET PathPrefix /a header x-b="1" query c=~"d+"`. */
export function describeMatch(match: Match): string {
  const conditions = [
    match.method,
    `${match.path.type} ${match.path.value}`,
    ...match.headers.map((header) => `header ${describeValue(header)}`),
    ...match.queryParams.map((parameter) => `query ${describeValue(parameter)}`),
  ];
  return conditions.filter((condition) => condition !== null).join(' ');
}

function describeValue(match: ValueMatch): string {
  return `${match.name}${match.type === 'Exact' ? '=' : '=~'}${JSON.stringify(match.value)}`;
}

/** The radix tree of one host name, one node per line. '' if the table does not have the host name. */
export function printTree(table: RouteTable, hostname: string): string {
  const slot = table.parts.hosts.get(hostname);
  if (slot === null) return '';
  const expressions = (slot.tree.regexes ?? []).map((candidate) => `~ ${describeCandidate(candidate)}`);
  return [...printNode(slot.tree.root, ''), ...expressions].join('\n');
}

function printNode(node: RadixNode<PathLeaf> | null, indent: string): string[] {
  if (node === null) return [];
  const { exact, prefix } = node.value ?? { exact: null, prefix: null };
  const counts = `${exact === null ? '' : ` exact ${exact.length}`}${prefix === null ? '' : ` prefix ${prefix.length}`}`;
  return [`${indent}${JSON.stringify(node.label)}${counts}`, ...node.children.flatMap((child) => printNode(child, `${indent}  `))];
}

/** An explanation for a terminal. `all` also lists the matches of other hosts and listeners; otherwise they are only counted. */
export function printExplanation(explanation: Explanation, all = false): string {
  const { request, listener, winner, considered, preflight } = explanation;
  const isListed = ({ loss }: Considered): boolean => all || loss === null || (loss.step !== 'listener' && loss.step !== 'host');
  const listed = considered.filter(isListed);
  const query = request.query === '' ? '' : `?${request.query}`;
  return [
    printable(`${request.method} ${request.host}${request.path}${query}`),
    ...(preflight === null ? [] : [printable(`preflight of ${preflight.method}, ${preflight.verdict}: ${preflight.reason}`)]),
    `listener  ${listener.listeners.join(' and ') || 'none'}: ${listener.reason}`,
    ...(winner === null ? ['winner    none'] : printWinner(winner)),
    ...(listed.length === 0 ? [] : ['tried, in this order']),
    ...listed.flatMap(printConsidered),
    ...(listed.length === considered.length ? [] : [`${considered.length - listed.length} more belong to other hosts or listeners`]),
  ].join('\n');
}

function printWinner(winner: Winner): string[] {
  const { route } = winner;
  const rule = `rule ${route.ruleIndex}${route.ruleName === '' ? '' : ` "${route.ruleName}"`}`;
  const lines = [
    `winner    ${route.objectKind} ${route.namespace}/${route.name}, ${rule}, match ${winner.matchIndex}`,
    `match     ${describeMatch(winner.match)}`,
    `filters   ${route.filters.map(describeFilter).join(', ') || 'none'}`,
    `backends  ${route.backends.map(describeBackend).join(', ') || 'none'}`,
  ];
  return winner.invalidReason === null ? lines : [...lines, `invalid   ${winner.invalidReason}`];
}

function describeFilter(filter: Filter): string {
  return filter.type;
}

function describeBackend(backend: RouteBackend): string {
  const filters = backend.filters.length === 0 ? '' : ` (${backend.filters.map(describeFilter).join(', ')})`;
  return `${backend.cluster ?? `invalid: ${backend.invalidReason ?? 'no such backend'}`} weight ${backend.weight}${filters}`;
}

function printConsidered(entry: Considered): string[] {
  const head = `${entry.routeKey} match ${entry.matchIndex}, host ${hostName(entry.hostname)}: ${describeMatch(entry.match)}`;
  if (entry.loss === null) return [`  won   ${head}`];
  return [`  lost  ${head}`, `        ${entry.loss.reason}`];
}

/** Escapes control characters: a request must not be able to control the terminal of the reader. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function hostName(pattern: string): string {
  return pattern === '' ? '(any)' : pattern;
}
