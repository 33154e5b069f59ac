// The linter: mistakes and oddities in the objects of a folder, each cause once, with its position. `weir validate` prints
// it, `weir up` logs it.
import { setImmediate } from 'node:timers/promises';
import type { FolderContent } from '../watch/folder.ts';
import { certificateFindings } from './certificates.ts';
import { descriptorFindings } from './descriptors.ts';
import { documentFindings } from './documents.ts';
import type { Finding, Unplaced } from './finding.ts';
import { matchFindings } from './matches.ts';
import { classFindings, parentFindings } from './parents.ts';
import { emptinessFindings, endpointFindings, listenerFindings, parametersFindings, policyFindings } from './reach.ts';
import { statusFindings } from './statuses.ts';
import { subjectOf, type Compiled, type LintOptions, type Subject } from './subject.ts';
import { unsupportedFindings } from './unsupported.ts';

/** All checks. Their order decides which cause of one field is reported. */
const CHECKS: readonly ((subject: Subject) => readonly Unplaced[])[] = [
  emptinessFindings,
  classFindings,
  parentFindings,
  statusFindings,
  unsupportedFindings,
  faultFindings,
  certificateFindings,
  matchFindings,
  listenerFindings,
  policyFindings,
  parametersFindings,
  endpointFindings,
  documentFindings,
  descriptorFindings,
];

/** The findings about the objects, sorted by place. Problems of the files themselves are not among them. */
export function lint(content: FolderContent, compiled: Compiled, options: LintOptions): readonly Finding[] {
  const subject = subjectOf(content, compiled, options);
  return toFindings(
    CHECKS.flatMap((check) => check(subject)),
    subject,
  );
}

/** Like `lint`, with a turn of the event loop for each check, so that the proxy serves requests in between. */
export async function lintInTurns(content: FolderContent, compiled: Compiled, options: LintOptions): Promise<readonly Finding[]> {
  const subject = subjectOf(content, compiled, options);
  const all: Unplaced[] = [];
  for (const check of CHECKS) {
    all.push(...check(subject));
    await setImmediate();
  }
  return toFindings(all, subject);
}

function toFindings(all: readonly Unplaced[], subject: Subject): readonly Finding[] {
  const { content } = subject;
  const found = all.filter((finding) => !isOfRefused(finding, content) && !isConsequence(finding, all));
  const hinted = found.map((finding) => ({ ...finding, ...placeOf(finding, content.places), reason: withHint(finding.reason, subject) }));
  return sorted(oncePerCause(hinted));
}

/** Sorts findings by file and line. */
export function sorted(findings: readonly Finding[]): readonly Finding[] {
  return findings.toSorted((a, b) => (a.file < b.file ? -1 : Number(a.file > b.file)) || a.line - b.line);
}

function faultFindings({ faults }: Subject): readonly Unplaced[] {
  return faults.map(({ unit, object, error }) => {
    const reason = `a bug in Weir prevents its compilation (${unit}): ${error instanceof Error ? error.message : String(error)}`;
    return { severity: 'error', object, field: '', reason };
  });
}

const MISSING = /([A-Z][A-Za-z]*\/[^\s/;,]+(?:\/[^\s/;,]+)?) does not exist/;

/** A refused object of the files is not missing: its own problem is the cause. */
function isOfRefused({ reason }: Unplaced, { problems }: FolderContent): boolean {
  const missing = MISSING.exec(reason)?.[1];
  return missing !== undefined && problems.some(({ object, severity }) => severity === 'error' && object === missing);
}

/** Fields that decide whether a route attaches to a listener. */
const ATTACHMENT = /^spec\.(parentRefs?|hostnames)/;

/** A finding that another one explains. */
function isConsequence({ severity, object, field, reason }: Unplaced, all: readonly Unplaced[]): boolean {
  if (severity === 'info' && field.startsWith('spec.listeners')) return all.some((other) => ATTACHMENT.test(other.field));
  // A listener without a supported protocol allows no kind of route.
  if (reason.startsWith('NotAllowedByListeners') && !/[:,] \S+ allows (?!no kind)/.test(reason))
    return all.some((other) => other.reason.startsWith('UnsupportedProtocol'));
  if (reason.startsWith('InvalidParameters: GatewayClass/')) return all.some((other) => other.object.startsWith('GatewayClass/'));
  return (
    object.startsWith('GatewayParameters/') && all.some((other) => other.reason.includes(' GatewayParameters/') && other.object !== object)
  );
}

function withHint(reason: string, { objects }: Subject): string {
  const missing = MISSING.exec(reason)?.[1];
  return missing === undefined || reason.includes('did you mean') ? reason : `${reason}${objects.hint(missing)}`;
}

/** If several checks find the same field of the same object, the first finding counts. */
function oncePerCause(findings: readonly Finding[]): readonly Finding[] {
  const first = new Map<string, Finding>();
  for (const finding of findings) {
    const id = JSON.stringify([
      finding.object,
      finding.field,
      finding.field === '' ? finding.reason : finding.reason.replace(/^\w+: /, ''),
    ]);
    if (!first.has(id)) first.set(id, finding);
  }
  return [...first.values()];
}

/** The place of a finding in the files. */
export function placeOf({ object, field }: Unplaced, places: FolderContent['places']): Pick<Finding, 'file' | 'line'> {
  const place = places.get(object);
  return place === undefined ? { file: '', line: 0 } : { file: place.file, line: field === '' ? place.line : place.lineOf(field) };
}
