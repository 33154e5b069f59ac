import { expect, test } from '@jest/globals';
import { didYouMean, nearest } from './nearest.ts';

const KINDS = ['HTTPRoute', 'GRPCRoute', 'TCPRoute', 'Gateway', 'GatewayClass'];

test.each([
  ['HTTPRoutes', 'HTTPRoute'],
  ['HttpRoute', 'HTTPRoute'],
  ['httproute', 'HTTPRoute'],
  ['TCPRuote', 'TCPRoute'],
  ['Gatway', 'Gateway'],
  ['GatewayClas', 'GatewayClass'],
])('%s is near to %s', (name, meant) => {
  expect(nearest(name, KINDS)).toBe(meant);
});

test.each(['Deployment', 'x', '', 'Route'])('nothing is near to %j', (name) => {
  expect(nearest(name, KINDS)).toBe(null);
});

test('adds a question if a name is near', () => {
  expect(didYouMean('drian-delay', ['drain-delay', 'drain-timeout'])).toBe('; did you mean drain-delay?');
  expect(didYouMean('nope', ['drain-delay'])).toBe('');
});
