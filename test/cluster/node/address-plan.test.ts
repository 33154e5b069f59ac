// Clusters, and the parts of each, have disjoint addresses.
import { expect, test } from '@jest/globals';
import { balancerAddresses, BLOCKS, nodeAddress, planOf, podAddresses } from './address-plan.ts';

test('the first and the last block are within 100.64.0.0/10', () => {
  expect(planOf(0)).toEqual({
    block: '100.64.0.0/20',
    link: 'weir-64-0',
    host: '100.64.0.1',
    gateway: '100.64.0.2',
    dns: '100.64.0.3',
    services: '100.64.8.0/22',
    balancers: '100.64.12.0/24',
    pool: '100.64.13.0/24',
  });
  expect(planOf(BLOCKS - 1)).toMatchObject({ block: '100.127.240.0/20', link: 'weir-127-240' });
});

test('blocks and their links are all different, and a link’s name is short enough', () => {
  const plans = Array.from({ length: BLOCKS }, (_, index) => planOf(index));
  expect(new Set(plans.map(({ block }) => block)).size).toBe(BLOCKS);
  expect(new Set(plans.map(({ link }) => link)).size).toBe(BLOCKS);
  expect(Math.max(...plans.map(({ link }) => link.length))).toBeLessThan(16);
});

test('the addresses of nodes, Pods and balancers are different', () => {
  const plan = planOf(17);
  const all = [
    plan.host,
    plan.gateway,
    plan.dns,
    nodeAddress(plan, 0),
    nodeAddress(plan, 9),
    ...podAddresses(plan),
    ...balancerAddresses(plan),
  ];
  expect(new Set(all).size).toBe(all.length);
  expect(podAddresses(plan).at(0)).toBe('100.65.17.1');
  expect(balancerAddresses(plan).at(-1)).toBe('100.65.28.254');
});
