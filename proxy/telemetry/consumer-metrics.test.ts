// The number of series is limited, and the sums of plans stay right.
import { expect, test } from '@jest/globals';
import type { Exchange } from '../exchange/exchange.ts';
import type { Principal } from '../exchange/principal.ts';
import { ConsumerMetrics } from './consumer-metrics.ts';

const EXCHANGE = { status: 200, error: null, requestBytes: 1, responseBytes: 2 } as Exchange;

function count(metrics: ConsumerMetrics, consumer: string, plan: string): void {
  metrics.count(EXCHANGE, { consumer, plan } as Principal, 1);
}

/** `CONSUMER PLAN COUNT` of each series with requests. */
function requests(metrics: ConsumerMetrics): readonly string[] {
  const family = metrics.families().find(({ name }) => name === 'weir_consumer_requests_total');
  return (family?.read() ?? []).map(({ labels, value }) => `${labels['consumer']} ${labels['plan']} ${value}`);
}

test('further Consumers count as other, by plan', () => {
  const metrics = new ConsumerMetrics({ consumers: 2, plans: 100 });
  for (const [name, plan] of [
    ['a', 'free'],
    ['b', 'gold'],
    ['c', 'free'],
    ['d', 'free'],
    ['e', 'gold'],
    ['a', 'free'],
  ] as const)
    count(metrics, name, plan);
  expect(requests(metrics)).toEqual(['a free 2', 'other free 2', 'b gold 1', 'other gold 1']);
});

test('further plans count as other', () => {
  const metrics = new ConsumerMetrics({ consumers: 100, plans: 2 });
  for (const plan of ['one', '', 'two', 'three']) count(metrics, `of-${plan}`, plan);
  expect(requests(metrics)).toEqual(['of-one one 1', 'of- none 1', 'of-two other 1', 'of-three other 1']);
});

test('Consumers without requests for 120 scrapes make room', () => {
  const metrics = new ConsumerMetrics({ consumers: 1, plans: 100 });
  count(metrics, 'a', 'free');
  for (let scrape = 0; scrape < 121; scrape++) requests(metrics);
  count(metrics, 'b', 'free');
  expect(requests(metrics)).toEqual(['b free 1']);
});
