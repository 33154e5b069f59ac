// Idempotency keys at `weir up` with two workers, which have one memory of keys.
import { expect, test } from '@jest/globals';
import { appAt, OperatedWeir } from '../support/operated-weir.ts';
import { RawUpstream } from '../support/raw-upstream.ts';

const POLICY = {
  apiVersion: 'gateway.weir.dev/v1alpha1',
  kind: 'HTTPPolicy',
  metadata: { name: 'app' },
  spec: { targetRefs: [{ kind: 'HTTPRoute', name: 'app' }], idempotency: { required: true } },
};

test('a key is taken once by all workers, however many requests come at one time', async () => {
  let count = 0;
  const upstream = await RawUpstream.start(() => `HTTP/1.1 201 Created\r\ncontent-length: 1\r\n\r\n${++count % 10}`);
  const up = await OperatedWeir.start([...appAt([upstream.port]), POLICY]);
  try {
    const ask = (key: string) => up.ask(1, { connection: 'close', 'idempotency-key': key }, '/', 'POST');
    for (let key = 1; key <= 5; key++) {
      const answers = (await Promise.all(Array.from({ length: 20 }, () => ask(`"key ${key}"`)))).flat();
      expect(answers.filter(({ status }) => status === 201).every(({ body }) => body === String(key))).toBe(true);
      expect(answers.filter(({ status }) => status !== 201 && status !== 409)).toEqual([]);
      // Whatever worker gets it.
      const again = (await Promise.all(Array.from({ length: 10 }, () => ask(`"key ${key}"`)))).flat();
      expect(again).toEqual(Array.from({ length: 10 }, () => ({ status: 201, body: String(key) })));
    }
    expect(count).toBe(5);
  } finally {
    await up.stop();
    await upstream.close();
  }
});
