// The matcher against the naive one, with thousands of generated tables, requests and changes.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Listener, Route } from '#api/ir/ir.ts';
import { explain } from './explain.ts';
import { printTable, printTree } from './print.ts';
import { buildTable, type Found, type MatchRequest, type RouteTable } from './table.ts';
import { attach, draftRoutes, listeners, request } from './testdata/arbitrary.ts';
import { oracle } from './testdata/oracle.ts';

const requests = fc.array(request, { minLength: 1, maxLength: 8 });

function answer(found: Found | null): unknown {
  return found === null ? null : { routeKey: found.route.key, matchIndex: found.matchIndex, listener: found.listener };
}

function answers(table: RouteTable, asked: readonly MatchRequest[]): readonly unknown[] {
  return asked.map((one) => answer(table.find(one)));
}

function dump(table: RouteTable): string {
  const trees = [...table.parts.hosts.slots()].map(({ pattern }) => pattern).sort();
  return [printTable(table), ...trees.map((pattern) => printTree(table, pattern))].join('\n');
}

test('find has the result of the naive matcher', () => {
  fc.assert(
    fc.property(listeners, draftRoutes, requests, (port, drafts, asked) => {
      const routes = drafts.map((draft) => attach(draft, port));
      const table = buildTable(port, routes);
      expect(answers(table, asked)).toEqual(asked.map((one) => oracle(port, routes, one)));
    }),
    { numRuns: 1500 },
  );
});

test('explain has the winner of find', () => {
  fc.assert(
    fc.property(listeners, draftRoutes, requests, (port, drafts, asked) => {
      const table = buildTable(
        port,
        drafts.map((draft) => attach(draft, port)),
      );
      const explained = asked.map((one) => explain(table, one));
      const winners = explained.map(
        ({ winner }) => winner && { routeKey: winner.routeKey, matchIndex: winner.matchIndex, listener: winner.listener },
      );
      const found = answers(table, asked);
      expect(winners).toEqual(found);
      const unbeaten = explained.map(({ considered }) => considered.filter(({ loss }) => loss === null).length);
      expect(unbeaten).toEqual(found.map((each) => (each === null ? 0 : 1)));
    }),
    { numRuns: 400 },
  );
});

test('a table after changes equals a newly built one, and earlier tables do not change', () => {
  const changes = fc.array(fc.record({ port: fc.option(listeners), drafts: draftRoutes, removed: fc.array(fc.nat(20)) }), { maxLength: 5 });
  fc.assert(
    fc.property(changes, requests, (steps, asked) => {
      const port = new Map<string, Listener>();
      const routes = new Map<string, Route>();
      const history: { table: RouteTable; dump: string }[] = [];
      let table = buildTable([], []);
      for (const step of steps) {
        const removedListeners = step.port === null ? [] : [...port.keys()].filter((key) => !step.port?.some((one) => one.key === key));
        removedListeners.forEach((key) => port.delete(key));
        step.port?.forEach((one) => port.set(one.key, one));
        const removedRoutes = [...routes.keys()].filter((_, index) => step.removed.includes(index));
        removedRoutes.forEach((key) => routes.delete(key));
        const changed = step.drafts.map((draft) => attach(draft, [...port.values()]));
        changed.forEach((route) => routes.set(route.key, route));
        table = table.with({ routes: changed, removedRoutes, listeners: step.port ?? [], removedListeners });
        history.push({ table, dump: dump(table) });
        expectSame(table, buildTable([...port.values()], [...routes.values()]), asked);
      }
      expect(history.map((past) => dump(past.table))).toEqual(history.map((past) => past.dump));
    }),
    { numRuns: 400 },
  );
});

function expectSame(table: RouteTable, fresh: RouteTable, asked: readonly MatchRequest[]): void {
  expect(dump(table)).toBe(dump(fresh));
  expect(answers(table, asked)).toEqual(answers(fresh, asked));
}
