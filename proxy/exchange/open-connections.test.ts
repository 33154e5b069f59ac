// Which exchanges are listed as open, and for how long.
import { expect, test } from '@jest/globals';
import { Exchange } from './exchange.ts';
import { OpenConnections } from './open-connections.ts';

function exchange(fields: Partial<Exchange>): Exchange {
  return Object.assign(new Exchange({} as never, {} as never, 0), fields);
}

test('lists what is open, the oldest first, each with an id of its own', () => {
  const connections = new OpenConnections();
  const [events, socket, tunnel] = [
    exchange({}),
    exchange({ tunnel: true, upgrade: 'websocket' }),
    exchange({ tunnel: true, upgrade: 'x' }),
  ];
  for (const each of [events, socket, tunnel]) connections.begin(each);
  expect([...connections.all()].map(({ kind }) => kind)).toEqual(['events', 'websocket', 'tunnel']);
  expect(new Set([...connections.all()].map(({ id }) => id)).size).toBe(3);
  connections.ended(socket);
  expect([...connections.all()].map(({ kind }) => kind)).toEqual(['events', 'tunnel']);
});

test.each([
  ['a copy, whose end is not recorded', { shadow: true }],
  ['an exchange that is over', { phase: 'done' as const }],
])('does not list %s', (_, fields) => {
  const connections = new OpenConnections();
  const listed = exchange(fields);
  connections.begin(listed);
  expect([[...connections.all()], listed.isListed]).toEqual([[], false]);
});
