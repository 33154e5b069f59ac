// Alerts in a cluster, with the documented rights: the rules of the CRDs, a notification over a URL in a Secret, and the conditions.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describeWith } from '../support/describe-with.ts';
import { Site } from '../support/site.ts';

const HOST = '127.0.9.61';
const DEADLINE_MS = 15 * 60_000;

function object(kind: string, name: string, spec: object): object {
  return { apiVersion: 'gateway.weir.dev/v1alpha1', kind, metadata: { name }, spec };
}

interface Conditions {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message: string }[] };
}

describeWith(['cluster', 'root', 'ip'], 'alerts in a cluster', () => {
  let site: Site;
  let receiver: http.Server;
  const received: string[] = [];

  beforeAll(async () => {
    site = await Site.start({ hosts: [HOST], backends: [] });
    receiver = http.createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const { alerts } = JSON.parse(Buffer.concat(parts).toString()) as { alerts: { annotations: { summary: string } }[] };
        received.push(...alerts.map(({ annotations }) => annotations.summary));
        response.end();
      });
    });
    receiver.listen(0, site.address);
    await once(receiver, 'listening');
  }, DEADLINE_MS);
  afterAll(async () => {
    receiver?.close();
    await site?.stop();
  });

  const conditionsOf = async (kind: string, name: string): Promise<Readonly<Record<string, string>>> => {
    const { status } = (await site.cluster.object(kind, name)) as unknown as Conditions;
    return Object.fromEntries((status?.conditions ?? []).map(({ type, status: value }) => [type, value]));
  };
  const secretOf = (key: string) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'hook' },
    stringData: { [key]: `http://${site.address}:${(receiver.address() as AddressInfo).port}/` },
  });

  test.each([
    ['AlertRule', { summary: 'x' }, 'must set exactly one of expression and prometheus'],
    ['AlertRule', { summary: 'x', expression: 'true', labels: { 'a-b': 'c' } }, 'names of labels have letters'],
    ['AlertRule', { summary: 'x', expression: 'true', for: 'soon' }, 'spec.for'],
    ['NotificationChannel', { default: true }, 'must set exactly one of webhook, slack, email, pagerDuty, alertmanager'],
    ['NotificationChannel', { webhook: {} }, 'must set exactly one of url and urlFrom'],
  ])('the API server refuses %s %j', async (kind, spec, reason) => {
    await expect(site.cluster.apply(JSON.stringify(object(kind, 'wrong', spec)))).rejects.toThrow(reason);
  });

  test('a rule fires, its channel is told, and both have conditions', async () => {
    await site.apply(
      secretOf('url'),
      object('NotificationChannel', 'hook', {
        default: true,
        groupWait: '0s',
        webhook: { urlFrom: { secretRef: { name: 'hook' }, key: 'url' } },
      }),
      object('AlertRule', 'proxies', { expression: 'installation.proxies > 0', summary: '{{ round(value) }} proxies.' }),
    );
    await site.cluster.until('the notification', () => Promise.resolve(received.some((summary) => /^\d+ proxies\.$/.test(summary))));
    await site.cluster.until('the conditions of the rule', async () => {
      const { Accepted, Evaluated, Firing, ResolvedRefs } = await conditionsOf('alertrule', 'proxies');
      return [Accepted, Evaluated, Firing, ResolvedRefs].every((status) => status === 'True');
    });
    await site.cluster.until(
      'the conditions of the channel',
      async () => (await conditionsOf('notificationchannel', 'hook'))['Delivered'] === 'True',
    );
    expect(await site.cluster.kubectl(['get', 'war', 'proxies'])).toMatch(
      /^NAME\s+SEVERITY\s+EACH\s+ACCEPTED\s+FIRING\s+AGE\s+proxies\s+warning\s+Installation\s+True\s+True\s/,
    );
  }, 60_000);

  test('a Secret without the entry is told, and an entry that comes back is used', async () => {
    await site.cluster.kubectl(['delete', 'secret', 'hook']);
    await site.apply(secretOf('address'));
    await site.cluster.until('the refusal', async () => (await conditionsOf('notificationchannel', 'hook'))['ResolvedRefs'] === 'False');
    await site.apply(secretOf('url'));
    await site.cluster.until('the reference', async () => (await conditionsOf('notificationchannel', 'hook'))['ResolvedRefs'] === 'True');
  }, 60_000);
});
