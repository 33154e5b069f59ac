// Which unreadable kinds are reported, and which are not because the problem did not last.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import * as conditions from '../compile/conditions.ts';
import type { DesiredStatus } from '../compile/result.ts';
import type { InformerProblem } from '../watch/informer.ts';
import type { WatchTrouble } from '../watch/trouble.ts';
import type { EventReport } from './event-writer.ts';
import { Readability } from './readability.ts';

const TIMES = { missing: 3_000, failing: 60_000, works: 500 };
const FORBIDDEN: InformerProblem = { type: 'forbidden', verb: 'list' };
const FAILING: InformerProblem = { type: 'failing', reason: 'no leader' };
const CLASS: DesiredStatus = {
  ref: { kind: 'GatewayClass', namespace: '', name: 'weir' },
  type: 'GatewayClass',
  conditions: [conditions.classAccepted(7)],
  supportedFeatures: [],
};
const ROUTE: DesiredStatus = {
  ref: { kind: 'HTTPRoute', namespace: 'ns', name: 'r' },
  type: 'Route',
  parents: [
    { parentRef: { name: 'gw' }, conditions: [conditions.routeRefsNotResolved(1, { reason: 'BackendNotFound', message: 'not there' })] },
  ],
};

let readability: Readability;
let written: DesiredStatus[];
let events: EventReport[];
let isConnected: boolean;

function trouble(problem: InformerProblem, message: string, matters = true): WatchTrouble {
  return { problem, message, matters };
}

/** The last written condition of the class: `False Forbidden: message`. */
function condition(): string {
  const status = written.findLast(({ ref }) => ref.kind === 'GatewayClass');
  const own = status?.type === 'GatewayClass' ? status.conditions.find(({ type }) => type === conditions.RESOURCES_READABLE) : undefined;
  return own === undefined ? '' : `${own.status} ${own.reason}: ${own.message}`;
}

function routeMessage(): string {
  const status = written.findLast(({ ref }) => ref.kind === 'HTTPRoute');
  return status?.type === 'Route' ? (status.parents[0]?.conditions[0]?.message ?? '') : '';
}

beforeEach(() => {
  jest.useFakeTimers();
  written = [];
  events = [];
  isConnected = true;
  readability = new Readability({
    target: { write: (statuses) => void written.push(...statuses) },
    report: (event) => void events.push(event),
    isConnected: () => isConnected,
    times: TIMES,
  });
});

afterEach(() => {
  readability.stop();
  jest.useRealTimers();
});

describe('Readability', () => {
  test('reports a missing right once that has lasted, and its return', () => {
    readability.write([CLASS, ROUTE], []);
    expect(condition()).toMatch(/^True ResourcesReadable: /);
    readability.troubled('Service', trouble(FORBIDDEN, 'may not list services'));
    jest.advanceTimersByTime(2_900);
    expect(condition()).toMatch(/^True /);
    jest.advanceTimersByTime(700);
    expect(condition()).toBe('False Forbidden: may not list services. Configuration that was read before stays in use');
    expect(routeMessage()).toBe('may be outdated (Service cannot be read now): not there');
    expect(events).toMatchObject([{ ref: CLASS.ref, type: 'Warning', reason: 'ResourcesNotReadable', note: 'may not list services' }]);
    readability.troubled('Service', null);
    jest.advanceTimersByTime(600);
    expect(condition()).toMatch(/^True /);
    expect(routeMessage()).toBe('not there');
    expect(events.slice(1)).toMatchObject([{ type: 'Normal', reason: 'ResourcesReadable', note: 'Service can be read again' }]);
  });

  test('does not report a short problem', () => {
    readability.write([CLASS], []);
    readability.troubled('Service', trouble(FORBIDDEN, 'may not list services'));
    jest.advanceTimersByTime(2_000);
    readability.troubled('Service', null);
    jest.advanceTimersByTime(100_000);
    expect(written).toHaveLength(1);
    expect(events).toEqual([]);
  });

  test('does not report an unreachable API server, nor kinds that reconnect later than others', () => {
    readability.write([CLASS], []);
    isConnected = false;
    for (const kind of ['Service', 'Secret', 'Gateway']) readability.troubled(kind, trouble(FAILING, `${kind} fails`));
    jest.advanceTimersByTime(3_600_000);
    isConnected = true;
    readability.troubled('Service', null);
    jest.advanceTimersByTime(30_000);
    readability.troubled('Secret', null);
    jest.advanceTimersByTime(59_000);
    expect(written).toHaveLength(1);
    jest.advanceTimersByTime(2_000);
    expect(condition()).toMatch(/^False Failing: Gateway fails\. /);
  });

  test('does not report kinds that do not affect the configuration', () => {
    readability.write([CLASS], []);
    readability.troubled('TCPRoute', trouble({ type: 'absent' }, 'not known', false));
    jest.advanceTimersByTime(100_000);
    expect(condition()).toMatch(/^True /);
    expect(events).toEqual([]);
  });

  test('reports problems at the start with the first statuses, and by an Event when this controller leads', () => {
    readability.troubled('Backend', trouble({ type: 'absent' }, 'install it'));
    readability.write([CLASS], []);
    expect(condition()).toMatch(/^False NotInstalled: install it\. /);
    expect(events).toEqual([]);
    readability.resume();
    expect(events).toMatchObject([{ type: 'Warning', note: 'install it' }]);
  });

  test('reports kinds that return one by one, the worst reason first', () => {
    readability.write([CLASS], []);
    readability.troubled('Service', trouble(FORBIDDEN, 'may not list services'));
    readability.troubled('Backend', trouble({ type: 'absent' }, 'install it'));
    jest.advanceTimersByTime(4_000);
    expect(condition()).toMatch(/^False Forbidden: may not list services; install it\. /);
    readability.troubled('Service', null);
    jest.advanceTimersByTime(600);
    expect(condition()).toMatch(/^False NotInstalled: install it\. /);
    expect(events.map(({ type, note }) => `${type} ${note}`)).toEqual([
      'Warning may not list services; install it',
      'Normal Service can be read again',
    ]);
  });
});
