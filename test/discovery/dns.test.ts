// Backends by names in DNS, served by `weir up`, with a real resolver that changes, fails and lies under traffic.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Backend, type Echo } from '../support/backend.ts';
import { Child } from '../support/child.ts';
import { freePorts } from '../support/free-port.ts';
import { backendSite } from '../support/objects.ts';
import { traffic, type Exchanges } from '../support/traffic.ts';
import { DnsServer } from './dns-server.ts';

const NAME = 'shop.test';
/** The addresses that `--allow-endpoints` permits; 127.0.0.1 is none of them. */
const ADDRESSES = ['127.0.0.2', '127.0.0.3', '127.0.0.4'] as const;

const backends = ADDRESSES.map((address) => new Backend(address));
let forbidden: Backend;
let dns: DnsServer;
let folder = '';
let [listener, admin, probe, backend]: number[] = [];
let weir: Child;

function manifests(): string {
  const pace = { minimumRefresh: '20ms', maximumRefresh: '50ms', keep: '1h' };
  return backendSite(listener ?? 0, 'shop', { dns: { name: NAME, type: 'A', port: backend, servers: [dns.address], ...pace } });
}

/** Sends a request; the name of the backend that answers, or the status. */
async function ask(): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${listener}/`);
  return response.status === 200 ? ((await response.json()) as Echo).backend : `${response.status} ${await response.text()}`;
}

/** Requests one after the other; each must get an answer of a backend. */
function requests(): Exchanges {
  return {
    async next() {
      const answer = await ask();
      return (ADDRESSES as readonly string[]).includes(answer) ? null : answer;
    },
    close: () => undefined,
  };
}

/**
 * Resolves once this many answers in a row come from these backends, from each at least once. Several requests at once: single ones may
 * alternate with those of `requests`, and then always meet the same endpoint.
 */
async function servedBy(...names: readonly string[]): Promise<void> {
  for (let row: string[] = []; row.length < 10 || !names.every((name) => row.includes(name));) {
    const answers = await Promise.all([ask(), ask(), ask()]);
    row = answers.every((answer) => names.includes(answer)) ? [...row, ...answers] : [];
  }
}

interface Dump {
  readonly owner: string;
  readonly endpoints: readonly { readonly address: string }[] | null;
  readonly trouble: { readonly reason: string; readonly message: string } | null;
}

async function lookups(): Promise<readonly Dump[]> {
  return (await (await fetch(`http://127.0.0.1:${admin}/discovery`)).json()) as Dump[];
}

/** Resolves once the lookup has a trouble of this reason; '' for none. */
async function troubled(reason: string): Promise<void> {
  for (let seen: string | null = null; seen !== reason;) {
    const [lookup] = await lookups();
    seen = lookup?.trouble?.reason ?? '';
  }
}

beforeAll(async () => {
  dns = await new DnsServer().start();
  [listener, admin, probe, backend] = await freePorts(4);
  await Promise.all(backends.map((each) => each.start(backend, each.name)));
  forbidden = await new Backend('127.0.0.1').start(backend, '127.0.0.1');
  await dns.addresses(NAME, ['127.0.0.2']);
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-dns-'));
  writeFileSync(path.join(folder, 'all.json'), manifests());
  const ports = ['--admin-port', String(admin), '--probe-port', String(probe)];
  weir = new Child(['up', folder, '--allow-endpoints', ADDRESSES.join(','), ...ports]);
  await weir.printed(/serving/);
});

afterAll(async () => {
  await weir.stop();
  await Promise.all([...backends, forbidden].map((each) => each.stop()));
  await dns.kill();
  rmSync(folder, { recursive: true });
});

describe('a Backend by a name in DNS', () => {
  test('has its endpoints when the listener is announced', async () => {
    expect(await ask()).toBe('127.0.0.2');
  });

  test('loses no request while addresses change and the resolver fails, dies and returns', async () => {
    const { failures, requests: count } = await traffic([{ name: 'http', open: requests }], async (enter) => {
      enter('another address');
      await dns.addresses(NAME, ['127.0.0.2', '127.0.0.3']);
      await servedBy('127.0.0.2', '127.0.0.3');
      enter('the first is gone');
      await dns.addresses(NAME, ['127.0.0.3']);
      await servedBy('127.0.0.3');
      enter('SERVFAIL');
      await dns.set({ failing: { all: 'servfail' } });
      await troubled('LookupFailed');
      await servedBy('127.0.0.3');
      enter('no records');
      await dns.set({});
      await troubled('NoRecords');
      await servedBy('127.0.0.3');
      enter('dead');
      await dns.kill();
      await troubled('LookupFailed');
      await servedBy('127.0.0.3');
      enter('back');
      await dns.start();
      await dns.addresses(NAME, ['127.0.0.4']);
      await servedBy('127.0.0.4');
      await troubled('');
    });
    expect(failures).toEqual([]);
    expect(count).toBeGreaterThan(50);
  });

  test('does not lead to addresses that are not permitted, when the answer turns', async () => {
    await dns.addresses(NAME, ['127.0.0.1', '169.254.169.254', '127.0.0.2']);
    await servedBy('127.0.0.2');
    expect(forbidden.requests).toBe(0);
    await dns.addresses(NAME, ['127.0.0.1']);
    while (!(await ask()).startsWith('503'));
    expect(forbidden.requests).toBe(0);
    await weir.printed(/not used: 127\.0\.0\.1 is a loopback address, which --allow-endpoints does not permit/);
  });

  test('is in the metrics', async () => {
    await dns.addresses(NAME, ['127.0.0.2']);
    await servedBy('127.0.0.2');
    const text = await (await fetch(`http://127.0.0.1:${probe}/metrics`)).text();
    expect(text).toContain('weir_discovery_backends{source="dns",state="resolved"} 1');
    expect(text).toMatch(/weir_discovery_failures_total\{source="dns",reason="LookupFailed"\} [1-9]/);
  });
});
