// The changes of headers that a processor asks for: those that it may make, applied to a list of headers and to the target of a request.
import { editObstacle, isHostValue, type HeaderSide } from '#api/k8s/header-rules.ts';
import { normalisePath } from '#api/match/normalise.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { isForwarded, withDashes } from '../../exchange/forwarded-names.ts';
import { hasHeader, removeHeader, setHeader, type Headers } from '../../exchange/headers.ts';
import { isFieldName } from '../text.ts';
import type { HeaderMutation, HeaderOption } from './messages.ts';

export interface HeaderRules {
  /** Lower case; null: all that are not protected. */
  readonly allow: ReadonlySet<string> | null;
  readonly deny: ReadonlySet<string>;
  /** With dashes: headers about the caller. Only `allow` opens them. */
  readonly protectedNames: ReadonlySet<string>;
  /** Also method, path and host. */
  readonly routing: boolean;
  /** Another change is a failure. */
  readonly isStrict: boolean;
  /** Another change has no effect. */
  readonly ignored: () => void;
}

const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;
const TARGET = /^\/[\u0021-\u007e]*$/;
const METHOD = /^[A-Z]{1,32}$/;
const STATUS = /^[2-5][0-9]{2}$/;

/** The largest changes of headers in a message. */
const MAX_BYTES = 65_536;

function bytesOf({ set_headers: set }: HeaderMutation): number {
  return set.reduce(
    (sum, { header }) => sum + (header === null ? 0 : header.key.length + header.raw_value.length + (header.value ?? '').length),
    0,
  );
}

/** What a change concerns: a header in the list, a part of the head, or nothing that may change. */
type Scope = 'header' | 'pseudo' | 'refused';

/** Applies changes to headers, or trailers (`exchange` null). Null, or why the processor has failed; then nothing has changed. */
export function changeHeaders(
  mutation: HeaderMutation | null,
  headers: Headers,
  side: HeaderSide,
  rules: HeaderRules,
  exchange: Exchange | null,
): string | null {
  if (mutation === null) return null;
  if (bytesOf(mutation) > MAX_BYTES) return 'the headers of the processor are too large';
  const edits = readEdits(mutation, side, rules, exchange !== null);
  if (typeof edits === 'string') return edits;
  for (const edit of edits) {
    if (edit.scope === 'pseudo') setPseudo(exchange as Exchange, edit.name, edit.value);
    else applyEdit(headers, edit);
  }
  return null;
}

interface Edit {
  readonly scope: Scope;
  readonly action: 'remove' | HeaderOption['append_action'];
  readonly name: string;
  readonly value: string;
}

function readEdits(mutation: HeaderMutation, side: HeaderSide, rules: HeaderRules, hasHead: boolean): readonly Edit[] | string {
  const edits: Edit[] = [];
  for (const text of mutation.remove_headers) {
    const name = text.toLowerCase();
    const isOpen = !name.startsWith(':') && name !== 'host' && scopeOf(name, side, rules, hasHead) === 'header';
    if (isOpen) edits.push({ scope: 'header', action: 'remove', name, value: '' });
    else if (rules.isStrict) return 'the processor changes a header that it may not change';
    else rules.ignored();
  }
  for (const option of mutation.set_headers) {
    const edit = editOf(option, side, rules, hasHead);
    if (edit === null) return 'the processor sends a header that is not valid';
    if (edit.scope !== 'refused') edits.push(edit);
    else if (rules.isStrict) return 'the processor changes a header that it may not change';
    else rules.ignored();
  }
  return edits;
}

/** Null: no message can have it. */
function editOf({ header, append, append_action: action, keep_empty_value: keepsEmpty }: HeaderOption, ...place: Place): Edit | null {
  if (header === null) return null;
  const name = header.key.toLowerCase();
  const bytes = header.raw_value.length > 0 ? header.raw_value : Buffer.from(header.value ?? '', 'utf8');
  const value = bytes.toString('latin1').replaceAll(/^[ \t]+|[ \t]+$/g, '');
  if (!isFieldName(name.replace(/^:/, '')) || CONTROL.test(value)) return null;
  const scope = scopeOf(name, ...place);
  if (scope === 'pseudo') return isPseudoValue(name, value) ? { scope, action: 'OVERWRITE_IF_EXISTS_OR_ADD', name, value } : null;
  if (value === '' && !keepsEmpty) return { scope, action: 'remove', name, value };
  return { scope, action: actionOf(append, action), name, value };
}

type Place = readonly [side: HeaderSide, rules: HeaderRules, hasHead: boolean];

/** The protocol cannot tell the first action from none; without `append` it means what processors have always got: the value replaces others. */
function actionOf(append: HeaderOption['append'], action: HeaderOption['append_action']): HeaderOption['append_action'] {
  if (append !== null) return append.value ? 'APPEND_IF_EXISTS_OR_ADD' : 'OVERWRITE_IF_EXISTS_OR_ADD';
  return action === 'APPEND_IF_EXISTS_OR_ADD' ? 'OVERWRITE_IF_EXISTS_OR_ADD' : action;
}

function scopeOf(name: string, side: HeaderSide, rules: HeaderRules, hasHead: boolean): Scope {
  const isPseudo = name.startsWith(':') || (name === 'host' && side === 'request');
  if (isPseudo) return hasHead && mayChangePseudo(name, side, rules) ? 'pseudo' : 'refused';
  return mayChange(name, side, rules) ? 'header' : 'refused';
}

function mayChange(name: string, side: HeaderSide, { allow, deny, protectedNames }: HeaderRules): boolean {
  if (editObstacle(side, 'set', name) !== null || deny.has(name)) return false;
  return allow === null ? !isForwarded(name) && !protectedNames.has(withDashes(name)) : allow.has(name);
}

function mayChangePseudo(name: string, side: HeaderSide, { routing, deny }: HeaderRules): boolean {
  if (deny.has(name)) return false;
  if (side === 'response') return name === ':status';
  return routing && [':method', ':path', ':authority', 'host'].includes(name);
}

function isPseudoValue(name: string, value: string): boolean {
  if (name === ':status') return STATUS.test(value);
  if (name === ':method') return METHOD.test(value) && value !== 'CONNECT';
  if (name === ':path') return value.length <= 8_192 && TARGET.test(value) && !value.includes('#') && normalisePath(pathOf(value)) !== null;
  return isHostValue(value);
}

function pathOf(target: string): string {
  const mark = target.indexOf('?');
  return mark < 0 ? target : target.slice(0, mark);
}

function setPseudo(exchange: Exchange, name: string, value: string): void {
  if (name === ':status') exchange.status = Number(value);
  else if (name === ':method') exchange.method = value;
  else if (name === ':path') setTarget(exchange, value);
  else exchange.authority = value;
}

function setTarget(exchange: Exchange, target: string): void {
  const path = pathOf(target);
  exchange.path = normalisePath(path) ?? exchange.path;
  exchange.hasQuery = path.length < target.length;
  exchange.query = target.slice(path.length + 1);
}

function applyEdit(headers: Headers, { action, name, value }: Edit): void {
  switch (action) {
    case 'remove':
      return removeHeader(headers, name);
    case 'APPEND_IF_EXISTS_OR_ADD':
      return void headers.push(name, value);
    case 'ADD_IF_ABSENT':
      if (!hasHeader(headers, name)) headers.push(name, value);
      return;
    case 'OVERWRITE_IF_EXISTS':
      if (hasHeader(headers, name)) setHeader(headers, name, value);
      return;
    case 'OVERWRITE_IF_EXISTS_OR_ADD':
      setHeader(headers, name, value);
  }
}
