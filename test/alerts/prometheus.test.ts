// Rules with PromQL and questions about more than two hours, to a real Prometheus with eight hours of samples. A server in front of it is
// slow, dead or answers nonsense when a test says so, since Prometheus does not do that on demand.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { request } from 'undici';
import type { AlertRule } from '#api/k8s/alert-rule.ts';
import { validateObject } from '#api/k8s/validate.ts';
import { Faults } from '#lib/faults.ts';
import { createLog } from '#lib/log.ts';
import { OffStore } from '#lib/store/off-store.ts';
import { AlertDesk } from '../../controller/alert/desk.ts';
import { Evaluator } from '../../controller/alert/evaluator.ts';
import { Prometheus } from '../../controller/alert/prometheus.ts';
import { KeptAlerts } from '../../controller/store/kept-alerts.ts';
import { FleetWindow } from '../../controller/telemetry/window/fleet-window.ts';
import { LongRangeReader } from '../../controller/telemetry/window/long-range.ts';
import type { Selection, Values } from '../../controller/telemetry/window/reader.ts';
import { Window } from '../../controller/telemetry/window/window.ts';
import type { WantedAlerts } from '../../controller/watch/alerts.ts';
import { Prometheus as RealPrometheus } from '../metrics/prometheus.ts';
import { TestCa } from '../support/certificates.ts';
import { describeWith } from '../support/describe-with.ts';
import { until } from '../support/until.ts';

const LOG = createLog('silent');
const HOUR = 3_600_000;
const CART = 'HTTPRoute/shop/cart';
const BLOG = 'HTTPRoute/blog/pages';

/** Each minute of the last eight hours: the cart gets one request a second, three since two and a half hours, and a quarter fails. */
function history(): string {
  const end = Math.floor(Date.now() / 60_000) * 60;
  const seconds = Array.from({ length: 481 }, (_, i) => end - (480 - i) * 60);
  const cart = (at: number) => at - end + 8 * 3_600 + 2 * Math.max(0, at - end + 2.5 * 3_600);
  const series = (name: string, labels: string, value: (at: number) => number) =>
    seconds.map((at) => `${name}{${labels}} ${value(at)} ${at}`).join('\n');
  const counts: readonly (readonly [string, string, number])[] = [
    [CART, '2xx', 0.75],
    [CART, '5xx', 0.25],
    [BLOG, '2xx', 0.1],
  ];
  // Half of the requests take up to 0.1 s, 98 % up to 0.5 s.
  const buckets: readonly (readonly [string, number])[] = [
    ['0.1', 0.5],
    ['0.5', 0.98],
    ['1.0', 1],
    ['+Inf', 1],
  ];
  return [
    '# TYPE weir_requests counter',
    ...counts.map(([route, status, share]) =>
      series('weir_requests_total', `route="${route}",status_class="${status}"`, (at) => share * cart(at)),
    ),
    '# TYPE weir_request_duration_seconds histogram',
    ...buckets.map(([le, share]) =>
      series('weir_request_duration_seconds_bucket', `route="${CART}",le="${le}"`, (at) => Math.floor(share * cart(at))),
    ),
    series('weir_request_duration_seconds_count', `route="${CART}"`, (at) => Math.floor(cart(at))),
    '# EOF\n',
  ].join('\n');
}

/** Passes questions on to Prometheus, or does what a test says. */
class Front {
  url = '';
  answer: ((response: http.ServerResponse) => void) | null = null;
  readonly #server: http.Server;

  constructor(target: string) {
    this.#server = http.createServer((incoming, response) => {
      if (this.answer !== null) return this.answer(response);
      const { method, headers, url } = incoming;
      const passed = { 'content-type': headers['content-type'] ?? '' };
      void request(`${target}${url}`, { method: method as 'POST', headers: passed, body: incoming }).then(async ({ statusCode, body }) => {
        response.writeHead(statusCode, { 'content-type': 'application/json' }).end(await body.text());
      });
    });
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

function rule(name: string, spec: object): WantedAlerts {
  const object = { apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'AlertRule', metadata: { name }, spec: { summary: name, ...spec } };
  const valid = validateObject(object, { strict: true });
  if (!valid.ok) throw new Error(JSON.stringify(valid.error));
  return { kind: 'AlertRule', namespace: 'weir', name, spec: (valid.value as AlertRule).spec };
}

const sendJson = (body: unknown) => (response: http.ServerResponse) => void response.end(JSON.stringify(body));
const vector = (result: unknown) => sendJson({ status: 'success', data: { resultType: 'vector', result } });

describeWith(['prometheus', 'promtool'], 'a Prometheus', () => {
  let real: RealPrometheus;
  let front: Front;
  let prometheus: Prometheus;
  let reader: LongRangeReader;
  let evaluator: Evaluator;
  let desk: AlertDesk;
  const alerts = new KeptAlerts(new OffStore());

  beforeAll(async () => {
    real = await RealPrometheus.start([], history());
    front = new Front(real.url);
    await front.start();
    await real.ready();
  }, 120_000);
  afterAll(async () => {
    front?.stop();
    await real?.stop();
  });

  beforeEach(() => {
    front.answer = null;
    prometheus = new Prometheus({ url: front.url, tokenFile: '', caFile: '', timeoutMs: 1_000 });
    const window = new FleetWindow({
      window: new Window({ now: () => 1 }),
      others: () => Promise.resolve({ windows: [], missing: [] }),
      gauge: () => Promise.resolve({ values: [], missing: [] }),
    });
    reader = new LongRangeReader(window, prometheus);
    evaluator = new Evaluator({
      kept: alerts,
      sources: {
        reader: window,
        inventory: { routes: () => [], backends: () => ['Service/shop/cart/80'] },
        prometheus,
        operatorNamespace: 'weir',
      },
      defaults: [],
      leads: () => true,
      guard: () => null,
      faults: new Faults(LOG, () => expect('a fault').toBe('none')),
      log: LOG,
      times: { intervalMs: HOUR, settleMs: 0 },
    });
    desk = new AlertDesk(evaluator, alerts, 'weir', { defaults: true, disabled: [] });
  });

  afterEach(async () => {
    await prometheus.stop();
  });

  async function values(selection: Selection, ask: (selection: Selection) => Promise<unknown>): Promise<Readonly<Record<string, number>>> {
    const answer = (await ask(selection)) as { readonly ok: boolean; readonly value: Values };
    expect(answer).toMatchObject({ ok: true });
    const keyOf = (labels: Readonly<Record<string, string | undefined>>) => Object.values(labels).join(' ');
    return Object.fromEntries(answer.value.values.map(({ labels, value }) => [keyOf(labels), Number(value.toPrecision(2))]));
  }

  describe('with the samples of hours', () => {
    const requests: Selection = { metric: 'requests', by: ['route', 'class'], rangeMs: 4 * HOUR };

    test('counts of a long range', async () => {
      // An hour and a half at one a second, two and a half hours at three.
      const total = 1.5 * 3_600 + 2.5 * 3 * 3_600;
      expect(await values(requests, (selection) => reader.sum(selection))).toEqual({
        [`${CART} 2xx`]: Number((0.75 * total).toPrecision(2)),
        [`${CART} 5xx`]: Number((0.25 * total).toPrecision(2)),
        [`${BLOG} 2xx`]: Number((0.1 * total).toPrecision(2)),
      });
    });

    test('rates of an hour that is long ago, of some routes', async () => {
      const shop: Selection = {
        ...requests,
        by: ['route'],
        where: [{ label: 'route', is: 'starts', value: 'HTTPRoute/shop/' }],
        rangeMs: HOUR,
        offsetMs: 3 * HOUR,
      };
      expect(await values(shop, (selection) => reader.rate(selection))).toEqual({ [CART]: 1 });
    });

    test('ratios and percentiles', async () => {
      const all: Selection = { metric: 'requests', by: ['route'], rangeMs: 6 * HOUR };
      const failed: Selection = { ...all, where: [{ label: 'class', is: 'equal', value: '5xx' }] };
      expect(await values(failed, (selection) => reader.ratio(selection, all))).toEqual({ [CART]: 0.25, [BLOG]: 0 });
      const seconds: Selection = { metric: 'request_duration', by: ['route'], rangeMs: 6 * HOUR };
      // In the middle of the bucket from 0.1 to 0.5.
      expect(await values(seconds, (selection) => reader.quantile(0.74, selection))).toEqual({ [CART]: 0.3 });
    });
  });

  /** The trouble and the number of alerts of each rule after an evaluation. */
  async function outcomes(): Promise<Readonly<Record<string, string>>> {
    await evaluator.evaluate();
    const { rules } = await desk.list();
    return Object.fromEntries(rules.map(({ rule: id, firing, trouble }) => [id, trouble === '' ? String(firing) : trouble]));
  }

  function want(...rules: readonly WantedAlerts[]): void {
    evaluator.want({ Alerts: new Map(rules.map((each) => [each.name, each])) });
  }

  const FAILURES = rule('failures', {
    summary: '{{ labels.route }}: {{ round(value) }}',
    prometheus: { query: 'sum by (route) (increase(weir_requests_total{status_class="5xx"}[4h])) > 1000' },
  });
  const WINDOW = rule('window', { each: 'Backend', expression: 'backend.endpoints == 0' });

  test('has the series of rules: each is an alert, and what Prometheus says of a wrong one is their state', async () => {
    const infinite = rule('infinite', { prometheus: { query: 'vector(1) / 0' }, summary: '{{ value > 0.0 ? "much" : "little" }}' });
    const query = (name: string, text: string) => rule(name, { prometheus: { query: text } });
    want(
      FAILURES,
      infinite,
      query('none', 'vector(0) / 0'),
      query('scalar', '7'),
      query('wrong', 'sum('),
      query('range', 'weir_requests_total[5m]'),
      query('text', '"text"'),
    );
    expect(await outcomes()).toMatchObject({
      'weir/failures': '1',
      'weir/infinite': '1',
      'weir/none': '0',
      'weir/scalar': '1',
      'weir/wrong': expect.stringMatching(/^Prometheus answered 400: .*parse error/),
      'weir/range': 'the query has the result matrix; it must have a vector',
      'weir/text': 'the query has the result string; it must have a vector',
    });
    const shown = await desk.list();
    const [failures] = shown.alerts.filter(({ rule: id }) => id === 'weir/failures');
    expect(failures).toMatchObject({ state: 'firing', labels: { route: CART, namespace: 'weir' } });
    expect(failures?.summary).toMatch(/^HTTPRoute\/shop\/cart: 8[01]\d\d$/);
    expect(JSON.parse(JSON.stringify(shown.alerts))).toEqual(shown.alerts);
  });

  const nonsense: Readonly<Record<string, (response: http.ServerResponse) => void>> = {
    'a page': (response) => void response.end('<html>it works</html>'),
    nothing: (response) => void response.end(),
    null: sendJson(null),
    'a list': sendJson([1]),
    'no data': sendJson({ status: 'success' }),
    'no list': vector({}),
    'series that are none': vector([{ metric: { route: 'a' }, value: [0, '1'] }, 7]),
    'values that are no numbers': vector([{ metric: { route: 'a' }, value: [0, 'many'] }]),
    'hexadecimal values': vector([{ metric: {}, value: [0, '0x10'] }]),
    'labels that are none': vector([{ metric: null, value: [0, '1'] }]),
    'too many series': vector(Array.from({ length: 501 }, (_, i) => ({ metric: { i: String(i) }, value: [0, '1'] }))),
    'too many bytes': (response) => void response.end(Buffer.alloc(5 * 1_048_576, 32)),
    'half of JSON': (response) => void response.end('{"status":"success","data":{"resultType":"vector","result":['),
    'another place': (response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    'bytes that are no text': (response) => void response.end(Buffer.from([0xff, 0xfe, 0x00, 0x1b])),
    'an end in the middle': (response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{');
      setImmediate(() => response.destroy());
    },
    'no end': (response) => {
      const timer = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(timer));
    },
    'no beginning': () => undefined,
    'a lost connection': (response) => response.destroy(),
  };

  test.each(Object.keys(nonsense))('that answers with %s is the state of its rules, whose alerts stay', async (name) => {
    want(FAILURES, WINDOW);
    expect(await outcomes()).toEqual({ 'weir/failures': '1', 'weir/window': '1' });
    front.answer = nonsense[name] ?? null;
    const { 'weir/failures': trouble = '', 'weir/window': other } = await outcomes();
    // In one line of printable characters.
    expect(trouble).toMatch(/^(Prometheus (answered|cannot be asked)|the query has )[\x20-\x7e…]*$/);
    expect(other).toBe('1');
    expect((await desk.list()).alerts.filter(({ state }) => state === 'firing').length).toBe(2);
    front.answer = null;
    expect(await outcomes()).toEqual({ 'weir/failures': '1', 'weir/window': '1' });
  });

  test('that is slow delays no other rule', async () => {
    let waiting: http.ServerResponse | null = null;
    front.answer = (response) => void (waiting = response);
    want(FAILURES, WINDOW);
    const evaluation = evaluator.evaluate();
    await until(() => waiting !== null);
    expect(evaluator.states.get('AlertRule/weir/window')).toEqual({ trouble: '', firing: 1 });
    expect(evaluator.states.has('AlertRule/weir/failures')).toBe(false);
    vector([])(waiting as unknown as http.ServerResponse);
    await evaluation;
    expect(evaluator.states.get('AlertRule/weir/failures')).toEqual({ trouble: '', firing: 0 });
  });

  test('gets the token of the file, and its certificate is verified with the CA of the file, also a later one', async () => {
    const [ca, other] = await Promise.all([TestCa.create(), TestCa.create()]);
    const { certificate, privateKey } = await ca.issue('prometheus', 'IP:127.0.0.1');
    const tokens: (string | undefined)[] = [];
    const secure = https.createServer({ cert: readFileSync(certificate), key: readFileSync(privateKey) }, (incoming, response) => {
      tokens.push(incoming.headers.authorization);
      vector([])(response);
    });
    secure.listen(0, '127.0.0.1');
    await once(secure, 'listening');
    const [caFile, tokenFile] = ['used.crt', 'token'].map((name) => path.join(ca.folder, name)) as [string, string];
    copyFileSync(path.join(other.folder, 'ca.crt'), caFile);
    writeFileSync(tokenFile, 'first\n');
    const asked = new Prometheus({ url: `https://127.0.0.1:${(secure.address() as AddressInfo).port}`, tokenFile, caFile });
    expect(await asked.query('up')).toMatchObject({ ok: false, error: expect.stringContaining('Prometheus cannot be asked') });
    copyFileSync(path.join(ca.folder, 'ca.crt'), caFile);
    expect(await asked.query('up')).toEqual({ ok: true, value: [] });
    writeFileSync(tokenFile, 'second');
    expect(await asked.query('up')).toEqual({ ok: true, value: [] });
    expect(tokens).toEqual(['Bearer first', 'Bearer second']);
    await asked.stop();
    secure.close();
    await Promise.all([ca.remove(), other.remove()]);
  });

  test('that fails again and again is left alone by questions about long ranges, which say so', async () => {
    let asked = 0;
    front.answer = (response) => {
      asked++;
      response.destroy();
    };
    const long: Selection = { metric: 'requests', by: ['route'], rangeMs: 4 * HOUR };
    const answers = [];
    for (let i = 0; i < 6; i++) answers.push(await reader.sum(long));
    expect(asked).toBe(3);
    expect(answers[0]).toMatchObject({
      error: expect.stringContaining('the window has the last two hours only, and Prometheus cannot be asked'),
    });
    expect(answers[5]).toMatchObject({ error: expect.stringContaining('it is asked again within 30 s') });
    // The window itself needs no Prometheus.
    expect(await reader.sum({ ...long, rangeMs: HOUR })).toMatchObject({ ok: true });
  });
});
